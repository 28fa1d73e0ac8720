"""Figures, however they are written, as one token each: value, unit, and whether they are a quantity or a name."""

import re
from collections.abc import Sequence
from decimal import Decimal

from core.statements.units import (
    CASED,
    LONGEST_NAME,
    MAGNITUDES,
    MAGNITUDES_ELSEWHERE,
    MAGNITUDES_IN_ENGLISH,
    NAMED,
    PAID,
    POUND_OF_EITHER,
    POUNDS,
    WEIGHED,
    Unit,
)
from core.statements.words import Token

COMMA_IS_DECIMAL = frozenset("de fr es it pt nl da sv no fi pl cs hu ro el tr uk ru".split())
SMALL = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {"dozen": 12}
TENS = {
    word: 10 * number
    for number, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
LARGE = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
# The small numbers of other languages, as they stand before a unit or a noun. What also is an article is left out.
ELSEWHERE = {
    language: {word: number for number, word in enumerate(words.split(), start=2)}
    for language, words in {
        "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
        "fr": "deux trois quatre cinq six sept huit neuf dix onze douze",
        "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce",
        "it": "due tre quattro cinque sei sette otto nove dieci undici dodici",
    }.items()
}
FRACTIONS = {"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fifth": 5, "fifths": 5,
             "tenth": 10, "tenths": 10}  # fmt: skip
ORDINALS = {
    word: number
    for number, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), start=1)
}
# Decimal calculates with 28 of them; a longer number stays as it is written.
MOST_DIGITS = 18
CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?")
# A figure behind one of these is a name: Order 5513, Article 12, Tram 4.
NUMBERED = frozenset(
    "order article section tram line room ward chapter page no number version flight route highway channel platform "
    "gate unit building block level phase step clause paragraph figure table annex appendix invoice ticket case "
    "contract lot batch model type class category group form policy grade site zone district apartment house floor "
    "bus train road exhibit schedule item rule regulation directive act iso din en part volume issue lane bay berth "
    "terminal pier hall track stage tier appendix question answer task request patient sample serie release sprint "
    "artikel abschnitt nummer nr zimmer seite linie artículo artículo numéro numéro articolo # cell "
    "plant reactor pump valve machine truck vehicle wagon turbine engine warehouse store plot mine well field".split()
)


def plain_value(text: str, language: str | None) -> str | None:
    """A number's digits with a point for decimals, trailing zeros kept; None where it is no number or is not sure."""
    text = text.replace("\u066b", ".").replace("\u066c", ",").replace("\u00b7", ".")
    if re.fullmatch(r"-?\d+", text):
        return text
    if not re.fullmatch(r"-?\d[\d.,]*", text):
        return None
    decimal, group = (",", ".") if language in COMMA_IS_DECIMAL else (".", ",")
    if language is None and re.fullmatch(r"-?\d{1,3}[.,]\d{3}", text):
        return None
    for point, between in ((decimal, group), (group, decimal)):
        sure = point == decimal or not re.fullmatch(r"-?\d{1,3}[.,]\d{3}", text)
        if sure and re.fullmatch(
            rf"-?(?:\d+|\d{{1,3}}(?:{re.escape(between)}\d{{3}})+)(?:{re.escape(point)}\d+)?", text
        ):
            return text.replace(between, "").replace(point, ".")
    return text.replace(",", "") if re.fullmatch(r"\d{1,2}(?:,\d{2})+,\d{3}", text) else None


def written_value(value: Decimal) -> str:
    """Without an exponent and without zeros that say nothing."""
    text = f"{value.normalize():f}"
    return "0" if text == "-0" else text


