"""A file that came with a mail: its text, by the reader of its kind."""

from email.message import Message
from importlib import import_module

from core.documents.extraction import appointments, failures, picture, spare
from core.documents.extraction.charset import decode
from core.documents.extraction.formats import FORMATS, HTML, MSG, OFFICE, OLE, PDF, PICTURES, TXT, media_type_of
from core.documents.extraction.html import declared_charset, visible_text
from core.documents.extraction.office import check_container
from core.documents.extraction.pages import Pages

CALENDAR = "text/calendar"
_CALENDARS = (CALENDAR, "application/ics")
# What a container of Word, Excel or PowerPoint may unpack to.
MOST_UNPACKED = 300 << 20
HEAD_BYTES = 1 << 16


def media_type(part: Message, name: str, data: bytes) -> str | None:
    """By its content and its name, then by what the mail says of it. None: it is not read."""
    said = part.get_content_type()
    if said in _CALENDARS or name.lower().endswith(".ics"):
        return CALENDAR
    head = data[:HEAD_BYTES]
    known = media_type_of(name, head)
    if known in (None, TXT) and said in FORMATS and media_type_of("", head) is not None:
        return said
    if known == OLE and said == MSG:
        return MSG
    if known is None and said.startswith("text/"):
        return media_type_of("", head)
    return known


def text(kind: str, part: Message, data: bytes, pages: Pages) -> str:
    """`pages` is told what the text lacks. Raises what a reader raises on a file that is broken."""
    declared = part.get_content_charset()
    if kind in OFFICE or kind in (PDF, OLE):
        with spare.filled(data) as path:
            if kind != PDF:
                check_container(path, MOST_UNPACKED)
            import_module(f"core.documents.extraction.{FORMATS[kind].reader}").read(path, pages)
    elif kind in PICTURES:
        pages.add("\n".join(picture.of(data, pages)))
    elif kind == HTML:
        pages.add(visible_text(decode(data, declared or declared_charset(data)), pages))
    else:
        said = decode(data, declared)
        pages.add(appointments.shown(said) if kind == CALENDAR else said)
    if pages.are_blank() and pages.left_out():
        raise failures.no_text()
    return pages.text().strip("\n")
