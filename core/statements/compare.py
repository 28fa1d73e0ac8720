"""What two statements of one masked key are to one another: a conflict, the same over time, or nothing that is sure."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Literal

from core.statements.canonical import Canonical
from core.statements.forms import formed
from core.statements.lexicon import QUALITIES, pole_of
from core.statements.order import FUNCTION
from core.statements.words import Token

Relation = Literal["same", "conflict", "over_time"]

# Said of some, or of what may be: then both a statement and its denial may be true.
OF_SOME = formed("some many several few certain might could possibly probably partly half often sometimes other")
# Happen once: of two dates one is wrong.
ONCE = {"found"} | formed(
    "establish build bear die sign launch publish end expir begin happen hold schedul adopt elect releas inaugurat "
    "incorporat merg acquir announc complete born due deadlin ratifi discover invent construct"
)
RULES = formed("must shall limited limit required permitted")
BOUNDS = frozenset("until by since".split())
SIGNS = (">", "<", ">=", "<=")
NEAR_ENOUGH = Decimal("0.1")


def relation(a: Canonical, b: Canonical) -> Relation | None:
    """None for statements that merely resemble one another."""
    if a.words == b.words:
        return "same"
    if a.masked != b.masked:
        return None
    differing = [(x, y) for x, y in zip(_visible(a), _visible(b), strict=True) if x.text != y.text]
    figures = [(x, y) for x, y in differing if x.kind == "figure"]
    dates = [(x, y) for x, y in differing if x.kind == "date"]
    opposite = denied(a) != denied(b)
    if dates:
        return "over_time" if figures or opposite or not _once(a, dates) else "conflict"
    return "conflict" if _conflict(a, b, differing, opposite) else None


def _conflict(a: Canonical, b: Canonical, differing: Sequence[tuple[Token, Token]], opposite: bool) -> bool:
    figures = [(x, y) for x, y in differing if x.kind == "figure"]
    if any(t.text in SIGNS for t in (*a.tokens, *b.tokens)):
        # Two rules about one thing cannot both hold, two observations can.
        rule = any(t.text in RULES for t in a.tokens)
        return (rule and bool(figures)) or not _overlap(a, b)
    if figures:
        # Five of eight are, three of eight are not.
        return negations(a) == negations(b) and not _nearly(a, figures)
    return opposite and not any(_of_some(one) or _of_quality(one, differing) for one in (a, b))


def _visible(one: Canonical) -> list[Token]:
    return [t for t in one.tokens if t.masked]


def negations(one: Canonical) -> int:
    count = sum(t.kind == "negation" and t.text != "" for t in one.tokens)
    # ne ... pas is one denial in two words; of languages that are only folded no more is known.
    return count % 2 if one.language == "en" else min(count, 1)


def denied(one: Canonical) -> bool:
    """Whether it says the opposite of what its masked words are masked as."""
    found = (pole_of(t.text) for t in one.tokens if (t.mask or "").startswith("±"))
    poles = sum(pole is not None and pole[1] < 0 for pole in found)
    return bool((negations(one) + poles) % 2)


def _once(one: Canonical, dates: Sequence[tuple[Token, Token]]) -> bool:
    if any(t.root in ONCE for t in one.tokens):
        return True
    changed = {x.start for x, _ in dates}
    before = zip(one.tokens, one.tokens[1:], strict=False)
    return any(second.start in changed and first.text in BOUNDS for first, second in before)


def _of_some(one: Canonical) -> bool:
    if any(t.root in OF_SOME for t in one.tokens):
        return True
    # A share of them, and as many others not: of a figure in the subject, before anything is said.
    return bool(one.tokens) and one.tokens[0].kind == "figure"


def _of_quality(one: Canonical, differing: Sequence[tuple[Token, Token]]) -> bool:
    """Whether an opposite only tells which ones are meant: it stands before a noun, as in "cold rooms are cheap"."""
    qualities = {t.start for pair in differing for t in pair if t.text in QUALITIES}
    return any(
        first.start in qualities and first.text in QUALITIES and second.kind == "word" and second.text not in FUNCTION
        for first, second in zip(one.tokens, one.tokens[1:], strict=False)
    )


def _value(token: Token) -> Decimal | None:
    try:
        return Decimal(token.text.partition(" ")[0])
    except InvalidOperation:
        return None


def _overlap(a: Canonical, b: Canonical) -> bool:
    """Whether something may be in both of the ranges that the figures give. Unsure is yes."""
    one, other = _range(a), _range(b)
    if one is None or other is None:
        return True
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return low < high or (low == high and one[2] and other[2])


def _range(one: Canonical) -> tuple[Decimal, Decimal, bool] | None:
    """Lowest, highest, and whether both belong to it."""
    bounded = [(s, f) for s, f in zip(one.tokens, one.tokens[1:], strict=False) if s.text in SIGNS]
    if len(bounded) != 1 or (value := _value(bounded[0][1])) is None:
        return None
    sign = bounded[0][0].text
    infinite = Decimal("Infinity")
    return (value, infinite, "=" in sign) if ">" in sign else (-infinite, value, "=" in sign)


def _nearly(one: Canonical, figures: Sequence[tuple[Token, Token]]) -> bool:
    if not any(t.text in ("approximately", "almost") for t in one.tokens):
        return False
    for x, y in figures:
        first, second = _value(x), _value(y)
        if first is None or second is None or abs(first - second) > NEAR_ENOUGH * max(abs(first), abs(second)):
            return False
    return True
