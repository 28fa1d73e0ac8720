"""All jobs: state, progress, counts, cost so far against the estimate."""

import pandas as pd
import streamlit as st

from core.reports import jobs
from core.reports.jobs import JobRow
from pages import widgets

st.title("Jobs")
widgets.show_told()

STATES = ("queued", "running", "cancelling", "completed", "cancelled", "failed")
state = st.selectbox("State", STATES, index=None, placeholder="All", key="state", bind="query-params", width=240)


def frame(rows: tuple[JobRow, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (
                r.name,
                r.state,
                r.done / max(r.total, 1),
                r.failed,
                None if r.unpriced and not r.cost_usd else float(r.cost_usd or 0),
                None if r.estimate_usd is None else float(r.estimate_usd),
                r.created_at,
                r.total,
                r.succeeded,
                r.reused,
                r.model,
            )
            for r in rows
        ],
        columns=[
            "Job",
            "State",
            "Progress",
            "Failed",
            "Cost",
            "Estimate",
            "Started",
            "Requests",
            "Answered",
            "Reused",
            "Model",
        ],
    )


COLUMNS = {
    "Job": st.column_config.TextColumn(width=240),
    "Progress": st.column_config.ProgressColumn(width=90, format="percent", min_value=0, max_value=1, color="blue"),
    "Cost": st.column_config.NumberColumn(format="$%.4f", help="Sum of the job's usage records; – has no known price"),
    "Estimate": st.column_config.NumberColumn(format="$%.4f"),
    "Started": st.column_config.DatetimeColumn(format="distance"),
    "Requests": st.column_config.NumberColumn(format="localized"),
    "Answered": st.column_config.NumberColumn(format="localized"),
    "Reused": st.column_config.NumberColumn(format="localized", help="Answers that were known, for free"),
    "Failed": st.column_config.NumberColumn(format="localized"),
}

page = jobs.find(state=state, limit=100)
busy = any(not row.ended for row in page.items)


@widgets.live(2 if busy else None)
def grid() -> None:
    rows = jobs.find(state=state, limit=100).items
    event = st.dataframe(
        frame(rows),
        hide_index=True,
        column_config=COLUMNS,
        on_select="rerun",
        selection_mode="single-row",
        key=widgets.rows_key("jobs", rows),
        placeholder="–",
        height=min(38 + 35 * len(rows), 640),
    )
    if selected := event["selection"]["rows"]:
        st.switch_page("job.py", query_params={"id": rows[selected[0]].id})
    st.caption("Select a job to open it.")


if page.items:
    grid()
    if page.next_cursor:
        st.caption("The newest 100 are shown. Choose a state to find others.")
elif state:
    st.info(f"No job is {state}.")
else:
    widgets.empty("No jobs yet. A job asks one template of many documents.", "analyse.py", "Analyse documents")
