"""winmail.dat, in which Outlook packs what other programs do not understand: a body and files (MS-OXTNEF)."""

from collections.abc import Iterator
from email.message import Message

from core.documents.extraction import failures, mapi, rtf
from core.documents.extraction.mapi import Attached, Value

SIGNATURE = b"\x78\x9f\x3e\x22"
# Attributes.
_PAGE, _BODY, _SUBJECT, _PROPERTIES = 0x9007, 0x800C, 0x8004, 0x9003
_BEGINS, _TITLE, _DATA, _OF_FILE = 0x9002, 0x8010, 0x800F, 0x9005
_TEXT8, _TEXT, _OBJECT, _BINARY, _TIME, _INT = 0x1E, 0x1F, 0x0D, 0x102, 0x40, 0x03
# How many bytes a property takes that is not as long as it says.
_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_NAMED, _MANY = 0x8000, 0x1000
_INTERFACE = 16
MOST_DEPTH = 12


def message(data: bytes, depth: int = 0) -> Message:
    """Raises ExtractionError for what is none."""
    if not data.startswith(SIGNATURE):
        raise failures.corrupt("it is not what its name says")
    own: dict[int, Value] = {}
    files: list[dict[int, Value]] = []
    charset = "cp1252"
    for name, value in _attributes(data):
        if name == _PAGE:
            charset = rtf.codec_of(int.from_bytes(value[:4], "little"))
        elif name == _BODY:
            own[mapi.BODY] = value.decode(charset, "replace")
        elif name == _SUBJECT:
            own[mapi.SUBJECT] = value.decode(charset, "replace")
        elif name == _PROPERTIES:
            own |= _properties(value, charset)
        elif name == _BEGINS:
            files.append({})
        elif files and name == _TITLE:
            files[-1].setdefault(mapi.SHORT_NAME, value.decode(charset, "replace"))
        elif files and name == _DATA:
            files[-1][mapi.DATA] = value
        elif files and name == _OF_FILE:
            files[-1] |= _properties(value, charset)
    if not own and not files:
        raise failures.corrupt("there is nothing in it")
    return mapi.letter(own, [_attached(one, depth) for one in files])


def _attached(properties: dict[int, Value], depth: int) -> Attached:
    data = properties.get(mapi.DATA)
    if isinstance(data, bytes) and data[_INTERFACE:].startswith(SIGNATURE) and depth < MOST_DEPTH:
        return Attached(properties, message(data[_INTERFACE:], depth + 1))
    return Attached(properties)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    while at + 9 <= len(data):
        name, size = int.from_bytes(data[at + 1 : at + 3], "little"), int.from_bytes(data[at + 5 : at + 9], "little")
        yield name, data[at + 9 : at + 9 + size]
        at += 9 + size + 2


def _properties(data: bytes, charset: str) -> dict[int, Value]:
    found: dict[int, Value] = {}
    at = 4
    while at + 4 <= len(data):
        kind, key = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 4], "little")
        at += 4
        if key >= _NAMED:
            at = _after_name(data, at)
        many, kind = kind & _MANY, kind & ~_MANY
        size = _SIZES.get(kind)
        if size is not None:
            times = _number(data, at) if many else 1
            at += 4 if many else 0
            if kind in (_INT, _TIME) and not many:
                found[key] = int.from_bytes(data[at : at + size], "little")
            at += size * times
            continue
        if kind not in (_TEXT8, _TEXT, _OBJECT, _BINARY):
            break  # nobody knows how long it is
        for _ in range(min(_number(data, at), len(data))):
            at += 4
            if at + 4 > len(data):
                break
            size = _number(data, at)
            value = data[at + 4 : at + 4 + size]
            found[key] = _text(value, kind, charset)
            at += size + -size % 4
        at += 4
    return found


def _after_name(data: bytes, at: int) -> int:
    by_text = _number(data, at + 16)
    size = _number(data, at + 20)
    return at + 24 + (size + -size % 4 if by_text else 0)


def _text(value: bytes, kind: int, charset: str) -> Value:
    if kind == _TEXT:
        return value.decode("utf-16-le", "replace")
    return value.decode(charset, "replace") if kind == _TEXT8 else value


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
