"""EML: the headers a reader sees, the body, and the names of what was attached."""

from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from pathlib import Path

from core.documents.extraction import encoded_words, failures
from core.documents.extraction.mail_body import Body, children
from core.documents.extraction.pages import Pages

_ENCRYPTED = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
MOST_OF_A_PART_HEADER = 10_000
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
    body = Body(message, pages)
    sealed, attached = body.sealed, []
    for part in _others(message, body.taken):
        if part.get_content_type() in _ENCRYPTED:
            pages.leave_out("ENCRYPTED_UNREAD")
            sealed = True
        else:
            _leave_out(part, pages)
            attached.append(f"Attachment: {_name(part)}")
    if sealed and not (body.text or attached):
        raise failures.sealed()
    pages.add("\n\n".join(part for part in ("\n".join(headers), body.text, "\n".join(attached)) if part))


def _others(part: Message, taken: set[int]) -> Iterator[Message]:
    """The parts that are not in the body and may hold words."""
    if part.get_content_maintype() == "multipart" and part.is_multipart() and part.get_content_type() not in _ENCRYPTED:
        for child in children(part):
            yield from _others(child, taken)
    elif id(part) not in taken and part.get_content_type() not in _SIGNATURES:
        yield part


def _leave_out(part: Message, pages: Pages) -> None:
    inline = part.get_content_maintype() == "image" and part.get_content_disposition() != "attachment"
    pages.leave_out("PICTURES_UNREAD" if inline else "ATTACHMENTS_UNREAD")


def _header(message: Message, name: str) -> str:
    return encoded_words.decoded(str(message[name])) if message[name] is not None else ""


def _name(part: Message) -> str:
    name = part.get_filename() or (part.get_content_type() if not _is_letter(part) else _subject(part))
    return encoded_words.decoded(name)


def _is_letter(part: Message) -> bool:
    return part.get_content_type() == "message/rfc822"


def _subject(letter: Message) -> str:
    inner = children(letter)
    return (_header(inner[0], "Subject") if inner else "") or "message"
