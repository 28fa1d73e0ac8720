"""The requests of a job, filtered by state and by error. Both filters stand in the link."""

from collections.abc import Sequence

import streamlit as st

from core.jobs import requests_report
from core.jobs.report import JobRow
from core.jobs.requests_report import RequestRow
from pages.common import grids

PER_PAGE = 100
STATES = ("pending", "in_flight", "succeeded", "failed", "cancelled")
# Behind the first column, which names a document or an own request.
COLUMNS = ("State", "Lane", "Sent", "Error", "Provider batch")


def show(row: JobRow) -> None:
    codes = {failure.code: failure.requests for failure in requests_report.failures(row.id)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        state = st.selectbox(
            "State",
            STATES,
            index=None,
            placeholder="All",
            key="request_state",
            bind="query-params",
            width=240,
            format_func=lambda name: name.replace("_", " "),
        )
        error = st.selectbox(
            "Error", list(codes), index=None, placeholder="All", key="error", bind="query-params", width=320
        )
    # Documents that are still being read have no request yet.
    unread = row.unread if state in (None, "pending") else 0
    number = codes[error] if error else getattr(row, state or "total") - unread
    pages = max(1, -(-number // PER_PAGE))
    page = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    first = (page - 1) * PER_PAGE
    found = requests_report.requests(row.id, state=state, error=error, limit=PER_PAGE, offset=first).items
    if not found:
        st.caption("No request fits these filters." if state or error else "No requests yet.")
        return
    _table(found, "Document" if row.asks_documents else "Request", several_models=bool(row.former))
    if pages > 1:
        st.caption(f"{first + 1:,} to {first + len(found):,} of {number:,}.")


def _table(found: Sequence[RequestRow], name: str, *, several_models: bool) -> None:
    st.dataframe(
        grids.table(grids.columns([name, *COLUMNS, "Model"], [_cells(one) for one in found])),
        column_order=None if several_models else [name, *COLUMNS],
        hide_index=True,
        column_config={
            name: st.column_config.TextColumn(width=240),
            "Sent": st.column_config.NumberColumn(format="localized", help="How often it went out", width=60),
            "Error": st.column_config.TextColumn(width=420),
        },
        height=min(38 + 35 * len(found), 640),
    )


def _cells(one: RequestRow) -> tuple[str, str, str, int, str, str, str]:
    return (
        one.document_name or one.custom_id,
        one.state.replace("_", " ") + (", reused" if one.reused else ""),
        one.lane,
        one.attempts,
        one.error_message or (one.error_code or "").replace("_", " "),
        one.provider_batch or "",
        one.model,
    )
