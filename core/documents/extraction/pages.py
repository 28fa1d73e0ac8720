"""Where readers put text, and name what they leave out: it keeps the offsets of pages, holds the limit, and reports
progress."""

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.documents.extraction import failures
from core.documents.extraction.spooling import Spool

if TYPE_CHECKING:  # the child reads no tables
    from core.tables.documents import WarningCode

BETWEEN_PAGES = "\n\n"
REPORT_EVERY_SECONDS = 0.1
# Page numbers that are kept of one warning; its count goes on.
MOST_PAGES = 10_000
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Pages:
    def __init__(self, limit: int, report: Callable[[int, int], None], spool: Spool | None = None):
        self.starts: list[int] = []
        self._texts: list[str] = []
        self._length = 0
        self.limit = limit
        self._report = report
        self._spool = spool
        self._total = 1
        self._reported = 0.0
        self._left_out: dict[WarningCode, _LeftOut] = {}

    def expect(self, total: int) -> None:
        self._total = total
        self._report(0, total)

    def add(self, text: str) -> None:
        """The next page, or the whole of a format without pages."""
        # In the place of bytes that are no character, or of a glyph whose character the file does not tell.
        lost = text.count("\ufffd") + text.count("\0") + len(_LONE_SURROGATE.findall(text))
        self.leave_out("CHARACTERS_UNREAD", len(self.starts) + 1, lost)
        text = storable(text)
        if self.starts:
            self._length += len(BETWEEN_PAGES)
        self.starts.append(self._length)
        self._texts.append(text)
        self._length += len(text)
        self.check(0)
        self._tell()

    def check(self, more: int) -> None:
        """Raises ExtractionError when so many characters more are too many: for a page that is not whole yet."""
        if self._length + more > self.limit:
            raise failures.too_large(f"it has more than {self.limit:,} characters of text")

    def leave_out(self, code: "WarningCode", page: int | None = None, count: int = 1) -> None:
        """Name something that the file holds and the text does not. `page` counts from 1."""
        if count > 0:
            self._left_out.setdefault(code, _LeftOut()).add(page, count)

    def picture(
        self,
        draw: Callable[[], bytes | None],
        code: "WarningCode",
        page: int | None = None,
        count: int = 1,
        *,
        alone: bool = False,
    ) -> str:
        """The mark that stands in the text for the words of a picture. Where it cannot be given to those who recognize
        them it is named as left out, by `code`, and there is no mark. `alone`: a page has no text but its own."""
        mark = ""
        if self._spool and self._spool.is_open and (data := draw()):
            mark = self._spool.put(data, code, count, alone=alone)
        if not mark:
            self.leave_out(code, page, count)
        return mark

    def scratch(self, characters: int | None = None) -> "Pages":
        """For something inside the file that may not become part of the text. It has the same limit, or less."""
        return Pages(self.limit if characters is None else characters, lambda done, total: None, self._spool)

    def leave_out_too(self, scratch: "Pages", only: "tuple[WarningCode, ...] | None" = None) -> None:
        """What `scratch` lacks; its pages are none of ours."""
        again = scratch.text().count("\ufffd")  # these count when its text is added
        for code, one in scratch._left_out.items():
            if only is None or code in only:
                self.leave_out(code, count=one.count - (again if code == "CHARACTERS_UNREAD" else 0))

    def left_out(self) -> list[tuple[str, int, list[int]]]:
        """Code, count and sorted page numbers, in the order of their codes."""
        return [(code, one.count, sorted(one.pages)) for code, one in sorted(self._left_out.items())]

    def text(self) -> str:
        return BETWEEN_PAGES.join(self._texts)

    def are_blank(self) -> bool:
        return all(not text or text.isspace() for text in self._texts)

    def _tell(self) -> None:
        done, now = len(self.starts), time.monotonic()
        if done >= self._total or now - self._reported >= REPORT_EVERY_SECONDS:
            self._reported = now
            self._report(done, self._total)


class _LeftOut:
    def __init__(self) -> None:
        self.count = 0
        self.pages: set[int] = set()

    def add(self, page: int | None, count: int) -> None:
        self.count += count
        if page is not None and len(self.pages) < MOST_PAGES:
            self.pages.add(page)


def storable(text: str) -> str:
    """Without what PostgreSQL's text does not hold, and with one kind of line end. All else stays as it is."""
    text = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    return _LONE_SURROGATE.sub("", text)
