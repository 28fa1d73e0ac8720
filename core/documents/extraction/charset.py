"""Bytes to characters, where the encoding is not declared, or not reliably."""

import codecs
import re
from collections.abc import Iterator

from core.documents.extraction import failures

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Written in ASCII bytes only, so they would pass for UTF-8.
_SEVEN_BIT = ("iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_kr", "hz", "utf-7")
_CANDIDATES = [
    *("cp1252", "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"),
]
_WESTERN = "cp1252"
SAMPLE_BYTES = 1 << 16
MOST_CONTROLS = 0.02
_LATIN = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
_LEAD_BYTES = bytes(range(0xC2, 0xF5))
_CONTROL = re.compile("[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")


def decode(data: bytes, declared: str | None = None) -> str:
    """`declared` is what the file says of itself. Raises ExtractionError for what is no text in any encoding."""
    text = _decode(data, codec_named(declared))
    sample = text[:SAMPLE_BYTES]
    if len(_CONTROL.findall(sample)) > MOST_CONTROLS * len(sample):
        raise failures.corrupt("it holds binary data, not text")
    return text


def decode_word(data: bytes, declared: str, *, guess: bool) -> str:
    """A word of a header. `guess`: find the encoding out if the declared one is none."""
    known = codec_named(declared)
    return _decode(data, known) if known or guess else data.decode("utf-8", "replace")


def _decode(data: bytes, declared: str | None) -> str:
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(codec, "replace")
    if declared in _SEVEN_BIT:
        return data.decode(declared, "replace")
    if b"\x1b$" in data and data.isascii():
        return data.decode("iso2022_jp", "replace")
    if wide := _without_bom(data):
        return data.decode(wide, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _legacy(data, declared)


def _legacy(data: bytes, declared: str | None) -> str:
    if _is_damaged_utf8(data):
        return data.decode("utf-8", "replace")
    if declared and declared != "utf-8":
        return _western(data) if declared in ("latin-1", "iso8859-1", "ascii") else data.decode(declared, "replace")
    codec = _detected(data)
    return _western(data) if codec in (None, _WESTERN) else data.decode(codec, "replace")


def codec_named(declared: str | None) -> str | None:
    """Python's name of a text encoding, None for what is none."""
    try:
        info = codecs.lookup(declared.strip()) if declared else None
        return info.name if info and info._is_text_encoding else None
    except (LookupError, ValueError):
        return None


def _without_bom(data: bytes) -> str | None:
    """UTF-16 of a mostly Western text has a zero in every other byte."""
    sample = data[: SAMPLE_BYTES & ~1]
    half = len(sample) // 2
    if half < 2:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > 0.5 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.5 * half and odd < 0.05 * half else None


def _is_damaged_utf8(data: bytes) -> bool:
    """A byte lost here and there, or the end cut off inside a character."""
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    good = len(data) - len(data.translate(None, _LEAD_BYTES)) - damaged
    return good > 20 * damaged


def _western(data: bytes) -> str:
    """Windows-1252, which covers Latin-1; the five bytes it lacks are taken as Latin-1 has them."""
    try:
        return data.decode(_WESTERN)
    except UnicodeDecodeError:
        return data.decode(_WESTERN, "surrogateescape").translate(_LATIN)


def _detected(data: bytes) -> str | None:
    from charset_normalizer import from_bytes

    matches = list(from_bytes(b"\n".join(_telling_lines(data)), cp_isolation=_CANDIDATES))
    if not matches:
        return None
    # It takes German, Portuguese or Swedish for Central European as often as not: where both fit, the West has it.
    best = matches[0]
    tied = [match for match in matches if (match.chaos, match.coherence) == (best.chaos, best.coherence)]
    if any(_WESTERN in match.could_be_from_charset for match in tied):
        return _WESTERN
    return str(best.encoding)


def _telling_lines(data: bytes) -> Iterator[bytes]:
    """Lines with more than ASCII in them, up to a sample."""
    size = 0
    for line in data.splitlines():
        if not line.isascii():
            size += len(line)
            yield line[:SAMPLE_BYTES]
        if size >= SAMPLE_BYTES:
            return
