"""Text, Markdown, CSV and JSON: the characters as they are, whatever their encoding."""

import codecs
from pathlib import Path

from core.errors import ExtractionError
from core.extraction.reading import Read, Stage

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read(path: Path, _media_type: str, on_stage: Stage) -> Read:
    on_stage("reading", 0, 1)
    return Read((decode(path.read_bytes()),))


def decode(data: bytes) -> str:
    """By mark, then strict UTF-8, then by what the bytes look like."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

        best = from_bytes(data[:200_000]).best()
        if best is None or b"\0" in data[:200_000]:
            raise ExtractionError("This is not a text file. Convert it to PDF or TXT.", code="CORRUPT") from None
        # Most of what is neither marked nor UTF-8 is western: charset-normalizer likes its rarer cousins.
        encoding = "cp1252" if best.encoding.startswith(("cp125", "latin", "iso8859", "cp1250")) else best.encoding
        return data.decode(encoding, errors="replace")
