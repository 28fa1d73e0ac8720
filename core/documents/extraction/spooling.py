"""Pictures whose words are to be recognized: a reader puts each into the spool, and a mark in its place in the text.

The spool is a file without a name, which whoever asked for the text made and hands over to the children that recognize
words. They are given pictures and no document: whatever the reader of a format knows to find, in an attachment of a
mail too, comes to them in the same way.
"""

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the child reads no tables
    from core.tables.documents import WarningCode

MOST_BYTES = 240 << 20
# Around the number of a picture. Unicode keeps them for the use inside of a program.
_BEGIN, _END = "\ufdd0", "\ufdd1"
# A line of its own goes with it, and not the end of a page before it.
_MARK = re.compile(f"(?:(?<=[^\n])\n)?{_BEGIN}([0-9]{{1,7}}){_END}")


@dataclass(frozen=True)
class Spooled:
    """`code` and `count`: what is left out, and how often, where it cannot be read. `alone`: a page has no text but its
    own."""

    code: "WarningCode"
    count: int
    alone: bool
    start: int
    length: int


class Spool:
    def __init__(self, file: int, most: int, seconds: float) -> None:
        """`most` pictures, and none once so many seconds have passed: the reader has others to go through."""
        self.pictures: list[Spooled] = []
        self._file, self._most = file, most
        self._until = time.monotonic() + seconds
        self._written = 0

    @property
    def is_open(self) -> bool:
        return len(self.pictures) < self._most and self._written < MOST_BYTES and time.monotonic() < self._until

    def put(self, data: bytes, code: "WarningCode", count: int, *, alone: bool) -> str:
        """The mark; empty where there is no room for it."""
        if not data or self._written + len(data) > MOST_BYTES:
            return ""
        done = 0
        while done < len(data):
            done += os.pwrite(self._file, memoryview(data)[done:], self._written + done)
        self.pictures.append(Spooled(code, count, alone, self._written, len(data)))
        self._written += len(data)
        return f"{_BEGIN}{len(self.pictures) - 1}{_END}"


def without_marks(
    text: str, starts: Sequence[int], pictures: Sequence[Spooled]
) -> tuple[str, list[int], list[tuple[int, Spooled]]]:
    """The text, the starts of its pages, and the pictures with their places in it, each at its first mark."""
    if not pictures:
        return text, list(starts), []
    said: list[str] = []
    places: dict[int, int] = {}
    removed: list[tuple[int, int]] = []
    end = length = 0
    for found in _MARK.finditer(text):
        number = int(found[1])
        if number >= len(pictures):
            continue
        said.append(text[end : found.start()])
        length += found.start() - end
        end = found.end()
        removed.append((found.start(), found.end() - found.start()))
        places.setdefault(number, length)
    said.append(text[end:])
    moved = _moved(starts, removed)
    return "".join(said), moved, [(at, pictures[number]) for number, at in places.items()]


def _moved(starts: Sequence[int], removed: Sequence[tuple[int, int]]) -> list[int]:
    moved, less, number = [], 0, 0
    for start in starts:
        while number < len(removed) and removed[number][0] < start:
            less += removed[number][1]
            number += 1
        moved.append(start - less)
    return moved
