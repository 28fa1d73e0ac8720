"""The table of jobs."""

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.calls import breaker_report
from core.jobs.report import JobRow
from core.settings import provider_rows
from core.tables.jobs import STATES
from pages.common import formats, grids, widgets
from pages.words import jobs

WAITS = "Waits for"
SHOWN = (*STATES, jobs.SOME_FAILED, jobs.ALL_FAILED)
COLUMNS = {
    "Job": st.column_config.TextColumn(width=165),
    "State": st.column_config.MultiselectColumn(
        width=102, options=SHOWN, color=[widgets.STATE_COLOURS[name] for name in SHOWN]
    ),
    WAITS: st.column_config.TextColumn(width=130),
    "Progress": st.column_config.ProgressColumn(width=90, format="%d%%", min_value=0, max_value=100, color="blue"),
    "Requests": st.column_config.NumberColumn(format="localized", width=66),
    "Failed": st.column_config.NumberColumn(format="localized", width=52),
    "Lane": st.column_config.TextColumn(width=52),
    "Model": st.column_config.TextColumn(width=140),
    "Made": st.column_config.DatetimeColumn(format="distance", width=105),
    "Reused": st.column_config.NumberColumn(format="localized", width=60, help="Answers that were known, for free"),
}


USD = {
    "Cost": "Sum of the job's usage records; – has no known price",
    "Estimate": "Before launch; – has no known price",
}


def columns(table: grids.Columns) -> dict[str, ColumnConfig]:
    """How each column of what is `shown` looks."""
    usd = formats.of_column(amount for name in USD for amount in table[name])
    return COLUMNS | {
        name: st.column_config.NumberColumn(format=usd, width=76, help=about) for name, about in USD.items()
    }


def shown(rows: tuple[JobRow, ...]) -> grids.Columns:
    """What jobs wait for is a column only if one of them waits; providers stand beside models if they have several."""
    now = formats.utc_now()
    open_breakers = breaker_report.not_closed() if any(jobs.waits_for_breaker(row) for row in rows) else {}
    labels = [provider_rows.label(row.provider) for row in rows]
    models = [row.model for row in rows]
    if len(set(labels)) > 1:
        models = [f"{model}, {label}" for model, label in zip(models, labels, strict=True)]
    waits = [jobs.waits_for(row, open_breakers, now) for row in rows]
    return {
        "Job": [row.name for row in rows],
        "State": [[jobs.shown_state(row)] for row in rows],
        **({WAITS: waits} if any(waits) else {}),
        "Progress": [100 * (row.done + row.done_there) // max(row.total, 1) for row in rows],
        "Requests": [row.total for row in rows],
        "Failed": [row.failed for row in rows],
        "Cost": [_cost(row) for row in rows],
        "Lane": [row.lane for row in rows],
        "Model": models,
        "Made": [row.created_at for row in rows],
        "Estimate": [None if row.estimate_usd is None else float(row.estimate_usd) for row in rows],
        "Reused": [row.reused for row in rows],
    }


def _cost(row: JobRow) -> float | None:
    """None if none of its calls has a known price."""
    return None if row.unpriced and not row.cost_usd else float(row.cost_usd or 0)
