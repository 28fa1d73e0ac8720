"""One job: progress, cost, failures by reason, answers as they come, and what happened to it."""

import pandas as pd
import streamlit as st

from core import jobs, templates
from core.errors import NotFound
from core.reports import jobs as report
from core.reports.jobs import JobRow
from pages import widgets
from pages.answers import show_answers

job_id = st.query_params.get("id", "")
try:
    job = report.get(job_id)
except NotFound as error:
    st.title("Job")
    st.info(error.message if job_id else "This link names no job.")
    if st.button("All jobs"):
        st.switch_page("jobs.py")
    st.stop()

makes_insights = job.template is not None and templates.get(job.template).insights
st.title(widgets.plain(job.name))
widgets.show_told()


@st.dialog("Cancel this job")
def cancel(row: JobRow) -> None:
    st.markdown(
        f"Cancel **{widgets.plain(row.name)}**? Not sent any more: {widgets.count(row.pending, 'request')}. "
        f"Being answered, still kept and billed: {row.in_flight:,}."
    )
    if st.button("Cancel job", type="primary", on_click=lambda: widgets.attempt(lambda: jobs.cancel(row.id))):
        st.rerun()


@st.dialog("Send again")
def send_again(row: JobRow) -> None:
    count = row.failed + row.cancelled
    st.markdown(
        f"Send **{widgets.count(count, 'request')}** of {widgets.plain(row.name)} again? "
        "Only what failed or was cancelled is sent."
    )
    if row.estimate_usd and row.total:
        st.caption(f"About {widgets.money(row.estimate_usd / row.total * count)} at the estimate of this job.")
    if st.button("Send again", type="primary", on_click=lambda: widgets.attempt(lambda: jobs.retry(row.id))):
        st.rerun()


def facts(row: JobRow) -> str:
    lane = "live, now" if row.lane == "live" else row.lane
    provider = widgets.PROVIDERS.get(row.provider, row.provider)
    params = ", ".join(f"{name}: {value}" for name, value in row.params.items())
    parts = [row.template_name or "", params, row.model, provider, lane]
    return widgets.plain(" · ".join(part for part in parts if part))


def when(row: JobRow) -> str:
    now, begun = widgets.utc_now(), row.started_at or row.created_at
    if not row.ended or row.finished_at is None:
        return f"started {widgets.ago(begun, now)}"
    return f"ended {widgets.ago(row.finished_at, now)}, took {widgets.lasted(begun, row.finished_at)}"


@widgets.live(None if job.ended else 1)
def live() -> None:
    row = report.get(job_id)
    if row.ended and not job.ended:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        widgets.state_badge(row.state)
        st.caption(f"{facts(row)} · {when(row)}")
    st.progress(row.done / max(row.total, 1), text=f"{row.done:,} of {widgets.count(row.total, 'request')} ended")
    with widgets.tiles():
        widgets.figure("Answered", row.succeeded, f"{row.reused:,} reused, free" if row.reused else None)
        widgets.figure("Failed", row.failed)
        estimate = "no estimate" if row.estimate_usd is None else f"{widgets.money(row.estimate_usd)} estimated"
        cost = widgets.money_of(row.cost_usd, row.unpriced)
        st.metric("Cost", cost, estimate, delta_color="off", delta_arrow="off", border=True, height="stretch")
        widgets.figure("Tokens", row.input_tokens + row.output_tokens)
    if row.unpriced:
        st.warning(f"Without a known price, and not in the cost: {widgets.count(row.unpriced, 'call')}.")
    with st.container(horizontal=True):
        if row.state in ("queued", "running", "draft") and st.button("Cancel job", icon=":material/stop_circle:"):
            cancel(row)
        left = row.failed + row.cancelled if row.state != "cancelling" else 0
        if left and st.button(f"Send {left:,} again", icon=":material/replay:"):
            send_again(row)
        if row.succeeded and makes_insights and st.button("Insights"):
            # The filter's part of a link is what it shows, so the name and not the id.
            st.switch_page("insights.py", query_params={"template": row.template_name or ""})
    for failure in report.failures(job_id):
        example = f" For example: {failure.example}." if failure.example else ""
        cause = failure.message or failure.code.replace("_", " ")
        st.error(f"**{failure.requests:,} failed.** {widgets.plain(f'{cause}{example}')}", icon=":material/error:")
    answers, timeline = st.tabs(["Answers", "Timeline"])
    with answers:
        show_answers(job_id)
    with timeline:
        happened = [(e.time, e.kind.replace("_", " "), e.message) for e in report.events(job_id, limit=200).items]
        config = {"When": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss")}
        st.dataframe(pd.DataFrame(happened, columns=["When", "What", "Message"]), hide_index=True, column_config=config)


live()
