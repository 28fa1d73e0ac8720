"""The table of documents."""

from collections.abc import Sequence

import streamlit as st

from core.documents import warnings
from core.documents.report import DocumentRow
from core.tables.documents import UNPACKED
from pages.common import formats, grids

NOT_IN_TEXT = "Not in the text"


def state_of(row: DocumentRow) -> str:
    """The state, with the reason if it failed, and with the progress while it is extracted."""
    if row.state == "failed":
        return f"failed: {row.error_message or 'no reason is known'}"
    if row.state == "extracting" and row.stage_total and row.stage_total > 1:
        return f"{row.stage} {row.stage_done} of {row.stage_total}"
    if row.again == "failed":
        return f"{row.state}, not read again: {row.again_error_message}"
    return f"{row.state}, being read again" if row.again else row.stage or row.state


def missing(row: DocumentRow) -> str:
    """The sign of a document that was read in part, and of one of which that is not known."""
    if row.state not in ("ready", UNPACKED):
        return ""
    if row.warnings is None:
        return "? not known"
    return f"\N{WARNING SIGN} {warnings.briefly(row.warnings)}" if row.warnings else ""


def shown(rows: tuple[DocumentRow, ...]) -> grids.Columns:
    """What is not in the text is a column only if something is not."""
    table: dict[str, Sequence[object]] = {
        "Name": [row.name for row in rows],
        "State": [state_of(row) for row in rows],
        NOT_IN_TEXT: [missing(row) for row in rows],
        "Collection": [row.collection for row in rows],
        "Pages": [row.pages for row in rows],
        "Tokens": [row.tokens for row in rows],
        "Language": [row.language for row in rows],
        "Size": [formats.size(row.size_bytes) for row in rows],
        "Added": [row.created_at for row in rows],
    }
    if not any(table[NOT_IN_TEXT]):
        del table[NOT_IN_TEXT]
    return table


COLUMNS = {
    "Name": st.column_config.TextColumn(width=250),
    "State": st.column_config.TextColumn(width=130),
    NOT_IN_TEXT: st.column_config.TextColumn(
        width=150, help="What the file holds and the text does not. Empty: all of it is there."
    ),
    "Collection": st.column_config.TextColumn(width=100),
    "Pages": st.column_config.NumberColumn(format="localized", width=55),
    "Tokens": st.column_config.NumberColumn(format="localized", width=70),
    "Language": st.column_config.TextColumn(width=75),
    "Size": st.column_config.TextColumn(width=75),
    "Added": st.column_config.DatetimeColumn(format="distance", width=105),
}
