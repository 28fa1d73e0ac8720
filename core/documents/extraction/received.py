"""What a child says: JSON lines, then the text. A stranger's code may have taken its place, so nothing is believed that
the readers could not say: it may lie about its own file, and do no harm beyond."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from core.documents.extraction import failures
from core.documents.extraction.archive import LONGEST_NAME, MOST_NAMES
from core.documents.extraction.pages import MOST_PAGES
from core.documents.extraction.spooling import MOST_BYTES
from core.errors import ExtractionError
from core.tables.documents import WARNING_CODES, DocumentWarning, WarningCode

OnStage = Callable[[str, int, int], None]
COMPLAINT_CHARACTERS = 2000
# Lines of all kinds together. The longest names the starts of pages: 100,000 of them take 1 MB.
LINES_BYTES = 32 << 20
LARGEST = 2**31 - 1  # of a whole number in the database
CODES = ("CORRUPT", "TOO_LARGE", "ENCRYPTED", "NO_TEXT", "EMPTY", "UNKNOWN_TYPE", "SANDBOX_MISSING")
# Nothing that a page would show as a link or a picture.
MESSAGE = re.compile(r"[\w .,:;%()'\"+-]{1,500}")


@dataclass(frozen=True)
class PictureFound:
    """Its words belong at this place of the text: see `spooling.Spooled`. `start` and `length` are its bytes in the
    spool."""

    at: int
    code: WarningCode
    count: int
    alone: bool
    start: int
    length: int


@dataclass(frozen=True)
class Found:
    page_starts: tuple[int, ...]
    warnings: tuple[DocumentWarning, ...]
    text: str
    pictures: tuple[PictureFound, ...] = ()


class Received:
    """What has come so far. Its methods raise ExtractionError for what no reader says."""

    def __init__(self, on_stage: OnStage, most_characters: int, most_pictures: int = 0):
        self.error: ExtractionError | None = None
        self.complaint = ""
        self._on_stage = on_stage
        self._most_characters, self._most_pictures = most_characters, most_pictures
        self._head: tuple[tuple[int, ...], tuple[DocumentWarning, ...], tuple[PictureFound, ...]] | None = None
        self._lines = self._bytes = 0
        self._rest = b""
        self._text: list[bytes] = []

    def out(self, data: bytes) -> None:
        if self._head is None:
            data = self._lines_of(data)
        self._text.append(data)
        self._bytes += len(data)
        if self._bytes > 4 * self._most_characters:
            raise failures.unusable()

    def err(self, data: bytes) -> None:
        self.complaint = (self.complaint + data.decode(errors="replace"))[-COMPLAINT_CHARACTERS:]

    def found(self) -> Found | None:
        """None: it ended before it said what it found."""
        if self._head is None:
            return None
        page_starts, warnings, pictures = self._head
        try:
            text = b"".join(self._text).decode()
        except UnicodeDecodeError:
            raise failures.unusable() from None
        if len(text) > self._most_characters or page_starts[-1] > len(text) or "\0" in text:
            raise failures.unusable()
        if any(one.at > len(text) for one in pictures):
            raise failures.unusable()
        return Found(page_starts, warnings, text, pictures)

    def _lines_of(self, data: bytes) -> bytes:
        """Take the lines; returns what comes after the last one."""
        self._lines += len(data)
        if self._lines > LINES_BYTES:
            raise failures.unusable()
        self._rest += data
        while self._head is None and b"\n" in self._rest:
            line, _, self._rest = self._rest.partition(b"\n")
            self._line(line)
        if self._head is None:
            return b""
        text, self._rest = self._rest, b""
        return text

    def _line(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise failures.unusable() from None
        match message:
            case {"done": done, "total": total} if _are_numbers([done, total]):
                self._on_stage("reading", done, total)
            case {"error": [str(code), str(text)]} if code in CODES and MESSAGE.fullmatch(text):
                self.error = ExtractionError(text, code=code)
            case {"page_starts": [0, *_] as starts, "left_out": list(left_out), "pictures": list(pictures)} if (
                _are_in_order(starts) and len(pictures) <= self._most_pictures
            ):
                self._head = tuple(starts), tuple(map(warning, left_out)), tuple(map(_picture, pictures))
            case _:
                self._other(message)

    def _other(self, message: Any) -> None:
        raise failures.unusable()


def warning(left_out: Any) -> DocumentWarning:
    match left_out:
        case [code, count, list(pages), *names] if (
            code in WARNING_CODES and _are_numbers([count]) and _are_in_order(pages) and len(names) < 2
        ):
            return DocumentWarning(code, count, tuple(pages[:MOST_PAGES]), _named(*names))
    raise failures.unusable()


def _picture(picture: Any) -> PictureFound:
    match picture:
        case [at, code, count, bool(alone), start, length] if code in WARNING_CODES and length in range(MOST_BYTES + 1):
            if _are_numbers([at, count, start, length]):
                return PictureFound(at, code, count, alone, start, length)
    raise failures.unusable()


def _named(names: Any = ()) -> tuple[str, ...]:
    return tuple(safe_name(name) for name in list(names)[:MOST_NAMES])


def safe_name(name: Any) -> str:
    """Of a file: a path that leads nowhere, of characters that can be seen."""
    if not isinstance(name, str):
        raise failures.unusable()
    parts = ("".join(one for one in part if one.isprintable()).strip() for part in name.split("/"))
    return "/".join(part for part in parts if part not in ("", ".", ".."))[-LONGEST_NAME:] or "unnamed"


def _are_in_order(values: list[Any]) -> bool:
    return _are_numbers(values) and all(before <= after for before, after in pairwise(values))


def _are_numbers(values: list[Any]) -> bool:
    return all(type(value) is int and 0 <= value <= LARGEST for value in values)
