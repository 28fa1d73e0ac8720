"""The table of documents."""

import pandas as pd
import streamlit as st

from core.documents import warnings
from core.documents.report import DocumentRow
from core.tables.documents import UNPACKED
from pages.common import formats

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


def frame(rows: tuple[DocumentRow, ...]) -> pd.DataFrame:
    """What is not in the text is a column only if something is not."""
    table = pd.DataFrame(
        [
            (
                r.name,
                state_of(r),
                missing(r),
                r.collection,
                r.pages,
                r.tokens,
                r.language,
                formats.size(r.size_bytes),
                r.created_at,
            )
            for r in rows
        ],
        columns=["Name", "State", NOT_IN_TEXT, "Collection", "Pages", "Tokens", "Language", "Size", "Added"],
    )
    return table if any(table[NOT_IN_TEXT]) else table.drop(columns=NOT_IN_TEXT)


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
