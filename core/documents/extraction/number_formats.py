"""What a spreadsheet shows for a number: format codes of ECMA-376, 18.8.31, as Excel shows them in English.

A code has up to four sections: positive, negative, zero, text; conditions in brackets choose otherwise. Dates whose
form the reader's own machine decides (codes 14 and 22) are shown as ISO, which no reader can take for another day.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from core.documents.extraction import number_dates, number_digits
from core.documents.extraction.number_digits import general

GENERAL = "General"
# By number, from ECMA-376, 18.8.30; those of East Asia differ by the reader's language and are not in it.
BUILT_IN = {
    **{1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??"},
    **{5: '"$"#,##0_);("$"#,##0)', 6: '"$"#,##0_);("$"#,##0)', 7: '"$"#,##0.00_);("$"#,##0.00)'},
    **{8: '"$"#,##0.00_);("$"#,##0.00)', 14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy"},
    **{18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm"},
    **{37: "#,##0_);(#,##0)", 38: "#,##0_);(#,##0)", 39: "#,##0.00_);(#,##0.00)", 40: "#,##0.00_);(#,##0.00)"},
    **{41: '_(* #,##0_);_(* (#,##0);_(* "-"_);_(@_)', 42: '_("$"* #,##0_);_("$"* (#,##0);_("$"* "-"_);_(@_)'},
    43: '_(* #,##0.00_);_(* (#,##0.00);_(* "-"??_);_(@_)',
    44: '_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* "-"??_);_(@_)',
    **{45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@"},
}
# Longer codes are nobody's: Excel takes 255 characters.
MOST_CHARACTERS = 1_000
_TOKEN = re.compile(
    r"""(?P<quoted>"[^"]*"?)|\\(?P<escaped>.)|_(?P<space>.)|\*(?P<fill>.)|(?P<general>General)
    |\[(?:\$(?P<currency>[^\]-]*)(?:-(?P<locale>[^\]]*))?|(?P<elapsed>h+|m+|s+)|(?P<condition>[<>=]+[^\]]*)|[^\]]*)\]
    |(?P<noon>AM/PM|A/P)|(?P<exponent>E[+-])|(?P<date>y+|m+|d+|h+|s+|e+|b+)|(?P<digit>[0#?])|(?P<other>.)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d*)?(?:e[+-]?\d+)?)", re.IGNORECASE)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": float.__lt__,
    ">": float.__gt__,
    "<=": float.__le__,
    ">=": float.__ge__,
    "=": float.__eq__,
    "<>": float.__ne__,
}
_DATES = ("date", "noon", "elapsed")


@dataclass(frozen=True)
class Token:
    """`kind`: literal, digit, point, comma, percent, slash, exponent, at, general, or one of a date."""

    kind: str
    text: str


@dataclass(frozen=True)
class Section:
    tokens: tuple[Token, ...]
    locale: str
    condition: Callable[[float], bool] | None
    # It is chosen for numbers below zero alone, and says so by itself.
    negative: bool

    def number(self, value: float, date1904: bool) -> str:
        kinds = self._kinds
        if not kinds.isdisjoint(_DATES):
            return number_dates.shown(self.tokens, value, self.locale, date1904)
        minus = "-" if value < 0 and not self.negative else ""
        if "digit" in kinds:
            simple, size = self._simple, abs(value)
            return minus + (simple.shown(size) if simple else number_digits.shown(self.tokens, size)).lstrip()
        if kinds.isdisjoint(("general", "at")):
            return minus + self._literals() if self._literals() else ""
        plain = general(abs(value))
        return minus + "".join(plain if token.kind in ("general", "at") else token.text for token in self.tokens)

    def text(self, value: str) -> str:
        return "".join(value if token.kind in ("at", "general") else token.text for token in self.tokens)

    @cached_property
    def _kinds(self) -> frozenset[str]:
        return frozenset(token.kind for token in self.tokens)

    @cached_property
    def _simple(self) -> number_digits.Simple | None:
        return number_digits.simple(self.tokens)

    def _literals(self) -> str:
        return "".join(token.text for token in self.tokens)


class NumberFormat:
    def __init__(self, code: str) -> None:
        sections = [_section(number, tokens) for number, tokens in enumerate(_split(code[:MOST_CHARACTERS]))]
        has_text = len(sections) > 3 or (sections and any(token.kind == "at" for token in sections[-1].tokens))
        self._text = sections[-1] if has_text else None
        numbers = sections[:3] if len(sections) > 3 or not has_text else sections[:-1]
        self._numbers = numbers or sections

    def number(self, value: float, date1904: bool = False) -> str:
        """Without the spaces that only align. Empty where the format shows nothing."""
        try:
            return self._section_of(value).number(value, date1904).strip()
        except (ArithmeticError, LookupError, ValueError):  # codes that no program writes
            return general(value)

    def text(self, value: str) -> str:
        return self._text.text(value).strip() if self._text else value

    def _section_of(self, value: float) -> Section:
        sections = self._numbers
        for one in sections:
            if one.condition is not None and one.condition(value):
                return one
        free = [one for one in sections if one.condition is None]
        if len(free) < len(sections) or len(sections) == 1:
            return free[-1] if free else sections[-1]
        if value < 0:
            return sections[1]
        return sections[2] if value == 0 and len(sections) > 2 else sections[0]


@lru_cache(maxsize=10_000)
def number_format(code: str) -> NumberFormat | None:
    """None for General, which `general` shows quicker."""
    return None if code.strip().lower() in ("", "general", "@", "standard") else NumberFormat(code)


def _split(code: str) -> list[list[re.Match[str]]]:
    sections: list[list[re.Match[str]]] = [[]]
    for found in _TOKEN.finditer(code):
        if found["other"] == ";":
            sections.append([])
        else:
            sections[-1].append(found)
    return sections[:4]


def _section(number: int, found: list[re.Match[str]]) -> Section:
    condition, locale, negative = None, "", number == 1
    tokens: list[Token] = []
    for one in found:
        locale = one["locale"] or locale
        if one["condition"] and (parts := _CONDITION.match(one["condition"])):
            sign, limit = parts[1], float(parts[2])
            condition = _condition(sign, limit)
            negative = sign in ("<", "<=") and limit <= 0
        elif (token := _token(one)) and not (one["fill"] and tokens and tokens[-1].text == "-"):
            tokens.append(token)  # a minus stands at its number, however wide the cell is
    return Section(tuple(number_dates.minutes_apart(tokens)), locale, condition, negative)


def _condition(sign: str, limit: float) -> Callable[[float], bool]:
    return lambda value: _COMPARE[sign](float(value), limit)


_SIGNS = {".": "point", ",": "comma", "%": "percent", "/": "slash", "@": "at"}


def _token(found: re.Match[str]) -> Token | None:
    kind, text = found.lastgroup or "", found[0]
    if kind in ("quoted", "escaped"):
        return Token("literal", text.strip('"') if kind == "quoted" else found["escaped"])
    if kind in ("space", "fill"):
        return Token("literal", " ") if kind == "space" or found["fill"] == " " else None
    if kind in ("currency", "locale"):
        return Token("literal", found["currency"]) if found["currency"] else None
    if kind == "other":
        return Token(_SIGNS.get(text, "literal"), text)
    if kind in ("elapsed", "date", "noon", "exponent", "digit", "general"):
        return Token(kind, found["elapsed"] if kind == "elapsed" else text)
    return None  # a colour, a way of writing figures
