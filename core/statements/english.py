"""English said one way: contractions, phrases, words for the same, denials, comparisons with a figure.

Order is another matter (order.py). What means something stays: tense, who says so, how sure it is, how many.
"""

from collections.abc import Sequence

from core.statements.amounts import compared, measured
from core.statements.denials import Denials, poled
from core.statements.forms import PLURALS, form_of, forms, is_plural, root_of
from core.statements.grammar import AFTER_UP_OR_DOWN, ARTICLES, BE, UNMARKED
from core.statements.lexicon import DOWN, PHRASES, UP
from core.statements.words import Token

# Every third user is not all of them.
ORDINALS = frozenset("second third fourth fifth tenth other few 2nd 3rd 4th 5th 10th".split())
COUNTING = ARTICLES | frozenset("all no any both each few several some most many of two three".split())
# Staff, personnel: one word for all of them.
EMPLOYEES = frozenset(forms("employee"))
UP_OR_DOWN = frozenset(forms(f"{UP} {DOWN}"))
# In capitals another word: US, IT, WHO, AI.
HOMOGRAPHS = frozenset(
    "us it who un ai md pr or in as is am me so at be do he we to of on an by if up my go all any are can aids pin led "
    "ram cap arm act aid may id mad sad fat cat car bar tan pan man hip lap dot eta era ice".split()
)
NOT_ALONE = {"cannot": ("can", "not"), "can't": ("can", "not"), "won't": ("will", "not"), "shan't": ("shall", "not")}
ENDINGS = {"'re": "are", "'ve": "have", "'ll": "will", "'m": "am"}
WITH_IS = frozenset("it that there he she what who here where how this everything everyone nobody".split())


def expanded(tokens: Sequence[Token]) -> list[Token]:
    """Without contractions. What 's stands for is told by the word before and behind it."""
    out: list[Token] = []
    for at, token in enumerate(tokens):
        text = token.text
        parts: Sequence[str]
        if "'" not in text and text not in ("cannot", "&"):
            out.append(token)
            continue
        if text in NOT_ALONE:
            parts = NOT_ALONE[text]
        elif text.endswith("n't"):
            parts = (text[:-3], "not")
        elif text.endswith("'s"):
            after = tokens[at + 1].text if at + 1 < len(tokens) else ""
            verb = "has" if after in ("been", "had", "got", "become") else "is"
            parts = (text[:-2], verb if text[:-2] in WITH_IS else "'s")
        elif "'" in text and (ending := text[text.index("'") :]) in ENDINGS:
            parts = (text[: text.index("'")], ENDINGS[ending])
        elif text == "&":
            parts = ("and",)
        elif text.endswith("'d"):
            parts = (text[:-2], "'d")
        else:
            parts = (text,)
        out.extend(token._replace(text=part) for part in parts)
    return out


def reworded(tokens: Sequence[Token]) -> list[Token]:
    """Dates and figures are one token each already; articles and marks are still there."""
    return _without_will(measured(Denials(compared(_phrased(_cased(tokens)))).read()))


def _cased(tokens: Sequence[Token]) -> list[Token]:
    """Acronyms that are other words in lower case keep that they are acronyms."""
    shouting = all(
        t.written.isupper() for t in tokens if t.kind == "word" and t.written.isalpha() and len(t.written) > 3
    )
    longer = any(len(t.written) > 3 and t.kind == "word" for t in tokens)
    if shouting and longer:
        return list(tokens)
    return [
        t._replace(text=f"{t.text}!")
        if t.written.isupper() and (t.text in HOMOGRAPHS or (t.text == "a" and at > 0))
        else t
        for at, t in enumerate(tokens)
    ]


def _phrased(tokens: Sequence[Token]) -> list[Token]:
    out: list[Token] = []
    roots = [root_of(t.text) if t.kind == "word" else t.text for t in tokens]
    at = 0
    while at < len(tokens):
        found = _phrase_at(tokens, roots, at, out)
        if found is None:
            out.append(_formed(tokens, at))
            at += 1
            continue
        meant, length = found
        tense = form_of(tokens[at].text).partition("+")[2]
        if tokens[at].text in UNMARKED and out and out[-1].text in BE:
            tense = "d"
        first, last = tokens[at], tokens[at + length - 1]
        written = " ".join(t.written for t in tokens[at : at + length])
        if not tense and length == len(meant) == 1 and is_plural(tokens[at].text) and _is_of_several(tokens, at):
            # The clients are several customers.
            tense = "s"
        for number, word in enumerate(meant):
            text = f"{word}+{tense}" if tense and number == 0 and "+" not in word else word
            out.append(poled(Token(text, first.start, last.end, mask=word if tense == "s" else None, written=written)))
        at += length
    return out


