"""Dates, in whichever order and language they are written, as one token each.

A day is 2026-08-05, a month 2026-08, without a year --08-05 and --08, a quarter 2026-Q4. What may be two days
(05/08/2026) stays as it is written.
"""

import re
from collections.abc import Sequence

from core.statements.forms import is_plural
from core.statements.units import MAGNITUDES, NAMED
from core.statements.words import Token

MONTHS: dict[str, dict[str, int]] = {
    language: {name: number for number, names in enumerate(months.split(), start=1) for name in names.split("|")}
    for language, months in {
        "en": "january|jan february|feb march|mar april|apr may june|jun july|jul august|aug september|sep|sept "
        "october|oct november|nov december|dec",
        "de": "januar|jänner|jan februar|feb märz april|apr mai juni|jun juli|jul august|aug september|sep|sept "
        "oktober|okt november|nov dezember|dez",
        "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "es": "enero febrero marzo abril mayo junio julio agosto septiembre|setiembre octubre noviembre diciembre",
        "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "nl": "januari februari maart april mei juni juli augustus september oktober november december",
        "ru": "января|январе февраля|феврале марта|марте апреля|апреле мая|мае июня|июне "
        "июля|июле августа|августе сентября|сентябре октября|октябре ноября|ноябре декабря|декабре",
    }.items()
}
# English words that are months only where the words beside them say so.
UNSURE = frozenset("may march mar sep dec jan feb apr jun jul oct nov aug".split())
BEFORE_A_DATE = frozenset(
    "in on at since until till by from to of during for before after early late mid through between end start "
    "beginning next last this every and or fiscal financial calendar year the a its their our im am seit bis ab vom "
    "zum en depuis jusqu'en au du le la el del desde hasta nel dal al year's".split()
)
WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
SEASONS = frozenset("spring summer autumn fall winter".split())
QUARTERS = {
    name: number
    for number, names in enumerate(("first 1st 1", "second 2nd 2", "third 3rd 3", "fourth 4th 4"), start=1)
    for name in names.split()
}
SHORT_QUARTER = re.compile(r"(?:([qht])([1-4])|([1-4])([qht]))")
DIGIT = re.compile(r"\d")
BEGINNINGS = WEEKDAYS | {f"{day}s" for day in WEEKDAYS} | SEASONS | frozenset(QUARTERS)
YEAR = re.compile(r"1[5-9]\d\d|20\d\d|21[0-4]\d")
TWO_DAYS = re.compile(r"(\d{1,2})-(\d{1,2})")
FISCAL = re.compile(r"fy((?:19|20)\d\d)")
ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
DAY_FIRST = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
YEARS = re.compile(r"(\d{4})[-/](\d{4}|\d{2})")


