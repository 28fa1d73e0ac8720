"""A document's text, page by page, or in parts of equal length where its format has no pages."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.common import formats, marking
from pages.common.marking import Mark

PART_CHARACTERS = 6_000
# Characters shown before and after a quote, so that it is seen without scrolling.
AROUND = 300
LONGEST_WORD = 40
# Before all other marks.
THE_QUOTE = 9
OPEN_QUOTE = "The open quote"


@dataclass(frozen=True)
class Part:
    """A page, or a part of equal length: its number from 1, and where it stands in the text."""

    number: int
    first: int
    last: int


class PagedText:
    def __init__(self, text: str, page_starts: Sequence[int] | None) -> None:
        """`page_starts` are offsets in the text; None where the format has no pages."""
        self.text = text
        self.starts = range(0, max(len(text), 1), PART_CHARACTERS) if page_starts is None else page_starts
        self.label: formats.Markdown = "Part" if page_starts is None else "Page"

    @property
    def in_parts(self) -> bool:
        return len(self.starts) > 1

    def choose(self, quote: tuple[int, int] | None) -> Part:
        """The pagination. `quote` (start and end in the text) chooses where it begins."""
        page = 1
        if self.in_parts:
            begin = self.page_at(quote[0] if quote else 0)
            page = st.pagination(len(self.starts), default=begin, key="page", bind="query-params")
        return Part(page, self.starts[page - 1], self.starts[page] if page < len(self.starts) else len(self.text))

    def has(self, part: Part, quote: tuple[int, int] | None) -> bool:
        return quote is not None and part.first <= quote[0] < part.last

    def show(self, part: Part, quote: tuple[int, int] | None, marks: Sequence[Mark]) -> None:
        """One part with its marks; where `quote` stands on it, it is in sight, and what is far before it is folded."""
        if quote and self.has(part, quote):
            self._show_quote(part, quote, marks)
        else:
            st.caption(f"{self.label} {part.number:,} of {len(self.starts):,}")
            self._marked(part.first, part.last, marks)

    def turn_to(self, offset: int) -> None:
        """While this page stays open, the pagination keeps its own state: a link alone does not move it."""
        if self.in_parts:
            st.session_state["page"] = self.page_at(offset)

    def _show_quote(self, part: Part, quote: tuple[int, int], marks: Sequence[Mark]) -> None:
        start, end = quote
        if self.in_parts:
            st.caption(f":material/format_quote: The quote stands on {self.label.lower()} {part.number:,}.")
        around = word_from(self.text, max(part.first, start - AROUND))
        if around > part.first:
            before = f"of this {self.label.lower()}" if self.in_parts else "of the text"
            with st.expander(f"The beginning {before}", icon=":material/expand:"):
                self._marked(part.first, around, marks)
        self._marked(around, max(part.last, end), [*marks, Mark(start, end, rank=THE_QUOTE, note=OPEN_QUOTE)])

    def _marked(self, first: int, last: int, marks: Sequence[Mark]) -> None:
        moved = [Mark(m.start - first, m.end - first, m.style, m.rank, m.note) for m in marks]
        marking.show(self.text[first:last], moved, "document-text")

    def page_at(self, offset: int) -> int:
        return max(1, bisect.bisect_right(self.starts, offset))


def word_from(text: str, offset: int) -> int:
    """Where the next word begins; `offset` itself if no word begins within LONGEST_WORD characters."""
    if offset == 0:
        return 0
    return next((i for i in range(offset, min(offset + LONGEST_WORD, len(text))) if text[i - 1].isspace()), offset)
