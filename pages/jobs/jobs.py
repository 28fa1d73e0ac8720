"""All jobs, in both lanes: state, progress, counts, cost so far beside the estimate. The filters stand in the link."""

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from core.jobs import report
from core.jobs.report import JobRow
from core.runtime.paging import MOST, Page
from core.tables.jobs import ACTIVE, STATES
from pages.common import failures, formats, grids, widgets
from pages.jobs import bulk
from pages.jobs.table import columns, shown
from pages.parts import exporting, kept_until
from pages.words.jobs import JOBS_LINK

PER_PAGE = 100
# In the session: the ids of the jobs that are ticked.
SELECTED = "jobs_selected"

st.title("Jobs")
failures.show_notice()
if rule := kept_until.jobs():
    st.caption(f":material/auto_delete: {rule}")

with st.container(horizontal=True, vertical_alignment="bottom"):
    text = st.text_input("Search", key="q", bind="query-params", placeholder="name, template, model or id", width=320)
    state = st.selectbox(
        "State", ("at work", *STATES), index=None, placeholder="All", key="state", bind="query-params", width=200
    )
    lane = st.selectbox(
        "Lane",
        ("live", "batch"),
        index=None,
        placeholder="Both",
        key="lane",
        bind="query-params",
        width=160,
        help="Live: asked now. Batch: handed over as a file, within a day and mostly at half price.",
    )
filters = (text.strip(), state, lane)
link = {"q": text.strip(), "state": state, "lane": lane}
st.session_state[JOBS_LINK] = {name: value for name, value in link.items() if value}
if st.session_state.get("jobs_filters") != filters:
    st.session_state.update(jobs_filters=filters, jobs_limit=PER_PAGE)
limit = st.session_state["jobs_limit"]


def find(known: Sequence[JobRow] = ()) -> Page[JobRow]:
    states = ACTIVE if state == "at work" else state
    return report.find(text=text.strip(), state=states, lane=lane, limit=limit, known=known)


# For the grid's first run, which is this one.
just_read = [find()]
known = list(just_read[0].items)
busy = any(row.state in ACTIVE for row in known)


def clear() -> None:
    st.session_state[SELECTED] = []
    widgets.select(widgets.rows_key("jobs", known), ())


# Outside of the fragment: its next run would close a dialog that was opened in it.
bulk.show_outcome()
if known:
    states = ACTIVE if state == "at work" else [state]
    selected = st.session_state.get(SELECTED, [])
    with st.container(horizontal=True, vertical_alignment="center"):
        bulk.bar([row for row in known if row.id in selected], clear)
        exporting.table(
            "jobs",
            "jobs/export",
            [*(("state", one) for one in states), ("lane", lane), ("q", text.strip())],
            "A row for each job that fits, with its counts, tokens and cost.",
        )


@failures.live(2 if busy else 10)
def grid() -> None:
    page = just_read.pop() if just_read else find(known)
    known[:] = page.items
    if any(row.state in ACTIVE for row in known) != busy:
        st.rerun()
    if not known:
        nothing()
        return
    key = widgets.rows_key("jobs", page.items)
    if (clicked := widgets.clicked_row(key)) is not None:
        widgets.go("job/job.py", id=known[clicked].id)
    table = shown(page.items)
    event = st.dataframe(
        grids.numbered(table),
        hide_index=False,
        column_config={**grids.ROW_NUMBERS, **columns(table)},
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"],
        selection_default=widgets.ticked(known, st.session_state.get(SELECTED, [])),
        key=key,
        placeholder="–",
        height=min(38 + 35 * len(known), 640),
    )
    ticked = [known[at].id for at in event["selection"]["rows"]]
    if ticked != st.session_state.get(SELECTED, []):
        st.session_state[SELECTED] = ticked
        st.rerun()
    cost = sum((row.cost_usd or Decimal(0) for row in known), Decimal(0))
    requests = formats.count(sum(row.total for row in known), "request")
    listed = f"the newest {len(known):,} jobs" if page.next_cursor else formats.count(len(known), "job")
    unpriced = sum(row.unpriced for row in known)
    beside = f", and {formats.count(unpriced, 'call')} without a known price" if unpriced else ""
    spent = formats.money_of(cost, unpriced)
    st.caption(
        f"Shown: {listed}, {requests}, {spent} so far{beside}. "
        "Click on a job to open it; tick boxes to act on several.",
        help=widgets.BY_KEYBOARD,
    )
    if page.next_cursor and limit < MOST:
        st.button("More", on_click=lambda: st.session_state.update(jobs_limit=min(limit + PER_PAGE, MOST)))
    elif page.next_cursor:
        st.caption("Narrow the filters to find others.")


def nothing() -> None:
    if any(filters):
        st.info("No job fits these filters.")
    else:
        widgets.empty(
            "No jobs yet. A job asks one template of many documents.", "analyse/analyse.py", "Analyse documents"
        )


grid()