class Figures:
    """Rewrites the figures of one statement, in its language (ISO 639-1, or None)."""

    def __init__(self, tokens: Sequence[Token], language: str | None):
        self.tokens = tokens
        self.texts = [token.text for token in tokens]
        self.language = language
        self.english = language == "en"
        self.out: list[Token] = []

    def read(self) -> list[Token]:
        at = 0
        while at < len(self.tokens):
            if self.tokens[at].kind == "figure" or self.texts[at] in BEGINNINGS:
                at = self._sign_before(at) or self._clock(at) or self._ratio(at) or self._quantity(at) or self._keep(at)
            else:
                at = self._keep(at)
        return self.out

    def _keep(self, at: int) -> int:
        token = self.tokens[at]
        per = self.english and token.text in ("a", "an", "each") and any(t.kind == "figure" for t in self.out[-4:])
        if (
            per
            and self._text(at - 1) not in ("in", "once", "twice", "of", "by", "for")
            and self._text(at + 1) in PERIODS
        ):
            token = token._replace(text="per")
        self.out.append(token)
        return at + 1

    def _text(self, at: int) -> str:
        return self.texts[at] if 0 <= at < len(self.texts) else ""

    def _sign_before(self, at: int) -> int | None:
        """€45,000, EUR 45,000, US$ 2m."""
        for length in (2, 1):
            unit = NAMED.get(" ".join(self._text(at + n) for n in range(length)))
            if unit is None or unit.dimension != "money" or self.tokens[at].kind != "word":
                continue
            if length == 1 and not (len(self._text(at)) == 1 or self._text(at) == unit.base.casefold()):
                continue
            number = self._number(at + length)
            if number and self.tokens[at + length].kind == "figure":
                value, end, _ = number
                value, end = self._magnitude(value, end, money=True)
                after = NAMED.get(self._text(end))
                # EUR 5 million euros says it twice.
                end += bool(after and after.base == unit.base)
                self._add(at, end, value, unit)
                return end
        return None

    def _clock(self, at: int) -> int | None:
        """7 a.m., 7:30 pm, 19:30."""
        time = CLOCK.fullmatch(self._text(at))
        if time is None or self.tokens[at].kind != "figure":
            return None
        end = at + 1
        half = self._text(end) if self._text(end) in ("am", "pm") else ""
        if self._text(end) in ("a", "p") and self._text(end + 1) == "m":
            half, end = f"{self._text(end)}m", end + 1
        hour, minute = int(time[1]), time[2] or "00"
        if (not half and not (time[2] and ":" in time[0])) or hour > (12 if half else 24) or int(minute) > 59:
            return None
        hour = hour % 12 + 12 * (half == "pm") if half else hour
        end += bool(half)
        written = " ".join(token.written for token in self.tokens[at:end])
        last = self.tokens[end - 1].end
        self.out.append(Token(f"{hour:02}:{minute}", self.tokens[at].start, last, "figure", "#clock", written, "clock"))
        return end

    def _quantity(self, at: int) -> int | None:
        number = self._number(at) or self._part_of_unit(at)
        if number is None:
            return None
        value, end, literal = number
        value, end = self._magnitude(value, end, money=False)
        unit, length = self._unit(end, value)
        if unit:
            value, end = self._and_a_half(value, end + length)
            self._add(at, end, value, unit)
            return end
        text = literal if end == at + 1 and literal else written_value(value)
        self._add(at, end, text, None)
        return end

    def _number(self, at: int) -> tuple[Decimal, int, str] | None:
        """Value, where it ends, and its digits as they are written: of a name (version 1.10) every one counts."""
        if at >= len(self.tokens) or self.tokens[at].kind in ("date", "mark"):
            return None
        token = self.tokens[at]
        if token.kind == "figure":
            text, end = self._grouped(at)
            value = plain_value(text, self.language)
            if value is None or len(value) > MOST_DIGITS:
                return None
            number = self._and_a_half(Decimal(value), end)
            return number[0], number[1], value if number[1] == end else ""
        if self.english:
            return self._number_words(at)
        small = ELSEWHERE.get(self.language or "", {}).get(token.text)
        return (Decimal(small), at + 1, "") if small else None

    def _grouped(self, at: int) -> tuple[str, int]:
        """1 200 is one number: groups of three behind one of at most three digits."""
        text, end = self._text(at), at + 1
        if not re.fullmatch(r"-?[1-9]\d{0,2}", text) or _is_name(self.tokens, at):
            return text, end
        while end < len(self.tokens) and re.fullmatch(r"\d{3}(?:[.,]\d+)?", self._text(end)):
            if self.tokens[end].start != self.tokens[end - 1].end + 1:
                break
            text, end = text + self._text(end), end + 1
            if not text[-3:].isdigit():
                break
        return text, end

    def _number_words(self, at: int) -> tuple[Decimal, int, str] | None:
        if self._text(at - 1) in ("no", "any", "every", "each", "some", "another") or self._text(at) == "dozen":
            return None
        total, current, end, last = 0, 0, at, 0
        if self._text(at) == "a" and self._text(at + 1) in (*LARGE, "dozen"):
            current, end = 1, at + 1
        while end < len(self.tokens):
            word = self._text(end)
            if word == "and" and end > at and last >= 100 and self._text(end + 1) in (*SMALL, *TENS):
                end += 1
            elif (
                word in SMALL
                and (end == at or last >= 20 or word == "dozen")
                and not (last >= 20 and SMALL[word] > 9 > last % 100 > 0)
            ):
                current, last = (max(current, 1) * 12 if word == "dozen" else current + SMALL[word]), SMALL[word]
                end += 1
            elif word in TENS and (end == at or last >= 100):
                current, last, end = current + TENS[word], TENS[word], end + 1
            elif word in LARGE and (end > at):
                if LARGE[word] == 100:
                    current = max(current, 1) * 100
                else:
                    total, current = total + max(current, 1) * LARGE[word], 0
                last, end = LARGE[word], end + 1
            else:
                break
        if end == at:
            return None
        value, end = self._and_a_half(Decimal(total + current), end)
        return value, end, ""

    def _and_a_half(self, value: Decimal, end: int) -> tuple[Decimal, int]:
        if self.english and [self._text(end + n) for n in range(3)] == ["and", "a", "half"]:
            return value + Decimal("0.5"), end + 3
        return value, end

    def _part_of_unit(self, at: int) -> tuple[Decimal, int, str] | None:
        """Half a year, half an hour, a quarter of an hour; within a year."""
        if not self.english:
            return None
        words = [self._text(at + n) for n in range(4)]
        if words[0] == "half" and words[1] in ("a", "an") and words[2] in NAMED:
            return Decimal("0.5"), at + 2, ""
        if words[0] in ("a", "an") and words[1] in NAMED and self._text(at - 1) in LASTING:
            return (Decimal(1), at + 1, "") if NAMED[words[1]].dimension in ("time", "day", "month") else None
        return None

    def _ratio(self, at: int) -> int | None:
        """One in four, two out of a hundred, half of, a quarter of, two thirds of: as percent of."""
        if not self.english:
            return None
        share, end = self._fraction_of(at) or self._one_in(at) or (None, at)
        if share is None:
            return None
        value = share * 100
        if value == round(value, 4):
            self._add(at, end, value, NAMED["%"])
        else:
            self._add(at, end, f"{share:.9f}", None)
        last = self.tokens[end - 1]
        if self._text(end) != "of" and self._text(at - 1) != "by":
            self.out.append(Token("of", last.start, last.end, written=last.written))
        return end

    def _fraction_of(self, at: int) -> tuple[Decimal, int] | None:
        words = [self._text(at + n) for n in range(3)]
        if self._text(at - 1) in ("the", "second", "first", "1st", "2nd", "and", "other", "better", "last"):
            return None
        if words[0] == "half" and self._text(at - 1) == "by":
            return Decimal("0.5"), at + 1
        if words[0] == "half" and words[1] in ("of", "the", "all", "its", "their", "our"):
            return Decimal("0.5"), at + 1
        count = 1 if words[0] == "a" else SMALL.get(words[0], 0)
        if re.fullmatch("[1-9]", words[0]):
            count = int(words[0])
        parts = FRACTIONS.get(words[1], 0)
        if count and parts > count and (words[2] == "of" or self._text(at - 1) == "by"):
            return Decimal(count) / parts, at + 2
        return None

    def _one_in(self, at: int) -> tuple[Decimal, int] | None:
        first = self._number(at)
        if first is None or self._text(at - 1) in ("no", "by", "to"):
            return None
        value, end, _ = first
        between = (
            1
            if self._text(end) in ("in", "of")
            else 2
            if (self._text(end), self._text(end + 1)) == ("out", "of")
            else 0
        )
        every = self._text(end + between) == "every"
        second = self._number(end + between + every) if between else None
        if second is None or not 0 < value < second[0] <= 1000 or self._unit(second[1], second[0])[0]:
            return None
        if self._text(second[1]) == "" or self.tokens[second[1]].kind != "word":
            return None
        # Five of eight turbines are these eight; one in four is a share.
        sure = self._text(end) == "in" or every or (between == 2 and second[0] in (10, 100, 1000))
        return (value / second[0], second[1]) if sure else None

    def _magnitude(self, value: Decimal, end: int, *, money: bool) -> tuple[Decimal, int]:
        word = self._text(end)
        factor = (MAGNITUDES_IN_ENGLISH if self.english else MAGNITUDES_ELSEWHERE).get(word) or MAGNITUDES.get(word)
        if word == "m" and (money or self._is_money(end + 1)):
            factor = 10**6
        elif word in ("mil", "mille", "mila") and self.english:
            factor = None
        if factor is None:
            return value, end
        end += 1
        if self._text(end) in ("de", "di", "d'") and self._is_money(end + 1):
            end += 1
        return value * factor, end

    def _is_money(self, at: int) -> bool:
        unit = NAMED.get(self._text(at)) or NAMED.get(f"{self._text(at)} {self._text(at + 1)}")
        return unit is not None and unit.dimension == "money"

    def _unit(self, at: int, value: Decimal) -> tuple[Unit | None, int]:
        for length in range(LONGEST_NAME, 0, -1):
            if at + length > len(self.tokens):
                continue
            name = " ".join(token.text for token in self.tokens[at : at + length])
            unit = CASED.get(self.tokens[at].written) if length == 1 else None
            unit = unit or (self._pound(value) if self.english and name in POUNDS else NAMED.get(name))
            if unit is None and self.english and name.endswith("s") and len(name) > 3:
                unit = NAMED.get(name[:-1])
            if unit and not (length == 1 and self.english and name in NOT_ENGLISH):
                return unit, length
        return None, 0

    def _pound(self, value: Decimal) -> Unit:
        weighed = not WEIGHED.isdisjoint(self.texts)
        paid = value >= 10**6 or not PAID.isdisjoint(self.texts)
        return POUND_OF_EITHER if weighed == paid else NAMED["lb" if weighed else "gbp"]

    def _add(self, at: int, end: int, value: Decimal | str, unit: Unit | None) -> None:
        start, stop = self.tokens[at].start, self.tokens[end - 1].end
        written = " ".join(token.written for token in self.tokens[at:end])
        if unit and isinstance(value, Decimal):
            text = f"{written_value(value * unit.factor)} {unit.base}"
            self.out.append(Token(text, start, stop, "figure", f"#{unit.dimension}", written, unit.base))
            return
        name = unit is None and _is_name(self.tokens, at)
        self.out.append(Token(str(value), start, stop, "figure", None if name else "#", written))


# Words that a figure may begin with: most words are none, and are not looked at twice.
BEGINNINGS = frozenset(
    (
        *SMALL,
        *TENS,
        "a",
        "an",
        "half",
        *(word for words in ELSEWHERE.values() for word in words),
        *tuple(name.partition(" ")[0] for name, unit in NAMED.items() if unit.dimension == "money"),
    )
)
PERIODS = frozenset("second minute hour day night week month quarter year head person".split())
LASTING = frozenset("within for after last lasts take takes least most than".split())
NOT_ENGLISH = frozenset("an ora ore hora mes tag qm ps vh mil".split())


def _is_name(tokens: Sequence[Token], at: int) -> bool:
    """Whether a figure names one of many: it stands behind a noun that is numbered, or begins with zero."""
    if tokens[at].text.startswith("0") and tokens[at].text.isdigit() and len(tokens[at].text) > 1:
        return True
    before = tokens[at - 1] if at else None
    if before is None or before.kind == "date":
        return False
    if before.text in NUMBERED or before.text.rstrip("s") in NUMBERED:
        return True
    return before.written.isupper() and len(before.written) > 1 and before.kind == "word" and before.text not in NAMED
