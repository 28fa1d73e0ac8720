"""EML: the headers a reader sees, the best form of the body, and the names of what was attached."""

import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from pathlib import Path

from core.documents.extraction import encoded_words
from core.documents.extraction.charset import decode
from core.documents.extraction.html import declared_charset, visible_text
from core.documents.extraction.pages import Pages

_ENCRYPTED = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
MOST_OF_A_PART_HEADER = 10_000
# Words of the richer form of a body that its plain text may lack: more of them, and it is another text.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|\w+")  # of scripts without spaces, each character
FEW_WORDS = 5
NEW_WORDS = 0.3
_SHOWN = ("From", "To", "Cc", "Subject", "Date")


class Bounded(Compat32):
    """The library takes parameters of a part's headers apart in quadratic time: those of a sane part are short."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:MOST_OF_A_PART_HEADER] if name.lower().startswith("content-") else value


def read(path: Path, pages: Pages) -> None:
    with path.open("rb") as file:
        # The newer policies raise on malformed headers, of which mail is full.
        message = BytesParser(policy=Bounded()).parse(file)
    headers = [f"{name}: {value}" for name in _SHOWN if (value := _header(message, name))]
    attached = [f"Attachment: {name}" for name in _attachments(message)]
    body = _whole(message, pages)
    _leave_out(message, pages)
    pages.add("\n\n".join(part for part in ("\n".join(headers), body, "\n".join(attached)) if part))


def _leave_out(part: Message, pages: Pages) -> None:
    kind = part.get_content_type()
    if kind in _ENCRYPTED:
        pages.leave_out("ENCRYPTED_UNREAD")
    elif _is_attachment(part):
        inline = part.get_content_maintype() == "image" and part.get_content_disposition() != "attachment"
        pages.leave_out("PICTURES_UNREAD" if inline else "ATTACHMENTS_UNREAD")
    elif part.get_content_maintype() == "multipart":
        for child in _children(part):
            _leave_out(child, pages)


def _header(message: Message, name: str) -> str:
    return encoded_words.decoded(str(message[name])) if message[name] is not None else ""


def _bodies(part: Message, pages: Pages | None) -> Iterator[str]:
    """`pages` is told what they leave out."""
    if part.get_content_type() == "multipart/alternative":
        yield _best(_children(part), pages)
    elif part.is_multipart() and part.get_content_maintype() == "multipart":
        for child in _children(part):
            yield from _bodies(child, pages)
    elif not _is_attachment(part):
        yield _text(part, pages)


def _best(forms: list[Message], pages: Pages | None) -> str:
    """Plain text where there is any, else the richest form that has text: it stands last."""
    plain = [form for form in forms if form.get_content_type() == "text/plain"]
    rich = [form for form in reversed(forms) if form not in plain]
    for form in plain + rich:
        if text := _whole(form, pages):
            if form in plain and pages is not None and _says_more(rich, text):
                pages.leave_out("PARTS_UNREAD")
            return text
    return ""


def _whole(form: Message, pages: Pages | None) -> str:
    return "\n\n".join(text for text in _bodies(form, pages) if text)


def _says_more(forms: list[Message], plain: str) -> bool:
    """Whether a richer form holds words that the plain one lacks, more than layout brings along."""
    known = set(_WORD.findall(plain))
    for form in forms:
        words = set(_WORD.findall(_whole(form, None)))
        if len(words - known) > max(FEW_WORDS, NEW_WORDS * len(words)):
            return True
    return False


def _text(part: Message, pages: Pages | None) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    declared = part.get_content_charset()
    if part.get_content_type() == "text/html":
        return visible_text(decode(data, declared or declared_charset(data)), pages)
    return decode(data, declared).strip()


def _attachments(part: Message) -> Iterator[str]:
    if _is_attachment(part):
        name = part.get_filename() or (part.get_content_type() if not _is_letter(part) else _subject(part))
        yield encoded_words.decoded(name)
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
