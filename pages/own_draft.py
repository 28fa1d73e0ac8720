"""Own requests that are taken and wait to be launched: what they are, and what they cost in either lane."""

from datetime import timedelta

import streamlit as st

from core import imports, jobs
from core.errors import NotFound
from core.jobs import Lane
from core.packing import OWN_OUTPUT_TOKENS
from core.reports import jobs as report
from core.reports.jobs import JobRow
from pages import widgets

LANES: dict[Lane, str] = {"batch": "Batch: half price, within 24 hours", "live": "Live: now"}
PRICES: dict[Lane, str] = {"batch": "As a batch, about", "live": "Live, about"}


def draft(job_id: str) -> JobRow | None:
    """None where there is no job of own requests that waits to be launched."""
    try:
        job = report.get(job_id)
    except NotFound:
        return None
    return job if job.state == "draft" and job.template is None and job.total else None


def show_draft(job: JobRow) -> None:
    found = imports.forecast(job.id, widgets.utc_now())
    chosen: Lane = "live" if job.lane == "live" else "batch"
    with st.container(border=True):
        st.subheader("Before you launch")
        st.caption(widgets.plain(f"{job.name} · {widgets.PROVIDERS[job.provider]} · {job.model} · {LANES[chosen]}"))
        with st.grid(3, min_column_width=170):
            st.metric("Requests", f"{found.requests:,}")
            st.metric("Known already", f"{found.reused:,}", help="Answered before, or twice in this job: free.")
            st.metric("Input tokens", f"~{found.input_tokens:,}")
            st.metric("Output tokens", f"~{found.output_tokens:,}")
            for lane, label in PRICES.items():
                cost = found.cost(lane)
                said = "no price known" if cost is None else widgets.money(cost)
                st.metric(label, said, "chosen" if lane == chosen else None, delta_color="off", delta_arrow="off")
        st.caption(
            "A rough estimate: a token is taken to be four bytes of a request's texts, and an answer to have "
            f"{OWN_OUTPUT_TOKENS} tokens."
        )
        if chosen == "batch":
            turnaround(job)
        with st.container(horizontal=True):
            if st.button(f"Launch {widgets.count(found.requests, 'request')}", type="primary"):
                jobs.start(job.id)
                st.switch_page("job.py", query_params={"id": job.id})
            st.button("Discard", on_click=lambda: discard(job.id))


def turnaround(job: JobRow) -> None:
    took = report.turnaround(job.provider, job.model)
    if took is None:
        return
    now = widgets.utc_now()
    usual, most = (widgets.lasted(now, now + timedelta(seconds=seconds)) for seconds in (took.p50, took.p95))
    st.caption(f"Batches of {widgets.plain(job.model)} took {usual} here, and one in twenty longer than {most}.")


def discard(job_id: str) -> None:
    widgets.attempt(lambda: jobs.delete(job_id), "Discarded: nothing was sent.")
    st.query_params.pop("job", None)