class Dates:
    """Rewrites the dates of one statement, in its language (ISO 639-1, or None)."""

    def __init__(self, tokens: Sequence[Token], language: str | None):
        self.tokens = tokens
        self.texts = [token.text for token in tokens]
        self.english = language == "en"
        self.months = MONTHS.get(language or "", {})
        self.day_first = language not in (None, "en")
        self.out: list[Token] = []

    def read(self) -> list[Token]:
        at = 0
        while at < len(self.tokens):
            text, length = self.texts[at], 0
            if DIGIT.search(text) or text in self.months or text in BEGINNINGS:
                length = (
                    self._days(at)
                    or self._day(at)
                    or self._month(at)
                    or self._quarter(at)
                    or self._cjk(at)
                    or self._alone(at)
                )
            if not length:
                self.out.append(self.tokens[at])
            at += length or 1
        return self.out

    def _text(self, at: int) -> str:
        return self.texts[at] if 0 <= at < len(self.texts) else ""

    def _add(self, at: int, length: int, text: str) -> int:
        last = self.tokens[at + length - 1]
        written = " ".join(token.written for token in self.tokens[at : at + length])
        self.out.append(Token(text, self.tokens[at].start, last.end, "date", "@", written))
        return length

    def _month_at(self, at: int) -> int:
        return self.months.get(self._text(at), 0)

    def _day_at(self, at: int) -> tuple[int, int]:
        """Day of the month and how many tokens it takes: 5, 5th, 5 th, fifth; 0, 0 where there is none."""
        text = self._text(at)
        if re.fullmatch(r"\d{1,2}", text) and 1 <= int(text) <= 31:
            after = self._text(at + 1)
            return int(text), 2 if after in ("st", "nd", "rd", "th", "º", "er") else 1
        return (1, 1) if text in ("1er", "1º") else (0, 0)

    def _year_at(self, at: int) -> tuple[str, int]:
        """The year there, and how many tokens it takes with what stands before it: a comma, "of", "de"."""
        for skip in (0, 1):
            if skip and self._text(at) not in (",", "of", "de", "del", "."):
                break
            if YEAR.fullmatch(self._text(at + skip)):
                return self._text(at + skip), skip + 1
        return "", 0

    def _days(self, at: int) -> int:
        """3 to 7 June 2025, 3-7 June, June 3 to 7, 2025: two days, both with their month and year."""
        before = self.english and bool(self._month_at(at))
        first = at + before
        joined = TWO_DAYS.fullmatch(self._text(first))
        start, length = (int(joined[1]), 1) if joined else self._day_at(first)
        if not joined and (not start or self._text(first + length) not in ("to", "until", "and", "bis", "-")):
            return 0
        end, more = (int(joined[2]), 0) if joined else self._day_at(first + length + 1)
        behind = first + length + (0 if joined else 1 + more)
        skipped = self._text(behind) in ("of", ".", "de")
        month = self._month_at(at if before else behind + skipped)
        if not month or not start < end <= 31 or (not before and not self._sure(behind + skipped)):
            return 0
        behind += 0 if before else 1 + skipped
        year, more = self._year_at(behind)
        if before and joined is None and not year:
            return 0
        for day in (start, end):
            self._add(at, behind + more - at, f"{year or '-'}-{month:02}-{day:02}")
        return behind + more - at

    def _sure(self, at: int) -> bool:
        """Not the verb of: section 5 may apply."""
        written = self.tokens[at].written[:1].isupper() or bool(self._year_at(at + 1)[0])
        return not self.english or self._text(at) not in UNSURE or written

    def _day(self, at: int) -> int:
        text = self._text(at)
        if iso := ISO.fullmatch(text):
            return self._add(at, 1, f"{iso[1]}-{int(iso[2]):02}-{int(iso[3]):02}") if int(iso[2]) <= 12 else 0
        if parts := DAY_FIRST.fullmatch(text):
            return self._numeric(at, parts)
        day, length = self._day_at(at)
        if day:
            between = self._text(at + length) in ("of", "de", "di", ".")
            month = self._month_at(at + length + between)
            if month and self._sure(at + length + between):
                year, more = self._year_at(at + length + between + 1)
                return self._add(at, length + between + 1 + more, f"{year or '-'}-{month:02}-{day:02}")
        if (month := self._month_at(at)) and self.english and self._sure(at):
            the = self._text(at + 1) in ("the", ".")
            day, length = self._day_at(at + 1 + the)
            if day:
                year, more = self._year_at(at + 1 + the + length)
                return self._add(at, 1 + the + length + more, f"{year or '-'}-{month:02}-{day:02}")
        return 0

    def _numeric(self, at: int, parts: re.Match[str]) -> int:
        first, second, year = int(parts[1]), int(parts[3]), parts[4]
        if self.day_first or parts[2] == "." or first > 12 or first == second:
            day, month = first, second
        elif second > 12:
            day, month = second, first
        else:
            return self._add(at, 1, parts[0])
        return self._add(at, 1, f"{year}-{month:02}-{day:02}") if month <= 12 and day <= 31 else 0

    def _month(self, at: int) -> int:
        month = self._month_at(at)
        if not month:
            return 0
        year, more = self._year_at(at + 1)
        if not year and self._text(at) in UNSURE and not (
            (self._text(at - 1) in BEFORE_A_DATE and self.tokens[at].written[:1].isupper())
            or self._text(at - 1) in ("in", "since", "until", "early", "late", "mid")
        ):  # fmt: skip
            return 0
        return self._add(at, 1 + more, f"{year or '-'}-{month:02}")

    def _quarter(self, at: int) -> int:
        """Q4 2025, 2025 Q4, Q4/2025, the fourth quarter of 2025, H1, 4. Quartal 2025."""
        short, name, length = SHORT_QUARTER.fullmatch(self._text(at)), "", 1
        if short:
            name = ((short[1] or short[4]) + (short[2] or short[3])).upper().replace("T", "Q")
        elif self._text(at) in QUARTERS and self._text(at + 1) in (
            "quarter",
            "half",
            "quartal",
            "trimestre",
            "halbjahr",
        ):
            name = ("H" if self._text(at + 1) in ("half", "halbjahr") else "Q") + str(QUARTERS[self._text(at)])
            length = 2
        if not name:
            return 0
        slash = self._text(at + length) == "/"
        year, more = self._year_at(at + length + slash)
        if not year and length == 2 and name[0] == "H":
            return 0
        if not year and self.out and YEAR.fullmatch(self.out[-1].text):
            before = self.out.pop()
            written = f"{before.written} {self.tokens[at].written}"
            self.out.append(Token(f"{before.text}-{name}", before.start, self.tokens[at].end, "date", "@", written))
            return length
        return self._add(at, length + (slash + more if year else 0), f"{year or '-'}-{name}")

    def _cjk(self, at: int) -> int:
        """2026年8月5日, and its parts."""
        parts: dict[str, str] = {}
        end = at
        for sign in "年月日":
            if self._text(end).isdigit() and self._text(end + 1) == sign:
                parts[sign] = self._text(end)
                end += 2
            elif parts:
                break
        if not parts or (list(parts) == ["日"]):
            return 0
        text = parts.get("年", "-")
        text += "".join(f"-{int(parts[sign]):02}" for sign in "月日" if sign in parts)
        return self._add(at, end - at, text)

    def _alone(self, at: int) -> int:
        text, before = self._text(at), self._text(at - 1)
        if self.english and text in WEEKDAYS | {day + "s" for day in WEEKDAYS}:
            # What is so on Mondays is more than what is so on Monday.
            return self._add(at, 1, text)
        if (
            self.english
            and text in SEASONS
            and before in ("in", "last", "this", "next", "since", "until", "during", "every")
        ):
            year, more = self._year_at(at + 1)
            return self._add(at, 1 + more, f"{year or '-'}-{'autumn' if text == 'fall' else text}")
        if self.english and (fiscal := FISCAL.fullmatch(text)):
            self.out.append(self.tokens[at]._replace(text="fy"))
            return self._add(at, 1, fiscal[1])
        if re.fullmatch(r"(?:1[89]|20)\d0s", text):
            return self._add(at, 1, text)
        return self._year(at, text, before)

    def _year(self, at: int, text: str, before: str) -> int:
        after = self.tokens[at + 1] if at + 1 < len(self.tokens) else None
        if years := YEARS.fullmatch(text):
            first, second = years[1], years[2] if len(years[2]) == 4 else years[1][:2] + years[2]
            if YEAR.fullmatch(first) and YEAR.fullmatch(second) and first < second:
                return self._add(at, 1, f"{first}/{second}")
            return 0
        if not YEAR.fullmatch(text) or self.tokens[at].kind != "figure":
            return 0
        if before in ("fy", "fiscal", "year", "\uff06"):
            return self._add(at, 1, text)
        if after is not None and (
            after.kind == "figure" or after.text.rstrip("s") in NAMED or after.text in MAGNITUDES
        ):
            return 0
        # 2,000 people came; the 2020 survey.
        of_many = at == 0 and after is not None and is_plural(after.text)
        near = (
            before in BEFORE_A_DATE
            or (at == 0 and after is not None and not of_many)
            or (self.out and self.out[-1].kind == "date")
        )
        passive = (
            self.day_first
            and (at + 2 >= len(self.tokens) or not before.isdigit())
            and before not in ("hat", "a", "ha", "betrug")
        )
        return self._add(at, 1, text) if near or (passive and self._verbal(at)) else 0

    def _verbal(self, at: int) -> bool:
        """Die Brücke wurde 2020 gesperrt: a year without a preposition."""
        return self._text(at - 1) in (
            "wurde",
            "wurden",
            "war",
            "waren",
            "ist",
            "sind",
            "jahr",
            "jahre",
            "année",
            "año",
            "anno",
        )
