"""What English says of a figure: that something is more or less than it, by how much it changed, what it measures."""

from collections.abc import Sequence

from core.statements.denials import poled
from core.statements.forms import formed, forms, root_of
from core.statements.grammar import AFTER_UP_OR_DOWN, ARTICLES, BE
from core.statements.lexicon import POLES
from core.statements.words import Token

COMPARISONS = {
    ("at", "least"): ">=", ("not", "less", "than"): ">=", ("no", "less", "than"): ">=", ("no", "fewer", "than"): ">=",
    ("a", "minimum", "of"): ">=", ("minimum", "of"): ">=", ("not", "fewer", "than"): ">=", ("≥",): ">=",
    ("at", "most"): "<=", ("not", "more", "than"): "<=", ("no", "more", "than"): "<=", ("a", "maximum", "of"): "<=",
    ("maximum", "of"): "<=", ("up", "to"): "<=", ("≤",): "<=", ("more", "than"): ">", ("greater", "than"): ">",
    ("higher", "than"): ">", ("above",): ">", ("in", "excess", "of"): ">", ("exceeding",): ">", (">",): ">",
    ("less", "than"): "<", ("fewer", "than"): "<", ("lower", "than"): "<", ("below",): "<", ("under",): "<",
    ("<",): "<",
    ("over",): ">",
}  # fmt: skip
# 5 or more, 12 years or older: what it is, and what is said of it.
OR_MORE = {"more": (">=", ""), "above": (">=", ""), "over": (">=", ""), "less": ("<=", ""), "fewer": ("<=", ""),
           "below": ("<=", ""), "under": ("<=", ""), "older": (">=", "old"), "younger": ("<=", "old"),
           "longer": (">=", "long"), "shorter": ("<=", "long"), "higher": (">=", "high")}  # fmt: skip
COMPARED = {forms(" ".join(words)): sign for words, sign in COMPARISONS.items()}
COMPARING = frozenset(words[0] for words in COMPARED)
TIMES = {
    root_of(word): change
    for word, change in (
        ("double", "100 %"), ("triple", "200 %"), ("treble", "200 %"), ("quadruple", "300 %"), ("halve", "50 %")
    )
}  # fmt: skip
ADJECTIVES = formed("double triple")
DIMENSIONS = {"length": "long", "height": "high", "width": "wide", "depth": "deep", "duration": "", "age": "old"}
# Of a measure: the tunnel is, lasts, amounts to so much.
AMOUNTS = {"month": ("last", "take"), "day": ("last", "take"), "time": ("last", "take"),
           "money": ("amount", "total", "come")}  # fmt: skip


def compared(tokens: Sequence[Token]) -> list[Token]:
    """At least 5, a minimum of 5, 5 or more: one sign before the figure."""
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        for length in (3, 2, 1) if tokens[at].text in COMPARING else ():
            sign = COMPARED.get(tuple(t.text for t in tokens[at : at + length]))
            after = tokens[at + length] if at + length < len(tokens) else None
            if sign is None or after is None or after.kind != "figure" or after.mask is None:
                continue
            if tokens[at].text == "over" and after.mask in ("#time", "#day", "#month"):
                continue
            if tokens[at].text == "up" and out and out[-1].root in ("rise", "go", "add", "fall"):
                continue
            first, last = tokens[at], tokens[at + length - 1]
            written = " ".join(t.written for t in tokens[at : at + length])
            out.append(Token(sign, first.start, last.end, mask=POLES[sign][0], written=written))
            at += length
            break
        else:
            at = _or_more(tokens, at, out)
    return out


def _or_more(tokens: Sequence[Token], at: int, out: list[Token]) -> int:
    token = tokens[at]
    behind = [t.text for t in tokens[at + 1 : at + 3]]
    if token.kind == "figure" and len(behind) == 2 and behind[0] == "or" and behind[1] in OR_MORE:
        sign, said = OR_MORE[behind[1]]
        out.append(
            Token(sign, tokens[at + 1].start, tokens[at + 2].end, mask=POLES[sign][0], written=f"or {behind[1]}")
        )
        out.append(token)
        if said:
            out.append(poled(tokens[at + 2]._replace(text=said, mask=None)))
        return at + 3
    out.append(token)
    return at + 1


