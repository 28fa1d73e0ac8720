"""EML: the headers a reader sees, the best form of the body, and the names of what was attached."""

from collections.abc import Iterator
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from pathlib import Path

from core.documents.extraction.charset import decode
from core.documents.extraction.html import declared_charset, visible_text
from core.documents.extraction.pages import Pages

_SHOWN = ("From", "To", "Cc", "Subject", "Date")


def read(path: Path, pages: Pages) -> None:
    with path.open("rb") as file:
        # The newer policies raise on malformed headers, of which mail is full.
        message = BytesParser(policy=compat32).parse(file)
    headers = [f"{name}: {value}" for name in _SHOWN if (value := _header(message, name))]
    attached = [f"Attachment: {name}" for name in _attachments(message)]
    body = "\n\n".join(text for text in _bodies(message) if text)
    pages.add("\n\n".join(part for part in ("\n".join(headers), body, "\n".join(attached)) if part))


def _header(message: Message, name: str) -> str:
    return _decoded(str(message[name])) if message[name] is not None else ""


def _decoded(value: str) -> str:
    parts = (text if isinstance(text, str) else decode(text, charset) for text, charset in decode_header(value))
    return " ".join("".join(parts).split())


def _bodies(part: Message) -> Iterator[str]:
    if part.get_content_type() == "multipart/alternative":
        yield _best(_children(part))
    elif part.is_multipart() and part.get_content_maintype() == "multipart":
        for child in _children(part):
            yield from _bodies(child)
    elif not _is_attachment(part):
        yield _text(part)


def _best(forms: list[Message]) -> str:
    """Plain text where there is any, else the richest form that has text: it stands last."""
    plain = [form for form in forms if form.get_content_type() == "text/plain"]
    rich = [form for form in reversed(forms) if form not in plain]
    for form in plain + rich:
        if text := "\n\n".join(text for text in _bodies(form) if text):
            return text
    return ""


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    declared = part.get_content_charset()
    if part.get_content_type() == "text/html":
        return visible_text(decode(data, declared or declared_charset(data)))
    return decode(data, declared).strip()


def _attachments(part: Message) -> Iterator[str]:
    if _is_attachment(part):
        name = part.get_filename() or (part.get_content_type() if not _is_letter(part) else _subject(part))
        yield _decoded(name)
    elif part.get_content_maintype() == "multipart":
        for child in _children(part):
            yield from _attachments(child)


def _is_attachment(part: Message) -> bool:
    if part.get_content_maintype() == "multipart":
        return False
    is_text = part.get_content_type() in ("text/plain", "text/html")
    return not is_text or part.get_content_disposition() == "attachment" or part.get_filename() is not None


def _is_letter(part: Message) -> bool:
    return part.get_content_type() == "message/rfc822"


def _subject(letter: Message) -> str:
    inner = _children(letter)
    return (_header(inner[0], "Subject") if inner else "") or "message"


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []
