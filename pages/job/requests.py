"""The requests of a job, by state and by error; both live in the link."""

import pandas as pd
import streamlit as st

from core.jobs import requests_report
from core.jobs.report import JobRow

PER_PAGE = 100
STATES = ("pending", "in_flight", "succeeded", "failed", "cancelled")


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
    found = requests_report.requests(
        row.id, state=state, error=error, limit=PER_PAGE, offset=(page - 1) * PER_PAGE
    ).items
    if not found:
        st.caption("No request fits these filters." if state or error else "No requests yet.")
        return
    name = "Document" if row.template else "Request"
    st.dataframe(
        pd.DataFrame(
            [
                (
                    r.document_name or r.custom_id,
                    r.state.replace("_", " ") + (", reused" if r.reused else ""),
                    r.lane,
                    r.attempts,
                    r.error_message or (r.error_code or "").replace("_", " "),
                    r.provider_batch or "",
                    r.model,
                )
                for r in found
            ],
            columns=[name, "State", "Lane", "Sent", "Error", "Provider batch", "Model"],
        ),
        # Which model is of interest where there is more than one.
        column_order=None if row.former else [name, "State", "Lane", "Sent", "Error", "Provider batch"],
        hide_index=True,
        column_config={
            name: st.column_config.TextColumn(width=240),
            "Sent": st.column_config.NumberColumn(format="localized", help="How often it went out", width=60),
            "Error": st.column_config.TextColumn(width=420),
        },
        height=min(38 + 35 * len(found), 640),
    )
    if pages > 1:
        st.caption(f"{(page - 1) * PER_PAGE + 1:,} to {(page - 1) * PER_PAGE + len(found):,} of {number:,}.")
