"""Widgets that look the same on every page."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NoReturn, Protocol

import streamlit as st
import structlog
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.arrow import DataframeStateInput

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
    "quarantined": "orange",
    "ready": "green",
    "unpacked": "green",
    "completed": "green",
    "succeeded": "green",
    "failed": "red",
    "some failed": "orange",
    "all failed": "red",
    "new": "blue",
    "confirmed": "green",
    "dismissed": "gray",
}
log = structlog.get_logger()


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


def state_badge(state: str, label: formats.Markdown | None = None) -> None:
    """`label`: what it says instead of the state."""
    name = label or formats.plain(state.replace("_", " "))
    st.badge(name, color=STATE_COLOURS.get(state, "gray"))  # type: ignore[arg-type]


def tiles() -> AbstractContextManager[object]:
    """A container for figures: equal tiles, at most four in a row."""
    return st.grid(4, min_column_width=170)


def figure(
    label: formats.Markdown,
    number: int,
    note: formats.Markdown | None = None,
    page: str | None = None,
    *,
    or_more: bool = False,
) -> None:
    """A tile with a count and a grey note; with `page` its label is a link there. `or_more`: no more were counted."""
    shown: formats.Markdown = f"{number:,}{'+' if or_more else ''}"
    if page is None:
        st.metric(label, shown, note, delta_color="off", delta_arrow="off", border=True, height="stretch")
        return
    with tile(label, page):
        st.metric(label, shown, note, delta_color="off", delta_arrow="off", label_visibility="collapsed")


def tile(label: formats.Markdown, page: str) -> AbstractContextManager[object]:
    """A container for the figure of a tile. Its label is a link to the page that the figure is from."""
    within = st.container(border=True, height="stretch", gap="xsmall")
    with within:
        link(label, page)
    return within


def go(page: str, /, **query: str | list[str]) -> NoReturn:
    """Go to another page. Streamlit needs a query, even an empty one, to leave a page that has filters in its link."""
    st.switch_page(page, query_params=query)


def link(label: formats.Markdown, page: str, icon: str | None = None, /, **query: str | list[str]) -> None:
    """A real link to another page: it can be opened in a new tab, too."""
    # "": else it would bear the icon that the page has in the navigation.
    st.page_link(PAGES.get(page, page), label=label, icon=icon or "", query_params=query)


# The pages by their files, as navigation has made them: for a link by its file, Streamlit looks for that each time.
PAGES: dict[str, st.Page] = {}


def came_by(label: str, page: str, /, **query: str | list[str] | None) -> None:
    """Remember this page with its filters for `back_link`."""
    came = st.session_state.setdefault("came_by", {})
    came.pop(page, None)
    came[page] = label, {name: value for name, value in query.items() if value}


def back_link(label: str, page: str, here: str = "") -> None:
    """A link to the page that `came_by` remembered last, else to the given one. `here`: the page that it stands on,
    where that is remembered, too."""
    came = st.session_state.get("came_by", {})
    before = next((one for one in reversed(came) if one != here), None)
    label, query = (label, {}) if before is None else came[before]
    link(formats.plain(label), before or page, ":material/arrow_back:", **query)


def lines(key: str) -> AbstractContextManager[object]:
    """A container for links and buttons that are whole sentences: aligned to the left, and wrapped."""
    return st.container(key=f"lines-{key}", gap="xsmall")  # look.STYLE


def rows_key(name: str, rows: Sequence[_HasId]) -> str:
    """A grid's key. A selection is kept as row numbers, so it must end when the grid has other rows."""
    return f"{name}-{hash(tuple(row.id for row in rows))}"


# Beside what is said of a click.
BY_KEYBOARD = "By keyboard: ↓ and ↑ go from row to row, → opens one, Shift+Space ticks its box."


def clicked_row(key: str) -> int | None:
    """The row of which a cell was clicked in the grid of this key, which is drawn after this."""
    clicked = clicked_cell(key)
    return None if clicked is None else clicked[0]


# A browser that has not heard yet that a click was taken sends it again with what closes the drawer.
DISMISSED = "dismissed"


def dismissed() -> None:
    """For a drawer that a click opened: when it is closed, the same click does not open it again."""
    st.session_state[DISMISSED] = True


def clicked_cell(key: str) -> tuple[int, str] | None:
    """The row and the column of it. The click is taken, so that the next one opens the same cell again."""
    stale = st.session_state.pop(DISMISSED, False)
    cells = _selection(key).get("cells", [])
    if not cells:
        return None
    select(key, selected_rows(key))
    if stale:
        return None
    return int(cells[0][0]), str(cells[0][1])


def selected_rows(key: str) -> list[int]:
    """The rows whose boxes are ticked in the grid of this key, before it is drawn."""
    return list(_selection(key).get("rows", []))


def select(key: str, rows: Sequence[int]) -> None:
    """Tick these rows, and no others."""
    st.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}


def ticked(rows: Sequence[_HasId], ids: Sequence[str]) -> DataframeStateInput:
    """The `selection_default` of a grid: with other rows it is another one, and what was ticked stays so."""
    return {"selection": {"rows": [at for at, row in enumerate(rows) if row.id in ids]}}


def _selection(key: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = st.session_state.get(key, {}).get("selection", {})
    return found


def trail(name: str, asked: object) -> list[str | None]:
    """The cursors of the pages turned so far, the shown one last. Another question begins at the first page."""
    kept: tuple[object, list[str | None]] = st.session_state.get(name, (asked, [None]))
    if kept[0] != asked:
        kept = (asked, [None])
    st.session_state[name] = kept
    return kept[1]


def turn_pages(cursors: list[str | None], next_cursor: str | None) -> None:
    """Buttons below a grid for the page before and the one after."""
    with st.container(horizontal=True):
        if len(cursors) > 1 and st.button("Previous page", icon=":material/chevron_left:"):
            cursors.pop()
            st.rerun()
        if next_cursor and st.button("Next page", icon=":material/chevron_right:"):
            cursors.append(next_cursor)
            st.rerun()


def popover(
    label: formats.Markdown, key: str, icon: str, *, disabled: bool = False, typed_in: bool = False
) -> DeltaGenerator | None:
    """What it holds is made once it is open: until then, None. `typed_in`: and stays, with what was typed there."""
    made = st.popover(label, icon=icon, key=key, on_change="rerun", disabled=disabled)
    if typed_in and made.open:
        st.session_state.setdefault(TYPED_IN, set()).add(key)
    return made if made.open or key in st.session_state.get(TYPED_IN, ()) else None


TYPED_IN = "typed-in"


def expander(label: formats.Markdown, key: str, icon: str | None = None) -> DeltaGenerator | None:
    """As `popover`."""
    made = st.expander(label, icon=icon, key=key, on_change="rerun")
    return made if made.open else None


def empty(what: formats.Markdown, page: str, label: formats.Markdown, /, **query: str) -> None:
    """An empty state: what the page is for, and a button that leads on."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(what, text_alignment="center")
        if st.button(label, type="primary", key=f"empty-{page}"):
            go(page, **query)
