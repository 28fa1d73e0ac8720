"""S/MIME: what a mail holds that is signed and not encrypted, from inside of its signature (CMS, RFC 5652).

The signature is not checked: it says who wrote, not what.
"""

from collections.abc import Iterator
from itertools import islice

_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_CONSTRUCTED = 0x20
_OCTETS, _CONTENT = 0x04, 0xA0
_OPEN = 0x80  # the length that says that the end is marked


def signed_content(data: bytes) -> bytes | None:
    """The mail inside, as bytes. None: it is encrypted, or broken."""
    try:
        kind, wrapped = islice(_inside(data, *_element(data, 0)[1:3]), 2)
        if data[kind[1] : kind[2]] != _SIGNED_DATA:
            return None
        (signed,) = islice(_inside(data, *wrapped[1:3]), 1)
        _, _, content = islice(_inside(data, *signed[1:3]), 3)  # after its version and its digests
        _, octets = islice(_inside(data, *content[1:3]), 2)  # after its kind
        if octets[0] != _CONTENT:
            return None
        return b"".join(_octets(data, octets[1], octets[2])) or None
    except (IndexError, ValueError, RecursionError):
        return None


def _octets(data: bytes, begin: int, end: int) -> Iterator[bytes]:
    for tag, first, last, _ in _inside(data, begin, end):
        if tag == _OCTETS:
            yield data[first:last]
        elif tag == _OCTETS | _CONSTRUCTED:
            yield from _octets(data, first, last)


def _inside(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    while at < end:
        element = _element(data, at)
        yield element
        at = element[3]


def _element(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Tag, first byte and end of what is in it, and where the next one begins."""
    tag, length = data[at], data[at + 1]
    at += 2
    if length == _OPEN:
        begin = at
        while data[at : at + 2] != b"\0\0":
            at = _element(data, at)[3]
        return tag, begin, at, at + 2
    if length > _OPEN:
        size = length - _OPEN
        length, at = int.from_bytes(data[at : at + size], "big"), at + size
    return tag, at, at + length, at + length
