"""A draft of custom requests that waits to be launched: its figures and its price in both lanes."""

import streamlit as st

from core.asking.request_plan import OWN_OUTPUT_TOKENS
from core.errors import NotFound
from core.jobs import deletion, own_requests, report
from core.jobs import launch as jobs_launch
from core.jobs.launch import Lane
from core.jobs.report import JobRow
from core.settings import provider_rows
from pages.common import failures, formats, widgets
from pages.parts import launch as parts_launch


def draft(job_id: str) -> JobRow | None:
    """The draft; None if this job is not a draft of custom requests."""
    try:
        job = report.get(job_id)
    except NotFound:
        return None
    return job if job.state == "draft" and job.template is None and job.total else None


def show_draft(job: JobRow) -> None:
    found = own_requests.forecast(job.id, formats.utc_now())
    lane: Lane = "live" if job.lane == "live" else "batch"
    with st.container(border=True):
        st.header("Before you launch")
        st.caption(
            formats.plain(
                f"{job.name} · {provider_rows.label(job.provider)} · {job.model} · {parts_launch.LANES[lane]}"
            )
        )
        with st.grid(3, min_column_width=170):
            st.metric("Requests", f"{found.requests:,}")
            st.metric("Known already", f"{found.reused:,}", help="Answered before, or twice in this job: free.")
            st.metric("Input tokens", f"~{found.input_tokens:,}")
            st.metric("Output tokens", f"~{found.output_tokens:,}")
            st.metric("Live, about", parts_launch.price(found.cost_live))
            saving = parts_launch.saving(found.cost_live, found.cost_batch)
            st.metric("Batch, about", parts_launch.price(found.cost_batch), saving, delta_color="inverse")
        st.caption(
            "A rough estimate: a token is taken to be four bytes of a request's texts, and an answer to have "
            f"{OWN_OUTPUT_TOKENS} tokens."
        )
        if lane == "batch":
            st.caption(formats.plain(parts_launch.turnaround(job.provider, job.model)))
        confirmed = parts_launch.confirmed(job.provider, job.estimate_usd)
        with st.container(horizontal=True):
            cost = found.cost_live if lane == "live" else found.cost_batch
            launch = parts_launch.label(f"Launch {formats.count(found.requests, 'request')}", job.provider, cost)
            if st.button(launch, type="primary", disabled=not confirmed):
                jobs_launch.start(job.id, confirmed=confirmed)
                widgets.go("job/job.py", id=job.id)
            st.button("Discard", on_click=lambda: discard(job.id))


def discard(job_id: str) -> None:
    failures.attempt(lambda: deletion.delete(job_id), "Discarded: nothing was sent.")
    st.query_params.pop("job", None)
