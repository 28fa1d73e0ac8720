"""iCalendar: an invitation as a person reads it, line by line."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"""([A-Za-z0-9-]+)((?:;[^=:;"]+=(?:"[^"]*"|[^":;])*)*):(.*)""")
_PARAMETER = re.compile(r""";([^=:;"]+)=((?:"[^"]*"|[^":;])*)""")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(?:\d\d)?(Z?))?")
_ESCAPED = re.compile(r"\\(.)")
_PEOPLE = ("ORGANIZER", "ATTENDEE")
_TIMES = {"DTSTART": "Start", "DTEND": "End", "DUE": "Due", "RECURRENCE-ID": "Instead of", "EXDATE": "Not on"}
_TIMES |= {"RDATE": "Also on", "COMPLETED": "Completed"}
# Rules of time zones and reminders: programs use them, nobody reads them.
_UNSEEN = ("VTIMEZONE", "VALARM")
_TECHNICAL = """BEGIN END UID DTSTAMP SEQUENCE PRODID VERSION CALSCALE CREATED LAST-MODIFIED CLASS TRANSP PRIORITY
TZID""".split()
# What a plain invitation says; the others tell a person something.
_USUAL = ("REQUEST", "PUBLISH", "CONFIRMED", "NEEDS-ACTION")


def shown(calendar: str) -> str:
    """What it says, with a blank line between appointments; what is no calendar stays as it is."""
    return "\n".join(_lines(_FOLD.sub("", calendar))).strip() or calendar.strip()


def _lines(calendar: str) -> Iterator[str]:
    unseen: list[str] = []
    for line in calendar.splitlines():
        if (parts := _LINE.fullmatch(line.strip())) is None:
            continue
        name, value = parts[1].upper(), parts[3].strip()
        if name in ("BEGIN", "END"):
            if value.upper() in _UNSEEN:
                unseen = [*unseen, value] if name == "BEGIN" else unseen[:-1]
            elif name == "BEGIN" and value.upper() != "VCALENDAR":
                yield ""
        elif value and not unseen and name not in _TECHNICAL and not name.startswith("X-"):
            yield from _of(name, {key.upper(): said.strip('"') for key, said in _PARAMETER.findall(parts[2])}, value)


def _of(name: str, parameters: dict[str, str], value: str) -> Iterator[str]:
    if name in _TIMES:
        yield f"{_TIMES[name]}: {', '.join(_time(one, name, parameters) for one in value.split(','))}"
    elif name in _PEOPLE:
        yield f"{name.capitalize()}: {_person(value, parameters)}"
    elif value.upper() not in _USUAL:
        yield f"{name.capitalize()}: {_ESCAPED.sub(_unescaped, value)}"


def _unescaped(escaped: re.Match[str]) -> str:
    return "\n" if escaped[1] in "nN" else escaped[1]


def _time(value: str, name: str, parameters: dict[str, str]) -> str:
    """2026-05-14, 2026-05-14 09:30 UTC or 2026-05-14 09:30 (Europe/Berlin)."""
    parts = _TIME.fullmatch(value.strip())
    if parts is None:
        return value
    if parts[4] is None:
        return _day(*(int(parts[number]) for number in (1, 2, 3)), before=name == "DTEND") or value
    zone = " UTC" if parts[6] else f" ({parameters['TZID']})" if parameters.get("TZID") else ""
    return f"{parts[1]}-{parts[2]}-{parts[3]} {parts[4]}:{parts[5]}{zone}"


def _day(year: int, month: int, day: int, *, before: bool) -> str | None:
    """`before`: whole days end with the day before the one that is written."""
    try:
        return str(date(year, month, day) - timedelta(days=before))
    except (ValueError, OverflowError):
        return None


def _person(value: str, parameters: dict[str, str]) -> str:
    address = re.sub("^mailto:", "", value, flags=re.I)
    name = parameters.get("CN", "")
    answer = parameters.get("PARTSTAT", "").upper()
    shown = f"{name} <{address}>" if name and name != address else address
    return f"{shown}, {answer.lower()}" if answer and answer not in _USUAL else shown
