"""Files of other kinds that a Word document shows as parts of itself (`altChunk`)."""

from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from core.documents.extraction import rtf
from core.documents.extraction.charset import decode
from core.documents.extraction.formats import EML, HTML, media_type_of
from core.documents.extraction.html import declared_charset, visible_text
from core.documents.extraction.pages import Pages

_PAGES = ("text/html", "application/xhtml+xml")
_ARCHIVES = ("message/rfc822", "multipart/related", "application/x-mimearchive")


def lines(kind: str, blob: bytes, pages: Pages) -> list[str]:
    """What is of no known kind is named as unread."""
    text: str | None = None
    found = media_type_of("", blob[:4096])
    if kind in _PAGES or found == HTML:
        text = _page(blob, None, pages)
    elif kind in _ARCHIVES or found == EML:
        text = _archived(blob, pages)
    elif rtf.is_rtf(blob):
        text = rtf.text(blob)
    elif kind == "text/plain":
        text = decode(blob)
    if text is None:
        pages.leave_out("PARTS_UNREAD")
        return []
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")


def _page(data: bytes, declared: str | None, pages: Pages) -> str:
    return visible_text(decode(data, declared or declared_charset(data)), pages)


def _archived(blob: bytes, pages: Pages) -> str | None:
    """The page of a web archive: its first part of text."""
    for part in BytesParser(policy=compat32).parsebytes(blob).walk():
        if part.get_content_maintype() == "text":
            data = _bytes(part)
            charset = part.get_content_charset()
            return _page(data, charset, pages) if part.get_content_subtype() == "html" else decode(data, charset)
    return None


def _bytes(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""
