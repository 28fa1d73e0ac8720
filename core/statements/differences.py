"""In which words two statements differ, for pages to mark, and why a merge by hand is refused unless forced."""

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from core.evidence.spelling import is_word
from core.statements.canonical import Canonical
from core.statements.compare import denied, negations
from core.statements.forms import formed, is_plural
from core.statements.words import Token

Class = Literal["figure", "unit", "date", "name", "negation", "direction", "hedge", "order", "word"]
Reason = Literal["figures", "units", "dates", "names", "negation"]
HEDGES = formed(
    "may might could can will would should must shall probably likely possibly apparently allegedly reportedly "
    "suspect expect intend plan seem appear approximately almost say claim believe"
)


@dataclass(frozen=True)
class Difference:
    """`a`, `b`: as each side writes it, empty where it has nothing there; spans are code points in its statement."""

    kind: Class
    a: str
    b: str
    a_spans: tuple[tuple[int, int], ...]
    b_spans: tuple[tuple[int, int], ...]


def refuses(a: Canonical, b: Canonical) -> tuple[Reason, ...]:
    """Why a person's or a judge's merge of the two is refused unless forced; nothing where they may be merged."""
    reasons: list[Reason] = []
    if _texts(a, "figure") != _texts(b, "figure"):
        values = [Counter(_digits(t) for t in one.tokens if t.kind == "figure") for one in (a, b)]
        reasons.append("units" if values[0] == values[1] else "figures")
    if _texts(a, "date") != _texts(b, "date"):
        reasons.append("dates")
    if _names(a) - _words(b) or _names(b) - _words(a) or _other_subject(a, b):
        reasons.append("names")
    if _denials(a) != _denials(b) or (a.masked == b.masked and denied(a) != denied(b)):
        reasons.append("negation")
    return tuple(reasons)


GENERAL = formed(
    "everyone noone nobody someone anyone nothing everything something all most many some few several both other"
)
DENYING = formed("noone nothing none nor neither nowhere without")


def _denials(one: Canonical) -> int:
    if one.language != "en":
        return negations(one)
    return sum(t.kind == "negation" or t.text in DENYING for t in one.tokens) % 2


def _texts(one: Canonical, kind: str) -> Counter[str]:
    return Counter(t.text for t in one.tokens if t.kind == kind)


def _digits(token: Token) -> str:
    return "".join(c for c in token.written if c.isdigit() or c in ".-") or token.text


def _words(one: Canonical) -> set[str]:
    return {t.root for t in one.tokens}


def _names(one: Canonical) -> set[str]:
    """Words in capitals inside the statement. All nouns of German have them: there only acronyms are told."""
    words = [t for t in one.tokens if t.kind == "word" and t.written[:1].isalpha()]
    if len(words) > 3 and sum(t.written[:1].isupper() for t in words) > len(words) * 0.8:
        return set()
    first = next((at for at, sign in enumerate(one.statement) if sign.isalnum()), 0)
    return {t.root for t in words if _named(t, t.start == first, one.language)}


def _named(token: Token, first: bool, language: str | None) -> bool:
    if not token.written[:1].isupper() or (token.written.isupper() and len(token.written) > 1):
        return token.written[:1].isupper()
    if first:
        # Any word has a capital there; one that is no word is a name.
        return (
            "+" not in token.text and not is_plural(token.written.casefold()) and not is_word(token.written.casefold())
        )
    return language != "de"


def _other_subject(a: Canonical, b: Canonical) -> bool:
    """Oslo pays, Bergen pays: all the rest is the same."""
    if a.words == b.words or not a.tokens or not b.tokens or a.words.partition(" ")[2] != b.words.partition(" ")[2]:
        return False
    return all(
        t.kind == "word" and t.written[:1].isupper() and t.text not in GENERAL for t in (a.tokens[0], b.tokens[0])
    )


def differences(a: Canonical, b: Canonical) -> tuple[Difference, ...]:
    """The words that differ, in the order of `a`: what a page marks on both sides."""
    one, other = [t.text for t in a.tokens], [t.text for t in b.tokens]
    found = []
    for _, start, end, low, high in _blocks(one, other):
        left, right = a.tokens[start:end], b.tokens[low:high]
        if len(left) == len(right) and all(
            x.masked == y.masked or x.kind == y.kind != "word" for x, y in zip(left, right, strict=True)
        ):
            found += [_difference(a, b, (x,), (y,)) for x, y in zip(left, right, strict=True)]
        else:
            found.append(_difference(a, b, left, right))
    return tuple(found)


def _blocks(one: list[str], other: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return (block for block in matcher.get_opcodes() if block[0] != "equal")


def _difference(a: Canonical, b: Canonical, left: Sequence[Token], right: Sequence[Token]) -> Difference:
    spans = [
        tuple(dict.fromkeys((t.start, t.end) for t in sorted(side, key=lambda t: t.start))) for side in (left, right)
    ]
    written = [" ".join(one.statement[s:e] for s, e in side) for one, side in zip((a, b), spans, strict=True)]
    return Difference(_class(a, b, left, right), written[0], written[1], spans[0], spans[1])


def _class(a: Canonical, b: Canonical, left: Sequence[Token], right: Sequence[Token]) -> Class:
    both = [*left, *right]
    kinds = {t.kind for t in both}
    if "figure" in kinds:
        values = [[_digits(t) for t in side if t.kind == "figure"] for side in (left, right)]
        return "unit" if values[0] == values[1] else "figure"
    names = _names(a) | _names(b)
    told: tuple[tuple[Class, bool], ...] = (
        ("date", "date" in kinds),
        ("negation", "negation" in kinds),
        ("direction", any((t.mask or "").startswith("±") for t in both)),
        ("hedge", any(t.root in HEDGES for t in both)),
        ("order", Counter(t.text for t in a.tokens) == Counter(t.text for t in b.tokens)),
        ("name", any(t.root in names for t in both)),
    )
    return next((name for name, so in told if so), "word")
