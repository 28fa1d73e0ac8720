"""Numbers as they are written in running text."""

import re

from core.offline.language import Language

MOST_DIGITS = 15
YEARS = range(1900, 2101)

_NUMBER = re.compile(r"(?<![\w.,])[-−]?\d+(?:[.,'’\u00a0\u202f]\d+)*(?!\w|[.,]\d)")
_GROUPED = re.compile(r"\d{1,3}(?:([.,'’\u00a0\u202f])\d{3})(?:\1\d{3})*")
_MARK = re.compile(r"[.,'’\u00a0\u202f]")


def first_number(text: str, language: Language, *, whole: bool) -> int | float | None:
    """What looks like a year is taken only where a whole number is wanted and there is no other."""
    numbers = [number for found in _NUMBER.findall(text) if (number := parse(found, language)) is not None]
    fitting = [number for number in numbers if isinstance(number, int) or not whole]
    plain = [number for number in fitting if number not in YEARS]
    return next(iter(plain or (fitting if whole else [])), None)


def parse(written: str, language: Language) -> int | float | None:
    """None for what is no number after all: dates, versions, account numbers."""
    sign = -1 if written[0] in "-−" else 1
    body = written.lstrip("-−")
    marks = _MARK.findall(body)
    if len(body) - len(marks) > MOST_DIGITS:
        return None
    if not marks or _is_grouped(body, marks, language):
        return sign * int(_MARK.sub("", body))
    whole, fraction = body.rsplit(marks[-1], 1)
    if marks[-1] not in ".," or (len(marks) > 1 and not _GROUPED.fullmatch(whole)) or marks[-1] in marks[:-1]:
        return None
    return sign * float(f"{_MARK.sub('', whole)}.{fraction}")


def _is_grouped(body: str, marks: list[str], language: Language) -> bool:
    """Whether every mark parts thousands. One comma or full stop alone is read as the language writes it."""
    if not _GROUPED.fullmatch(body):
        return False
    return len(marks) > 1 or marks[0] not in ".," or marks[0] != language.decimal_mark
