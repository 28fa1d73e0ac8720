"""EML: the headers a reader sees, the body, and all that came with it, each under its name."""

import codecs
import re
from collections.abc import Iterator, Sequence
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from core.documents.extraction import (
    encoded_words,
    failures,
    mail_archive,
    mail_box,
    mail_files,
    mapi,
    outlook,
    smime,
    tnef,
)
from core.documents.extraction.formats import EML, MSG, ZIP
from core.documents.extraction.mail_body import Body, children, payload, says_else
from core.documents.extraction.pages import Pages
from core.errors import ExtractionError

if TYPE_CHECKING:  # the child reads no tables
    from core.tables.documents import WarningCode

_ENCRYPTED = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
# Beside what they belong to: they hold no words.
_TECHNICAL = """application/pgp-signature application/pkcs7-signature application/x-pkcs7-signature
application/pgp-encrypted application/applefile""".split()
_LETTERS = ("message/rfc822", "message/global", "message/news")
# What S/MIME signs without packing it begins with headers.
_HEADER = re.compile(rb"\s*(?:content-[a-z-]+|mime-version|received|from):", re.I)
_PGP = b"-----BEGIN PGP MESSAGE-----"
HEAD_BYTES = 1024
MOST_OF_A_PART_HEADER = 10_000
# What is read of what came with a mail, and with what came with it: beyond, it is named as not read.
MOST_FILES = 200
MOST_BYTES = 200 << 20
MOST_DEPTH = 10
_SHOWN = ("From", "To", "Cc", "Subject", "Date")
_OF_MANY = ("To", "Cc")


