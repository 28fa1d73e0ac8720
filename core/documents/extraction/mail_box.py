"""A file of several mails (mbox): each begins with a line "From address date" after a blank one."""

import re

START = b"From "
# With an address, a day of the week, a time and a year, and a header below: a sentence that begins so has no such day.
_DAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? "
_BEGIN = re.compile(
    rb"(?:\A|\n\r?\n)(?=From \S{1,300} {1,3}"
    + _DAY
    + rb"[^\n]{0,30}\d:\d\d[^\n]{0,30}\d{4}[^\n]{0,30}\n[!-9;-~]{1,80}:)"
)


def mails(data: bytes) -> list[bytes]:
    begins = [found.end() for found in _BEGIN.finditer(data)]
    return [data[begin:end] for begin, end in zip(begins, [*begins[1:], len(data)], strict=True)]
