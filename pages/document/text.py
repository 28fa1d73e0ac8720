"""A document's text, page by page, or in parts of equal length where its format has no pages."""

import bisect
from collections.abc import Sequence

import streamlit as st

from pages.common import formats, widgets

PART_CHARACTERS = 6_000
# Characters shown before and after a quote, so that it is seen without scrolling.
AROUND = 300
LONGEST_WORD = 40


class PagedText:
    def __init__(self, text: str, page_starts: Sequence[int] | None) -> None:
        """`page_starts` are offsets in the text; None where the format has no pages."""
        self.text = text
        self.starts = range(0, max(len(text), 1), PART_CHARACTERS) if page_starts is None else page_starts
        self.label: formats.Markdown = "Part" if page_starts is None else "Page"

    def show(self, quote: tuple[int, int] | None) -> None:
        """One page with its pagination. `quote` (start and end in the text) chooses the first page, and is marked."""
        page = 1
        if len(self.starts) > 1:
            begin = self._page_at(quote[0] if quote else 0)
            page = st.pagination(len(self.starts), default=begin, key="page", bind="query-params")
        first = self.starts[page - 1]
        last = self.starts[page] if page < len(self.starts) else len(self.text)
        if quote and first <= quote[0] < last:
            self._show_quote(page, first, max(last, quote[1]), quote)
        else:
            st.caption(f"{self.label} {page:,} of {len(self.starts):,}")
            widgets.highlighted(self.text[first:last], None, None)

    def turn_to(self, offset: int) -> None:
        """While this page stays open, the pagination keeps its own state: a link alone does not move it."""
        if len(self.starts) > 1:
            st.session_state["page"] = self._page_at(offset)

    def _show_quote(self, page: int, first: int, last: int, quote: tuple[int, int]) -> None:
        """The quote with what stands around it, then the whole page."""
        start, end = quote
        if len(self.starts) > 1:
            st.caption(f":material/format_quote: The quote stands on {self.label.lower()} {page}.")
        with st.container(border=True):
            around = word_from(self.text, max(first, start - AROUND))
            until = min(word_from(self.text, end + AROUND), last)
            widgets.highlighted(self.text[around:until], start - around, end - around)
        st.caption(f"The whole {self.label.lower()}")
        widgets.highlighted(self.text[first:last], start - first, end - first)

    def _page_at(self, offset: int) -> int:
        return max(1, bisect.bisect_right(self.starts, offset))


def word_from(text: str, offset: int) -> int:
    """Where the next word begins; `offset` itself if no word begins within LONGEST_WORD characters."""
    if offset == 0:
        return 0
    return next((i for i in range(offset, min(offset + LONGEST_WORD, len(text))) if text[i - 1].isspace()), offset)
