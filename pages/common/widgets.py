"""What several pages show in the same way."""

import html
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NoReturn, Protocol

import streamlit as st
import structlog

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
    st.badge(state.replace("_", " "), color=STATE_COLOURS.get(state, "gray"))  # type: ignore[arg-type]


def tiles() -> AbstractContextManager[object]:
    """Figures in equal tiles, four in a row or as many as there is room for."""
    return st.grid(4, min_column_width=170)


def figure(label: str, number: int, note: str | None = None) -> None:
    """A tile with a count, and a grey word on it."""
    st.metric(label, f"{number:,}", note, delta_color="off", delta_arrow="off", border=True, height="stretch")


def go(page: str, /, **query: str) -> NoReturn:
    """To another page. Without a query, even an empty one, Streamlit does not leave a page with filters in its link."""
    st.switch_page(page, query_params=query)


def link(label: str, page: str, icon: str | None = None, /, **query: str) -> None:
    """To another page by a click alone: a real link, which opens in a new tab, too."""
    st.page_link(page, label=label, icon=icon, query_params=query)


def came_by(label: str, page: str, /, **query: str | None) -> None:
    """Note that this page is open, with its filters. The browser's own Back loses filters that stand in the link:
    Streamlit makes two steps of leaving them."""
    st.session_state["came_by"] = label, page, {name: value for name, value in query.items() if value}


def back_link(label: str, page: str) -> None:
    """To the page that was open before, as it was; to the given one for who came by a link."""
    label, page, query = st.session_state.get("came_by", (label, page, {}))
    link(label, page, ":material/arrow_back:", **query)


def lines(key: str) -> AbstractContextManager[object]:
    """For links and buttons that are whole sentences: from the left, and not cut off at the end of the line."""
    style = f"""<style>
      .st-key-{key} :is(a, button), .st-key-{key} :is(a, button) * {{justify-content: flex-start; text-align: left}}
      .st-key-{key} :is(a, button) * {{white-space: normal; overflow: visible; line-height: 1.4}}
      .st-key-{key} a {{height: auto; padding-block: 0.4rem}}
    </style>"""
    st.html(style)
    return st.container(key=key, gap="xsmall")


def rows_key(name: str, rows: Sequence[_HasId]) -> str:
    """The key of a grid: a selection counts rows, so it must end where other rows stand there."""
    return f"{name}-{hash(tuple(row.id for row in rows))}"


def empty(what: str, page: str, label: str) -> None:
    """An empty state: what this page is for, and one way on."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(what, text_alignment="center")
        if st.button(label, type="primary", key=f"empty-{page}"):
            go(page)


def highlighted(text: str, start: int | None, end: int | None) -> None:
    """Document text, escaped, with one span marked."""
    if start is None or end is None:
        inner = html.escape(text)
    else:
        inner = (
            f"{html.escape(text[:start])}<mark style='background:#ffe08a;color:#111;padding:0 .1em'>"
            f"{html.escape(text[start:end])}</mark>{html.escape(text[end:])}"
        )
    style = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.55;font-size:.95rem;max-width:80ch"
    st.html(f"<div data-testid='document-text' style='{style}'>{inner}</div>")