def measured(tokens: Sequence[Token]) -> list[Token]:
    out = list(tokens)
    if not any(t.kind == "figure" or t.root in TIMES for t in out):
        return out
    at = 0
    while at < len(out):
        _times(out, at)
        _dimension(out, at)
        _amount(out, at)
        _minimum(out, at)
        at += 1
    return out


def _times(out: list[Token], at: int) -> None:
    """Doubled: rose by 100 %."""
    root, _, tense = out[at].text.partition("+")
    if root not in TIMES or out[at].kind != "word" or at == 0 or out[at - 1].text in BE | ARTICLES:
        return
    if (
        at + 1 < len(out)
        and out[at + 1].kind != "date"
        and out[at + 1].text not in AFTER_UP_OR_DOWN - {"to", "by", "from"}
    ):
        return
    if tense != "d" and root in ADJECTIVES:
        return
    token, verb = out[at], "fall" if root.startswith("hal") else "rise"
    figure = token._replace(text=TIMES[root], kind="figure", mask="#share", unit="%")
    said = poled(token._replace(text=verb + (f"+{tense}" if tense else ""), mask=None))
    out[at : at + 1] = [said, token._replace(text="by", mask=None), figure]


def _dimension(out: list[Token], at: int) -> None:
    """Has a length of 5 m: is 5 m long. Is 5 m in length."""
    words = [t for t in out[at : at + 5] if t.text not in ARTICLES]
    if out[at].root == "have" and len(words) > 3 and words[1].text in DIMENSIONS and words[2].text == "of":
        if words[3].kind != "figure":
            return
        end = next(n for n in range(at, at + 5) if out[n] is words[3])
        be = out[at]._replace(text="be" + out[at].text[4:])
        adjective = [words[1]._replace(text=DIMENSIONS[words[1].text])] if DIMENSIONS[words[1].text] else []
        out[at : end + 1] = [be, words[3], *adjective]
    elif out[at].kind == "figure" and [t.text for t in out[at + 1 : at + 2]] == ["in"] and len(out) > at + 2:
        if out[at + 2].text in DIMENSIONS and DIMENSIONS[out[at + 2].text]:
            out[at + 1 : at + 3] = [out[at + 2]._replace(text=DIMENSIONS[out[at + 2].text])]
    elif out[at].text == "tall" and at and out[at - 1].kind == "figure":
        out[at] = out[at]._replace(text="high")


def _amount(out: list[Token], at: int) -> None:
    """Lasts six months, takes six months, is six months; amounts to, is worth, is so much money."""
    root, _, tense = out[at].text.partition("+")
    behind = out[at + 1 : at + 4]
    length = next((n for n, t in enumerate(behind) if t.kind == "figure"), None)
    if length is None or out[at].kind != "word":
        return
    between = [t.text for t in behind[:length] if t.text not in (">", "<", ">=", "<=", "approximately")]
    dimension = (behind[length].mask or "")[1:]
    ends = at + length + 2 == len(out) or out[at + length + 2].kind in ("mark", "date")
    said = root in AMOUNTS.get(dimension, ()) and between in ([], ["to"], ["for"])
    worth = root == "be" and between == ["worth"] and dimension == "money"
    if worth or (said and ends and (root != "take" or at > 0)):
        kept = [t for t in behind[:length] if t.text in (">", "<", ">=", "<=", "approximately")]
        be = out[at]._replace(text="be" + (f"+{tense}" if tense else ""), mask=None)
        out[at : at + 1 + length] = [be, *kept]


def _minimum(out: list[Token], at: int) -> None:
    """The minimum bid is 5 euros: a bid must be at least 5 euros."""
    if out[at].text not in ("minimum", "maximum") or at + 3 >= len(out):
        return
    if (at > 0 and out[at - 1].text not in ARTICLES) or out[at + 2].text != "be" or out[at + 3].kind != "figure":
        return
    sign = ">=" if out[at].text == "minimum" else "<="
    token = out[at]
    must = token._replace(text="must", mask=None)
    out[at : at + 3] = [out[at + 1], must, out[at + 2], token._replace(text=sign, mask=POLES[sign][0])]
