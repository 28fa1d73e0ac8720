"""One job: its actions, what its state means, progress, cost, failures; in tabs its answers, requests and batches."""

from functools import partial

import streamlit as st

from core.access import keys
from core.asking import templates
from core.asking.templates import TemplateView
from core.documents import report as documents_report
from core.documents import warnings
from core.errors import NotFound
from core.insights import report as insights
from core.insights.report import Filters
from core.jobs import looked_at, report
from core.jobs.report import JobRow
from core.runtime import db
from pages.common import failures, formats, widgets
from pages.job import actions, changes, header
from pages.job import batches as job_batches
from pages.job import requests as job_requests
from pages.job import verdicts as job_verdicts
from pages.parts import answers, job_actions
from pages.words import instructions
from pages.words.jobs import JOBS_LINK

LONGEST_TITLE = 80
ANSWERS = "Answers"


def all_jobs() -> None:
    widgets.link("All jobs", "jobs/jobs.py", ":material/arrow_back:", **st.session_state.get(JOBS_LINK, {}))


def job_and_template(job_id: str) -> tuple[JobRow, TemplateView | None]:
    job = report.get(job_id)
    return job, None if job.template is None else templates.get(job.template)


job_id = st.query_params.get("id", "")
try:
    with db.side_by_side() as group:
        found = group.read(job_and_template, job_id)
        read = group.read(documents_report.sum_up_job, job_id)
        in_quarantine = group.read(insights.count, Filters(job=job_id, quarantined=True, state="new"))
        header.read(group, job_id)
        group.ahead(looked_at.is_unread, job_id)
        group.ahead(keys.any_made)  # for links to files
        if st.session_state.get("tab", ANSWERS) == ANSWERS:
            answers.read(group, job_id)
except NotFound as error:
    st.title("Job")
    st.info(formats.plain(error.message) if job_id else "This link names no job.")
    failures.offer_workspace(job_id)
    all_jobs()
    st.stop()

job, template = found.found
st.set_page_config(page_title=f"{job.name[:LONGEST_TITLE]} · Cairn")
all_jobs()
st.title(formats.plain(job.name))
if job.description:
    st.markdown(formats.plain(job.description))
failures.show_notice()
widgets.came_by(job.name, "job/job.py", id=job_id)
# Outside of the fragment: its next run would close a dialog that was opened in it.
actions.show(job, template)
for sentence in warnings.sum_up(read.found):
    st.caption(f":material/content_cut: {formats.plain(sentence)}")

if waiting := in_quarantine.found.count:
    narrowed = {"job": job_id, "quarantine": instructions.IN_QUARANTINE}
    widgets.link(instructions.of_job(waiting), "insights/insights.py", ":material/shield:", **narrowed)

TABS = ["Verdicts"] if job.judges else [ANSWERS]
if template is not None and template.insights:
    TABS.append("Insights")
TABS += ["Requests", "Provider batches", "Timeline"]


# For the first run of what is below, which is this one.
just_read = [job]


@failures.live(None if job.ended else 2)
def live() -> None:
    row = just_read.pop() if just_read else report.get(job_id)
    if row.state != job.state or job_actions.offered(row) != job_actions.offered(job):
        st.rerun()
    header.header(row)
    header.failures_by_reason(row)
    parts = {
        ANSWERS: partial(answers.show, job_id, ended=row.ended),
        "Verdicts": partial(job_verdicts.show, row),
        "Insights": partial(changes.show, job_id),
        "Requests": partial(job_requests.show, row),
        "Provider batches": partial(job_batches.show, row),
        "Timeline": partial(header.timeline, job_id),
    }
    for name, tab in zip(TABS, st.tabs(TABS, key="tab", bind="query-params"), strict=True):
        if tab.open:
            with tab:
                parts[name]()


live()
if job.ended:
    looked_at.note(job_id)