class Bounded(Compat32):
    """The library takes parameters of a part's headers apart in quadratic time: those of a sane part are short."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:MOST_OF_A_PART_HEADER] if name.lower().startswith("content-") else value


def read(path: Path, pages: Pages) -> None:
    try:
        with path.open("rb") as file:
            if file.read(len(mail_box.START)) == mail_box.START and len(mails := mail_box.mails(path.read_bytes())) > 1:
                pages.add(_Reading(pages).box(mails))
                return
            file.seek(0)
            message = _parsed(file)
    except RecursionError:
        raise failures.corrupt("its parts are nested too deep") from None
    read_message(message, pages)


def read_message(message: Message, pages: Pages) -> None:
    pages.add(_Reading(pages).mail(message))


class _Reading:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._files, self._bytes = MOST_FILES, MOST_BYTES
        self._characters = pages.limit

    def mail(self, message: Message) -> str:
        """Raises ExtractionError where there is nothing but what is encrypted."""
        sealed, said = self._letter(message, 0)
        if sealed and not said:
            raise failures.sealed()
        return "\n\n".join(part for part in (_headers(message), said) if part)

    def box(self, mails: Sequence[bytes]) -> str:
        """One after the other."""
        texts: list[str] = []
        characters = 0
        for data in mails:
            message = _parsed(BytesIO(data))
            texts.append("\n\n".join(part for part in (_headers(message), self._letter(message, 0)[1]) if part))
            characters += len(texts[-1])
            self._pages.check(characters)
        return "\n\n".join(texts)

    def _letter(self, message: Message, depth: int, known: str = "") -> tuple[bool, str]:
        """Whether some of it is encrypted, and all below its headers. `known`: a body that is told already."""
        if isinstance(message, mapi.Item):
            self._pages.leave_out("PARTS_UNREAD")
        body = Body(message, self._pages)
        self._characters -= len(body.text)
        if depth and self._characters < 0:
            raise failures.too_large("its mails are too long")
        sealed, said = body.sealed, [body.text] if not known or says_else(body.text, known) else []
        for part in _others(message, body.taken):
            if _is_sealed(part):
                unopened, text = self._opened(part, depth, body.text)
                sealed = sealed or unopened
                said.append(text)
            else:
                said.append(self._attached(part, depth))
        return sealed, "\n\n".join(text for text in said if text)

    def _opened(self, part: Message, depth: int, known: str) -> tuple[bool, str]:
        """As of a letter. What is signed and not encrypted can be read; Outlook keeps the body beside it, too."""
        data = payload(part)
        signed = data if _HEADER.match(data) else smime.signed_content(data)
        if signed is None:
            self._pages.leave_out("ENCRYPTED_UNREAD")
            return True, ""
        try:
            if depth >= MOST_DEPTH:
                raise failures.too_large("its mails are nested too deep")
            return self._letter(_parsed(BytesIO(signed)), depth + 1, known)
        except (ExtractionError, RecursionError):
            return False, self._unread(_name(part), "ATTACHMENTS_UNREAD")

    def _attached(self, part: Message, depth: int) -> str:
        """Under a heading with its name."""
        name = _name(part)
        if part.get_content_maintype() == "image" and part.get_content_disposition() != "attachment":
            return self._shown(name, part)
        scratch = self._pages.scratch(max(0, self._characters))
        try:
            text = self._text(part, scratch, depth)
        except ImportError:
            raise  # the installation is broken, not the file
        except ExtractionError as error:
            return self._unread(name, "ENCRYPTED_UNREAD" if error.code == "ENCRYPTED" else "ATTACHMENTS_UNREAD")
        except Exception:  # the outer boundary of a file: readers raise whatever a broken one makes them raise
            return self._unread(name, "ATTACHMENTS_UNREAD")
        self._pages.leave_out_too(scratch)
        return f"Attachment: {name}\n\n{text}" if text else f"Attachment: {name} (empty)"

    def _shown(self, name: str, part: Message) -> str:
        """A picture in the body. Its words, where they can be recognized."""
        mark = self._pages.picture(lambda: self._within_bounds(part), "PICTURES_UNREAD")
        return f"Attachment: {name}\n\n{mark}" if mark else f"Attachment: {name} (not read)"

    def _within_bounds(self, part: Message) -> bytes | None:
        data = payload(part)
        self._bytes -= len(data)
        return data if self._bytes >= 0 else None

    def _unread(self, name: str, code: "WarningCode") -> str:
        self._pages.leave_out(code)
        return f"Attachment: {name} (not read)"

    def _text(self, part: Message, scratch: Pages, depth: int) -> str:
        self._files -= 1
        if self._files < 0 or self._characters <= 0:
            raise failures.too_large("it has too many attachments")
        if part.get_content_maintype() == "message" and (inside := children(part)):
            if part.get_content_type() == "message/external-body":
                raise failures.unknown_type("Fetch what it is about")
            if part.get_content_type() not in _LETTERS:
                return "\n\n".join(map(_fields, inside)).strip()  # what became of a mail, line by line
            return self._nested(_undone(part, inside[0]), depth)
        data = payload(part)
        self._bytes -= len(data)
        if self._bytes < 0:
            raise failures.too_large("its attachments are too large")
        name = encoded_words.decoded(part.get_filename() or "")
        if data.lstrip().startswith(_PGP):
            raise failures.sealed()
        kind = mail_files.media_type(part, name, data)
        if not data.strip():
            return ""
        if kind == ZIP:
            return self._archive(data, depth)
        if letter := _letter_of(kind, data):
            return self._nested(letter, depth)
        if kind is None:
            raise failures.unknown_type("Save it in a format that is read")
        text = mail_files.text(kind, part, data, scratch)
        self._characters -= len(text)
        return text

    def _archive(self, data: bytes, depth: int) -> str:
        message, left_out = mail_archive.message(data, max(0, self._bytes))
        said = [self._nested(message, depth)]
        for code, _, _, names in left_out:
            said += [self._unread(name, code) for name in names]
        return "\n\n".join(text for text in said if text)

    def _nested(self, message: Message, depth: int) -> str:
        if depth >= MOST_DEPTH:
            raise failures.too_large("its mails are nested too deep")
        _, said = self._letter(message, depth + 1)
        return "\n\n".join(part for part in (_headers(message), said) if part)


def _parsed(file: BinaryIO) -> Message:
    start = file.read(HEAD_BYTES)
    # What editors put before the headers would make a body of them.
    file.seek(len(start) - len(start.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")))
    # The newer policies raise on malformed headers, of which mail is full.
    return BytesParser(policy=Bounded()).parse(file)


def _letter_of(kind: str | None, data: bytes) -> Message | None:
    """A file that is a mail itself."""
    if kind == EML:
        return _parsed(BytesIO(data))
    if kind == MSG:
        return outlook.message(data)
    return tnef.message(data) if data.startswith(tnef.SIGNATURE) else None


def _undone(part: Message, inside: Message) -> Message:
    """A mail in base64, which the standard forbids and the library takes for a mail without headers."""
    if inside.keys() or not part.get("Content-Transfer-Encoding"):
        return inside
    wrapped = Message()
    wrapped["Content-Transfer-Encoding"] = str(part["Content-Transfer-Encoding"])
    wrapped.set_payload(inside.get_payload())
    return _parsed(BytesIO(payload(wrapped)))


def _is_sealed(part: Message) -> bool:
    return part.get_content_type() in _ENCRYPTED or (part.get_filename() or "").lower().endswith(".p7m")


def _others(part: Message, taken: set[int]) -> Iterator[Message]:
    """The parts that are not in the body and may hold words."""
    if part.get_content_maintype() == "multipart" and part.is_multipart() and part.get_content_type() not in _ENCRYPTED:
        for child in children(part):
            yield from _others(child, taken)
    elif id(part) not in taken and part.get_content_type() not in _TECHNICAL:
        yield part


def _headers(message: Message) -> str:
    return "\n".join(f"{name}: {value}" for name in _SHOWN if (value := _header(message, name)))


def _header(message: Message, name: str) -> str:
    """Once: some programs write one for each addressee."""
    found = (encoded_words.decoded(str(one)) for one in message.get_all(name, []))
    return ", ".join(dict.fromkeys(found)) if name in _OF_MANY else next(found, "")


def _fields(message: Message) -> str:
    fields = (f"{name}: {encoded_words.decoded(str(value))}" for name, value in message.items())
    text = message.get_payload()
    return "\n".join([*fields, text.strip() if isinstance(text, str) else ""]).strip()


def _name(part: Message) -> str:
    """Of the file, else the subject of a mail, else what it is."""
    if name := part.get_filename():
        return encoded_words.decoded(name)
    inside = children(part) if part.get_content_type() in _LETTERS else []
    return (_header(_undone(part, inside[0]), "Subject") or "message") if inside else part.get_content_type()
