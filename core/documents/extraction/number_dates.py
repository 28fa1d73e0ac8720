"""Dates, times and durations by a format's letters. A day is 1, counted from the end of 1899 or from 1904."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from core.documents.extraction.date_names import names
from core.documents.extraction.number_digits import general

if TYPE_CHECKING:
    from core.documents.extraction.number_formats import Token

DAY = 24 * 60 * 60
# Days up to 9999-12-31, the last that Excel shows.
LAST_DAY = 2_958_465
NOT_A_LEAP_YEAR = 60  # 1900-02-29, which Excel has in its calendar


@dataclass(frozen=True)
class Moment:
    year: int
    month: int
    day: int
    weekday: int
    # Of the day and of all days, in units of the smallest part that is shown.
    of_day: int
    of_all: int
    units: int

    def seconds(self, elapsed: bool = False) -> int:
        return (self.of_all if elapsed else self.of_day) // self.units


def minutes_apart(tokens: "Sequence[Token]") -> "list[Token]":
    """m are minutes after hours and before seconds, else months. A dot and zeros after seconds are their parts."""
    from core.documents.extraction.number_formats import Token  # its module needs this one

    found, before = list(tokens), ""
    timed = [at for at, token in enumerate(found) if token.kind in ("date", "elapsed")]
    for number, at in enumerate(timed):
        letter = found[at].text[0].lower()
        follows = found[timed[number + 1]].text[0].lower() if number + 1 < len(timed) else ""
        if letter == "m" and found[at].kind == "date" and len(found[at].text) < 3 and (before == "h" or follows == "s"):
            found[at] = Token("date", "n" * len(found[at].text))
        before = letter
        if letter == "s" and len(found) > at + 2 and found[at + 1].kind == "point":
            for part in range(at + 2, len(found)):
                if found[part].text != "0":
                    break
                found[part] = Token("part", "0")
    return found


def shown(tokens: "Sequence[Token]", value: float, locale: str, date1904: bool) -> str:
    """A number that is no date, such as one below zero, as it is."""
    parts = sum(token.kind == "part" for token in tokens)
    if not 0 <= value < LAST_DAY + 1:
        elapsed = any(token.kind == "elapsed" for token in tokens)
        return f"-{shown(tokens, -value, locale, date1904)}" if elapsed and -LAST_DAY < value < 0 else general(value)
    moment = _moment(value, 10 ** min(parts, 9), date1904)
    half = any(token.kind == "noon" for token in tokens)
    out, part = [], 0
    for token in tokens:
        if token.kind == "part":
            part += 1
            out.append(f"{moment.of_day % moment.units:0{parts}d}"[part - 1 : part])
        elif token.kind == "noon":
            upper = token.text.partition("/")
            out.append(upper[0] if moment.seconds() < DAY // 2 else upper[2])
        elif token.kind == "elapsed":
            out.append(_elapsed(token.text, moment.seconds(elapsed=True)))
        else:
            made = _PARTS.get(token.text[0].lower()) if token.kind == "date" else None
            out.append(made(moment, token.text, locale, half) if made else token.text)
    return "".join(out)


def _moment(value: float, units: int, date1904: bool) -> Moment:
    of_all = round(value * DAY * units)
    days, of_day = divmod(of_all, DAY * units)
    if date1904:
        day = date(1904, 1, 1) + timedelta(days)
    elif days == NOT_A_LEAP_YEAR:
        return Moment(1900, 2, 29, 2, of_day, of_all, units)
    elif days == 0:
        return Moment(1900, 1, 0, 5, of_day, of_all, units)
    else:
        day = date(1899, 12, 30) + timedelta(days + (days < NOT_A_LEAP_YEAR))
    return Moment(day.year, day.month, day.day, day.weekday(), of_day, of_all, units)


def _elapsed(text: str, seconds: int) -> str:
    number = seconds // {"h": 3600, "m": 60, "s": 1}[text[0].lower()]
    return f"{number:0{len(text)}d}"


def _year(moment: Moment, text: str, locale: str, half: bool) -> str:
    return f"{moment.year % 100:02d}" if len(text) < 3 and text[0] in "yY" else f"{moment.year:04d}"


def _month(moment: Moment, text: str, locale: str, half: bool) -> str:
    if len(text) < 3:
        return f"{moment.month:0{len(text)}d}"
    name = names(locale).months[moment.month - 1]
    return name[1] if len(text) == 3 else name[0][0] if len(text) == 5 else name[0]


def _day(moment: Moment, text: str, locale: str, half: bool) -> str:
    if len(text) < 3:
        return f"{moment.day:0{len(text)}d}"
    name = names(locale).days[moment.weekday]
    return name[1] if len(text) == 3 else name[0]


def _hour(moment: Moment, text: str, locale: str, half: bool) -> str:
    hour = moment.seconds() // 3600
    return f"{(hour % 12 or 12) if half else hour:0{min(len(text), 2)}d}"


def _minute(moment: Moment, text: str, locale: str, half: bool) -> str:
    return f"{moment.seconds() // 60 % 60:0{min(len(text), 2)}d}"


def _second(moment: Moment, text: str, locale: str, half: bool) -> str:
    return f"{moment.seconds() % 60:0{min(len(text), 2)}d}"


_PARTS: dict[str, Callable[[Moment, str, str, bool], str]] = {
    "y": _year,
    "e": _year,
    "b": lambda moment, text, locale, half: str(moment.year + 543),
    "m": _month,
    "d": _day,
    "h": _hour,
    "n": _minute,
    "s": _second,
}
