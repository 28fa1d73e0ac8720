"""Where readers put text: it keeps the offsets of pages, holds the limit, and reports progress."""

import re
import time
from collections.abc import Callable

from core.documents.extraction import failures

BETWEEN_PAGES = "\n\n"
REPORT_EVERY_SECONDS = 0.1
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Pages:
    def __init__(self, limit: int, report: Callable[[int, int], None]):
        self.starts: list[int] = []
        self._texts: list[str] = []
        self._length = 0
        self._limit = limit
        self._report = report
        self._total = 1
        self._reported = 0.0

    def expect(self, total: int) -> None:
        self._total = total
        self._report(0, total)

    def add(self, text: str) -> None:
        """The next page, or the whole of a format without pages."""
        text = storable(text)
        if self.starts:
            self._length += len(BETWEEN_PAGES)
        self.starts.append(self._length)
        self._texts.append(text)
        self._length += len(text)
        if self._length > self._limit:
            raise failures.too_large(f"it has more than {self._limit:,} characters of text")
        self._tell()

    def text(self) -> str:
        return BETWEEN_PAGES.join(self._texts)

    def are_blank(self) -> bool:
        return all(not text or text.isspace() for text in self._texts)

    def _tell(self) -> None:
        done, now = len(self.starts), time.monotonic()
        if done >= self._total or now - self._reported >= REPORT_EVERY_SECONDS:
            self._reported = now
            self._report(done, self._total)


def storable(text: str) -> str:
    """Without what PostgreSQL's text does not hold, and with one kind of line end. All else stays as it is."""
    text = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    return _LONE_SURROGATE.sub("", text)
