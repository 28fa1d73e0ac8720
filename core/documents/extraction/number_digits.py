"""Figures by a format's placeholders: 0 always shows a digit, # one that is there, ? a space in its place."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.documents.extraction.number_formats import Token

# What General has room for: 11 characters of a number with decimals. Whole numbers are shown to their last digit as
# LibreOffice does it, since the numbers of accounts and articles are among them.
GENERAL_CHARACTERS = 11
MOST_EXACT = 10**15


def general(value: float) -> str:
    """A number without a format, or with the format General."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < MOST_EXACT:
        return str(int(value))
    room = GENERAL_CHARACTERS + (value < 0)
    if 1e-10 < abs(value) < 1e11:
        whole = len(str(int(abs(value))))
        short = f"{value:.{max(GENERAL_CHARACTERS - whole - 1, 0)}f}"
        short = short.rstrip("0").rstrip(".") if "." in short else short
        if abs(value) >= 1e-4 or (len(f"{value:.12f}".rstrip("0")) <= room):
            return short
    mantissa, _, exponent = f"{value:.5E}".partition("E")
    return f"{mantissa.rstrip('0').rstrip('.')}E{exponent}"


@dataclass(frozen=True)
class Simple:
    """A format such as "€" #,##0.00: what most are. `factor`: for percents."""

    before: str
    after: str
    places: Decimal
    spec: str
    factor: int

    def shown(self, value: float) -> str:
        """`value` is not negative."""
        number = (Decimal(f"{value:.15g}") * self.factor).quantize(self.places, context=_CONTEXT)
        return f"{self.before}{number:{self.spec}}{self.after}"


_CONTEXT = Context(prec=400, rounding=ROUND_HALF_UP)
_SIMPLE = re.compile(r"(l*)(?:#,##)?0(\.0+)?(l*)")


def simple(tokens: "Sequence[Token]") -> Simple | None:
    signs = {"digit": "", "comma": ",", "point": ".", "literal": "l", "percent": "l"}
    code = "".join(signs.get(token.kind, "?") or token.text for token in tokens)
    if not (found := _SIMPLE.fullmatch(code)):
        return None
    texts = [token.text for token in tokens]
    before, after = "".join(texts[: found.end(1)]), "".join(texts[found.start(3) :])
    places = Decimal(1).scaleb(-len((found[2] or ".")[1:]))
    percents = sum(token.kind == "percent" for token in tokens)
    return Simple(before, after, places, ",f" if "," in code else "f", 100**percents)


def shown(tokens: "Sequence[Token]", value: float) -> str:
    """`value` is not negative."""
    kinds = [token.kind for token in tokens]
    with localcontext() as context:
        context.prec = 400
        number = Decimal(f"{value:.15g}") * 100 ** kinds.count("percent")
        if "exponent" in kinds:
            return _scientific(tokens, number)
        if "slash" in kinds and (at := _fraction_at(tokens)):
            return _fraction(tokens, at, number)
        first = kinds.index("digit")
        point = kinds.index("point") if "point" in kinds else len(kinds)
        commas = _commas(kinds, first, point)
        return _plain(tokens, number / 1000 ** commas.count("scale"), point, "apart" in commas)


def _commas(kinds: Sequence[str], first: int, point: int) -> list[str]:
    """For each comma whether it sets thousands apart, or after the last digit divides by a thousand."""
    digits = [at for at, kind in enumerate(kinds) if kind == "digit"]
    last_whole = max((at for at in digits if at < point), default=first)
    found = []
    for at, kind in enumerate(kinds):
        if kind == "comma" and at > first:
            scales = last_whole < at < point or at > digits[-1]
            found.append("scale" if scales else "apart")
    return found


def _plain(tokens: "Sequence[Token]", number: Decimal, point: int, apart: bool) -> str:
    places = sum(token.kind == "digit" for token in tokens[point:])
    rounded = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    whole, _, decimals = f"{rounded:f}".partition(".")
    return _whole(tokens[:point], whole.lstrip("0"), apart) + _decimals(tokens[point:], decimals)


