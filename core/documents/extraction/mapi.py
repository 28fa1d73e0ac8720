"""A mail as Outlook keeps it, by its properties, made into one that the reader of mails knows."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.parser import HeaderParser
from email.policy import compat32
from email.utils import format_datetime

from core.documents.extraction import rtf

# Numbers of properties: MS-OXPROPS.
SUBJECT, BODY, HTML, RTF, HEADERS, CODE_PAGE = 0x0037, 0x1000, 0x1013, 0x1009, 0x007D, 0x3FDE
CLASS = 0x001A
# What is no mail has fields of its own, such as a time and a place, under names that its file gives: they are not read.
_WITH_FIELDS = ("ipm.appointment", "ipm.schedule", "ipm.task", "ipm.contact", "ipm.activity", "ipm.distlist")
SENT, DELIVERED, TO, CC = 0x0039, 0x0E06, 0x0E04, 0x0E03
SENDER, SENDER_ADDRESS, SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
LONG_NAME, SHORT_NAME, TITLE, MIME, DATA, METHOD = 0x3707, 0x3704, 0x3001, 0x370E, 0x3701, 0x3705
CONTENT_ID, FLAGS = 0x3712, 0x3714
# Of an attachment that the body shows where it refers to it.
_IN_THE_BODY = 4
Value = str | bytes | int
Properties = Mapping[int, Value]
_SHOWN = ("From", "To", "Cc", "Date")
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Attached:
    """`mail`: where it is one; else `data` of its properties."""

    properties: Properties
    mail: Message | None = None


class Item(Message):
    """An appointment, a task, a contact: more than a mail."""


def letter(properties: Properties, attached: Sequence[Attached]) -> Message:
    message = Item() if _text(properties, CLASS).lower().startswith(_WITH_FIELDS) else Message()
    headers = HeaderParser(policy=compat32).parsestr(_text(properties, HEADERS))
    given = {
        "From": _sender(properties),
        "To": _text(properties, TO),
        "Cc": _text(properties, CC),
        "Date": _date(properties),
    }
    for name in _SHOWN:
        if value := str(headers[name] or "") or given[name]:
            message[name] = _line(value)
    if subject := _text(properties, SUBJECT):
        message["Subject"] = _line(subject)
    message["Content-Type"] = "multipart/mixed"
    inside: list[Message | str] = [*_bodies(properties), *map(_file, attached)]
    message.set_payload(inside)
    return message


def _bodies(properties: Properties) -> list[Message]:
    forms = []
    if plain := _text(properties, BODY).strip("\0\r\n "):
        forms.append(_part("text/plain; charset=utf-8", plain.encode("utf-8", "replace")))
    html = properties.get(HTML)
    if isinstance(html, str) and html:
        forms.append(_part("text/html; charset=utf-8", html.encode("utf-8", "replace")))
    elif isinstance(html, bytes) and html:
        page = properties.get(CODE_PAGE)
        charset = f"; charset={rtf.codec_of(page)}" if isinstance(page, int) and page else ""
        forms.append(_part(f"text/html{charset}", html))
    packed = properties.get(RTF)
    if not forms and isinstance(packed, bytes) and (said := rtf.text(rtf.decompressed(packed))):
        forms.append(_part("text/plain; charset=utf-8", said.encode("utf-8", "replace")))
    if len(forms) < 2:
        return forms
    both = Message()
    both["Content-Type"] = "multipart/alternative"
    inside: list[Message | str] = [*forms]
    both.set_payload(inside)
    return [both]


def _file(attached: Attached) -> Message:
    name = next((said for key in (LONG_NAME, SHORT_NAME, TITLE) if (said := _text(attached.properties, key))), "")
    if attached.mail is not None:
        part = Message()
        part["Content-Type"] = "message/rfc822"
        part.set_payload([attached.mail])
    else:
        data = attached.properties.get(DATA)
        part = _part(_kind(attached.properties), data if isinstance(data, bytes) else b"")
    flags = attached.properties.get(FLAGS)
    shown = _text(attached.properties, CONTENT_ID) or (isinstance(flags, int) and flags & _IN_THE_BODY)
    inline = shown and _kind(attached.properties).startswith("image/")
    part.add_header("Content-Disposition", "inline" if inline else "attachment")
    if name:
        part.set_param("filename", _line(name), header="Content-Disposition", charset="utf-8")
    return part


def _kind(properties: Properties) -> str:
    kind = _text(properties, MIME)
    return kind if kind.isascii() and kind.count("/") == 1 and kind.isprintable() else "application/octet-stream"


def _part(kind: str, data: bytes) -> Message:
    part = Message()
    part["Content-Type"] = kind
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(base64.b64encode(data).decode())
    return part


def _sender(properties: Properties) -> str:
    name = _text(properties, SENDER)
    address = _text(properties, SENDER_SMTP) or _text(properties, SENDER_ADDRESS)
    # Of people in one's own organisation Exchange gives a path.
    return f"{name} <{address}>".strip() if "@" in address and address != name else name


def _date(properties: Properties) -> str:
    ticks = properties.get(SENT) or properties.get(DELIVERED)
    try:
        return format_datetime(_EPOCH + timedelta(microseconds=ticks // 10)) if isinstance(ticks, int) else ""
    except OverflowError:
        return ""


def _text(properties: Properties, key: int) -> str:
    value = properties.get(key)
    return value.rstrip("\0") if isinstance(value, str) else ""


def _line(text: str) -> str:
    return " ".join(text.split())
