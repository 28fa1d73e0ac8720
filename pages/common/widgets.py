"""Widgets that look the same on every page."""

import html
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NoReturn, Protocol

import streamlit as st
import structlog

from pages.common import formats

STATE_COLOURS = {
    "draft": "gray",
    "queued": "gray",
    "pending": "gray",
    "extracting": "blue",
    "running": "blue",
    "in_flight": "blue",
    "cancelling": "orange",
    "cancelled": "orange",
    "paused": "orange",
    "ready": "green",
    "completed": "green",
    "succeeded": "green",
    "failed": "red",
    "new": "blue",
    "confirmed": "green",
    "dismissed": "gray",
}
log = structlog.get_logger()


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


def state_badge(state: str) -> None:
    st.badge(formats.plain(state.replace("_", " ")), color=STATE_COLOURS.get(state, "gray"))  # type: ignore[arg-type]


def tiles() -> AbstractContextManager[object]:
    """A container for figures: equal tiles, at most four in a row."""
    return st.grid(4, min_column_width=170)


def figure(label: formats.Markdown, number: int, note: formats.Markdown | None = None) -> None:
    """A tile with a count and a grey note."""
    st.metric(label, f"{number:,}", note, delta_color="off", delta_arrow="off", border=True, height="stretch")


def go(page: str, /, **query: str) -> NoReturn:
    """Go to another page. Streamlit needs a query, even an empty one, to leave a page that has filters in its link."""
    st.switch_page(page, query_params=query)


def link(label: formats.Markdown, page: str, icon: str | None = None, /, **query: str) -> None:
    """A real link to another page: it can be opened in a new tab, too."""
    st.page_link(page, label=label, icon=icon, query_params=query)


def came_by(label: str, page: str, /, **query: str | None) -> None:
    """Remember this page with its filters for `back_link`. The browser's own Back loses filters that stand in the link,
    because Streamlit makes two history entries when it leaves such a page."""
    st.session_state["came_by"] = label, page, {name: value for name, value in query.items() if value}


def back_link(label: str, page: str) -> None:
    """A link to the page that `came_by` remembered, else to the given one."""
    label, page, query = st.session_state.get("came_by", (label, page, {}))
    link(formats.plain(label), page, ":material/arrow_back:", **query)


def lines(key: str) -> AbstractContextManager[object]:
    """A container for links and buttons that are whole sentences: aligned to the left, and wrapped."""
    name = html.escape(key)
    style = f"""<style>
      .st-key-{name} :is(a, button), .st-key-{name} :is(a, button) * {{justify-content: flex-start; text-align: left}}
      .st-key-{name} :is(a, button) * {{white-space: normal; overflow: visible; line-height: 1.4}}
      .st-key-{name} a {{height: auto; padding-block: 0.4rem}}
    </style>"""
    st.html(style)
    return st.container(key=key, gap="xsmall")


def rows_key(name: str, rows: Sequence[_HasId]) -> str:
    """A grid's key. A selection is kept as row numbers, so it must end when the grid has other rows."""
    return f"{name}-{hash(tuple(row.id for row in rows))}"


def empty(what: formats.Markdown, page: str, label: formats.Markdown) -> None:
    """An empty state: what the page is for, and a button that leads on."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(what, text_alignment="center")
        if st.button(label, type="primary", key=f"empty-{page}"):
            go(page)


def highlighted(text: str, start: int | None, end: int | None) -> None:
    """Document text, escaped, with the characters from `start` to `end` marked."""
    if start is None or end is None:
        inner = html.escape(text)
    else:
        inner = (
            f"{html.escape(text[:start])}<mark style='background:#ffe08a;color:#111;padding:0 .1em'>"
            f"{html.escape(text[start:end])}</mark>{html.escape(text[end:])}"
        )
    style = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.55;font-size:.95rem;max-width:80ch"
    st.html(f"<div data-testid='document-text' style='{style}'>{inner}</div>")