def _phrase_at(
    tokens: Sequence[Token], roots: Sequence[str], at: int, out: Sequence[Token]
) -> tuple[tuple[str, ...], int] | None:
    for phrase, meant, guard in PHRASES.get(roots[at], ()) if tokens[at].kind == "word" else ():
        end = at + len(phrase)
        if tuple(roots[at:end]) != phrase:
            continue
        after = tokens[end] if end < len(tokens) else None
        figure = after is not None and after.kind in ("figure",) and after.mask is not None
        if "#" in guard and not (after is not None and after.kind == "figure"):
            continue
        if meant[0] in ("all", "no") and (figure or (after is not None and after.text in ORDINALS)):
            continue
        if (meant[0] == "must" and out and out[-1].kind == "negation") or (
            meant[0] == "must" and out and out[-1].text == "not"
        ):
            continue
        if "^" in guard and not _up_or_down(out, after):
            continue
        return meant, len(phrase)
    return None


def _up_or_down(out: Sequence[Token], after: Token | None) -> bool:
    """Whether a verb says that something went up or down, and not that somebody dropped or declined something."""
    if out and (out[-1].text in BE or out[-1].text in ARTICLES):
        return False
    return (
        after is None or after.kind in ("figure", "date") or after.text in AFTER_UP_OR_DOWN or after.text.endswith("ly")
    )


def _formed(tokens: Sequence[Token], at: int) -> Token:
    token = tokens[at]
    if token.kind != "word":
        return token
    word = token.text
    form = form_of(word)
    if word == "costs" and at + 1 < len(tokens) and tokens[at + 1].kind == "figure":
        return token
    name = at > 0 and token.written[:1].isupper() and tokens[at - 1].kind != "mark"
    if name and "+" not in form and word.endswith("s") and is_plural(word):
        return token
    if "+" not in form and is_plural(word) and _is_of_several(tokens, at):
        return poled(token._replace(text=f"{form}+s", mask=form))
    return poled(token._replace(text=form))


def _is_of_several(tokens: Sequence[Token], at: int) -> bool:
    """The directors are not the director, while drivers and a driver are the same in a statement about all of them."""
    if tokens[at].text in PLURALS and tokens[at].text in ("lives",):
        return False
    if _happened_to(tokens, at):
        return True
    after = tokens[at + 1].text if at + 1 < len(tokens) else ""
    for back in (1, 2, 3):
        if at - back < 0 or tokens[at - back].kind != "word":
            return False
        if tokens[at - back].text in ("the", "these", "those", "its", "their", "our", "his", "her"):
            # Five of the directors, all the directors: several in any case.
            several = at - back > 0 and tokens[at - back - 1].text in ("of", "all", "both")
            possessed = tokens[at - 1].text == "'s"
            return not several and (back == 1 or possessed or after in ("are", "were", "have", "do"))
    return False


def _happened_to(tokens: Sequence[Token], at: int) -> bool:
    """What happens to pumps happens to a pump, but pumps that failed are more than a pump that failed.

    Prices that fell are the price that fell, and staff are employees.
    """
    if root_of(tokens[at].text) in EMPLOYEES:
        return False
    if at and tokens[at - 1].text == "by":
        return any(t.text in ("was", "were") for t in tokens[:at])
    begin = next((start for start in range(at, 0, -1) if tokens[start - 1].text == ","), 0)
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    if after is None or after.kind != "word" or any(t.text == "by" for t in tokens[at:]):
        return False
    past = after.text in ("were", "had") or form_of(after.text).endswith("+d")
    if not past or root_of(after.text) in UP_OR_DOWN:
        return False
    return at == begin or (at == begin + 1 and tokens[begin].kind == "word" and tokens[begin].text not in COUNTING)


def _without_will(tokens: Sequence[Token]) -> list[Token]:
    """With its date said, what will happen happens: takes effect in October."""
    if not any(t.kind == "date" for t in tokens):
        return list(tokens)
    out = [
        t for at, t in enumerate(tokens) if t.text != "will" or (at + 1 < len(tokens) and tokens[at + 1].root == "have")
    ]
    return out
