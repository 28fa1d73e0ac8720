"""The table of insights."""

from collections.abc import Sequence

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.insights.report import InsightRow
from core.tables.insights import STATES
from pages.common import grids, widgets
from pages.words import insights

# Streamlit wraps from 65 pixels on: two lines of a statement.
ROW_HEIGHT = 65
TALLEST = 640
WIDEST = 890
SHOWN_STATES = (*STATES, "quarantined")
OTHERS = {
    "Documents": st.column_config.NumberColumn(
        width=80,
        format="localized",
        help="Independent documents that support it; texts that are nearly the same count once",
    ),
    "Against": st.column_config.TextColumn(
        width=70, help="Independent documents that support what contradicts it, and whether a conflict is open"
    ),
    "Confidence": st.column_config.ProgressColumn(
        min_value=0,
        max_value=1,
        format="percent",
        width=90,
        color="blue",
        help="Click on an insight to see how it comes about",
    ),
    "State": st.column_config.MultiselectColumn(
        width=90, options=SHOWN_STATES, color=[widgets.STATE_COLOURS[name] for name in SHOWN_STATES]
    ),
    "Tags": st.column_config.ListColumn(width=105),
    "Last seen": st.column_config.DatetimeColumn(format="distance", width=130),
}


def shown(rows: Sequence[InsightRow]) -> grids.Columns:
    """Tags, and what contradicts them, are columns only if there are any."""
    table: dict[str, Sequence[object]] = {
        "Statement": [f"\N{PUSHPIN} {row.words}" if row.pinned else row.words for row in rows],
        "Documents": [row.support for row in rows],
        "Against": [insights.against_in_short(row) for row in rows],
        "Confidence": [round(row.confidence, 2) for row in rows],
        "State": [[row.state, *(["quarantined"] if row.quarantined else [])] for row in rows],
        "Tags": [row.tags for row in rows],
        "Last seen": [row.last_seen for row in rows],
    }
    return {name: values for name, values in table.items() if name not in ("Against", "Tags") or any(values)}


def columns(table: grids.Columns) -> dict[str, ColumnConfig]:
    """A statement takes what the others leave of an ordinary window."""
    others = {name: column for name, column in OTHERS.items() if name in table}
    left = WIDEST - sum(int(column["width"] or 0) for column in others.values())  # type: ignore[call-overload]
    return {"Statement": st.column_config.TextColumn(width=max(left, 260)), **others}


def height(rows: int) -> int:
    return min(38 + ROW_HEIGHT * rows, TALLEST)
