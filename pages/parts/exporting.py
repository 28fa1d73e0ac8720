"""The control that exports a table: it holds a link, and the file is made when somebody follows it."""

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from core.exports.columns import FORMAT_NAMES, FORMATS, FormatName
from pages.common import api_links, formats, widgets

ICON = ":material/download:"
LAST = "export-format"


def format_(key: str) -> FormatName:
    """What was chosen last, of any table, is chosen in the next one."""
    st.session_state.setdefault(key, st.session_state.get(LAST, FORMAT_NAMES[0]))
    st.segmented_control("Format", FORMAT_NAMES, required=True, format_func=lambda name: FORMATS[name].label, key=key)
    chosen: FormatName = st.session_state[key]
    st.session_state[LAST] = chosen
    return chosen


def table(
    key: str,
    address: str,
    given: Sequence[tuple[str, str | None]],
    said: formats.Markdown,
    beside: tuple[str, formats.Markdown] | None = None,
) -> None:
    """`address`: of a route of the API without /api/v1/, which is given what holds on the page; `said`: of the rows.
    `beside`: another format, and what it is."""
    opened = widgets.popover("Export", f"{key}_export", ICON)
    if opened is None:
        return
    with opened:
        chosen = format_(f"{key}_format")
        st.caption(said)
        held = [(name, value) for name, value in given if value]
        query = urlencode([("format", chosen), *held])
        st.link_button("Export", api_links.link(f"{address}?{query}"), icon=":material/download:", type="primary")
        if beside is not None:
            other, what = beside
            query = urlencode([("format", other), *held])
            st.link_button(what, api_links.link(f"{address}?{query}"), icon=":material/download:")
