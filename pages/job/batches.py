"""The provider batches of a job: the state and outcome of each, and the result lines that could not be used."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from core.batch import report
from core.jobs import batches_report
from core.jobs.batches_report import ProviderBatchRow
from core.jobs.report import JobRow
from core.settings import provider_rows
from pages.common import formats, grids, widgets
from pages.words import batches, jobs

PER_PAGE = 100
# In the session: the id of the batch that was clicked last.
SHOWN = "batch_shown"
COLUMNS = ("State", "Requests", "Done", "Time", "What became of it", "Our id", "The provider's id")


def show(row: JobRow) -> None:
    page = batches_report.provider_batches(row.id, limit=PER_PAGE)
    now = formats.utc_now()
    if row.lane == "batch" and provider_rows.can(row.provider).has_batch_window:
        st.caption(jobs.leftovers(row))
    if not page.items:
        st.caption("Nothing was handed over as a batch yet.")
        return
    selected = _table(page.items, now)
    if page.next_cursor:
        st.caption(f"The newest {PER_PAGE} are shown.")
    if len(page.items) > 1:
        st.caption("Click on a batch to see its ids, what it waits for and what came back.", help=widgets.BY_KEYBOARD)
    if selected is not None:
        _batch(row, page.items[selected])
    elif len(page.items) == 1:
        _batch(row, page.items[0])


def _table(rows: Sequence[ProviderBatchRow], now: datetime) -> int | None:
    """Which row was clicked last."""
    key = widgets.rows_key("batches", rows)
    if (clicked := widgets.clicked_row(key)) is not None:
        st.session_state[SHOWN] = rows[clicked].id
    st.dataframe(
        grids.numbered(grids.columns(COLUMNS, [_cells(batch, now) for batch in rows])),
        hide_index=False,
        on_select="rerun",
        selection_mode="single-cell",
        key=key,
        column_config={
            **grids.ROW_NUMBERS,
            "Requests": st.column_config.NumberColumn(format="localized"),
            "What became of it": st.column_config.TextColumn(width=360),
        },
        height=min(38 + 35 * len(rows), 460),
    )
    return next((at for at, row in enumerate(rows) if row.id == st.session_state.get(SHOWN)), None)


def _cells(batch: ProviderBatchRow, now: datetime) -> tuple[str, int, str, str, str, str, str]:
    return (
        batches.state(batch),
        batch.requests,
        batches.done(batch),
        batches.elapsed(batch, now),
        batches.outcome(batch.counts) or (batch.error or ""),
        batch.id,
        batch.provider_batch_id or "",
    )


def _batch(row: JobRow, batch: ProviderBatchRow) -> None:
    with st.container(border=True):
        st.markdown(formats.plain(batches.meaning(batch, formats.utc_now())))
        if batch.error and batch.state != "settling":
            st.warning(formats.plain(batch.error))
        left, right = st.columns(2)
        left.caption("Our id")
        left.code(batch.id, language=None)
        right.caption("The provider's id")
        right.code(batch.provider_batch_id or "none yet", language=None)
        if batch.counts and sum(batch.counts["odd"].values()):
            _odd_lines(row.id, batch.id)


def _odd_lines(job_id: str, batch_id: str) -> None:
    """Result lines that could not be used, as they came. They are a stranger's bytes: shown as plain text only."""
    lines = report.odd_lines(job_id, batch=batch_id)
    with st.expander(f"Lines that could not be used: {len(lines)} shown, kept as they came"):
        for line in lines:
            st.caption(f"{formats.plain(batches.ODD_KINDS.get(line.kind, line.kind))}, {line.size:,} bytes")
            st.code(line.raw.decode("utf-8", "backslashreplace"), language=None, wrap_lines=True)