def _whole(tokens: "Sequence[Token]", digits: str, apart: bool) -> str:
    """From the right: each placeholder takes a digit, the first one all that are left."""
    left = sum(token.kind == "digit" for token in tokens)
    out: list[str] = []  # from right to left
    written = 0
    for token in reversed(tokens):
        if token.kind != "digit":
            if token.kind != "comma":
                out.append(token.text)
            continue
        left -= 1
        taken, digits = (digits, "") if left == 0 else (digits[-1:], digits[:-1])
        for digit in reversed(taken or {"0": "0", "?": " "}.get(token.text, "")):
            if apart and written and written % 3 == 0:
                out.append("," if digit != " " else " ")
            out.append(digit)
            written += 1
    return "".join(reversed(out))


def _decimals(tokens: "Sequence[Token]", digits: str) -> str:
    needed = len(digits.rstrip("0"))
    out, at = [], 0
    for token in tokens:
        if token.kind == "digit":
            always = at < needed or token.text == "0"
            out.append(digits[at] if always else " " if token.text == "?" else "")
            at += 1
        elif token.kind != "comma":
            out.append(token.text)
    return "".join(out)


def _scientific(tokens: "Sequence[Token]", number: Decimal) -> str:
    at = next(index for index, token in enumerate(tokens) if token.kind == "exponent")
    before, after = tokens[:at], tokens[at + 1 :]
    point = next((index for index, token in enumerate(before) if token.kind == "point"), len(before))
    width = max(sum(token.kind == "digit" for token in before[:point]), 1)
    places = sum(token.kind == "digit" for token in before[point:])
    exponent = number.adjusted() // width * width if number else 0
    mantissa = number.scaleb(-exponent).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    if mantissa >= 10**width:
        exponent, mantissa = exponent + width, mantissa.scaleb(-width)
    sign = "-" if exponent < 0 else "+" if tokens[at].text.endswith("+") else ""
    shown_exponent = _whole(after, str(abs(exponent)).lstrip("0"), False)
    return _plain(before, mantissa, point, False) + "E" + sign + shown_exponent


def _fraction_at(tokens: "Sequence[Token]") -> int:
    """Where a slash stands between digits; 0: nowhere."""
    for at, token in enumerate(tokens):
        if token.kind == "slash" and 0 < at < len(tokens) - 1 and tokens[at - 1].kind == "digit":
            follows = tokens[at + 1]
            if follows.kind == "digit" or follows.text.isdigit():
                return at
    return 0


def _fraction(tokens: "Sequence[Token]", at: int, number: Decimal) -> str:
    begin = at
    while begin and tokens[begin - 1].kind == "digit":
        begin -= 1
    end = at + 1
    while end < len(tokens) and (tokens[end].kind == "digit" or tokens[end].text.isdigit()):
        end += 1
    below = "".join(token.text for token in tokens[at + 1 : end])
    with_whole = any(token.kind == "digit" for token in tokens[:begin])
    exact = Fraction(number)
    whole = int(exact) if with_whole else 0
    over, under = _ratio(exact - whole, below)
    if with_whole and over == under:
        whole, over = whole + 1, 0
    front = _whole(tokens[:begin], str(whole).lstrip("0") if over or not with_whole else str(whole), False)
    ratio = f"{over}/{under}" if over or not with_whole else ""
    return front + ratio + "".join(token.text for token in tokens[end:])


def _ratio(part: Fraction, below: str) -> tuple[int, int]:
    """`below` is a denominator such as 16, or so many placeholders."""
    if below.isdigit() and int(below):
        return int(part * int(below) + Fraction(1, 2)), int(below)
    nearest = part.limit_denominator(10 ** min(len(below), 7) - 1)
    return nearest.numerator, nearest.denominator
