"""The first page: figures, running jobs, newest insights, what needs attention; first steps on a fresh machine."""

from collections.abc import Sequence

import streamlit as st

from core import overview
from core.access import roles
from core.insights import report as insights_report
from core.jobs import report as jobs_report
from core.jobs.report import JobRow
from core.overview import SPEND_DAYS, Overview
from core.runtime import db
from core.tables.jobs import GOING
from pages.common import failures, formats, widgets
from pages.overview import attention
from pages.overview.first_steps import first_steps
from pages.words import quotes

SHOWN = 8  # insights
JOBS, MOST_JOBS = 5, 50

st.title("Overview")
failures.show_notice()


def figures() -> Overview:
    return overview.read(formats.utc_now())


def jobs_at_work() -> Sequence[JobRow]:
    return jobs_report.find(state=(*GOING, "paused"), limit=MOST_JOBS).items


with db.side_by_side() as group:
    now_found = group.read(figures)
    at_work = group.read(jobs_at_work)
    newest = group.read(insights_report.newest, SHOWN)
    wrong = attention.read(group)


@failures.live(3)
def tiles() -> None:
    found, jobs = db.read(figures), db.read(jobs_at_work)
    spent = [float(day) for day in found.spent]
    with widgets.tiles():
        documents = f"of {found.documents:,}" if found.documents else None
        widgets.figure("Documents ready", found.ready, documents, "documents/documents.py")
        running = f"of {found.jobs:,}" if found.jobs else None
        widgets.figure("Jobs running", found.running_jobs, running, "jobs/jobs.py")
        most = overview.MOST_INSIGHTS
        sign = "+" if found.new_insights > most else ""
        new = f"{min(found.new_insights, most):,}{sign} today" if found.new_insights else None
        shown, more = min(found.insights, most), found.insights > most
        widgets.figure("Insights", shown, new, "insights/insights.py", or_more=more)
        # Of all people: whoever may not see those sees their own on Costs.
        if roles.may("usage.read_all"):
            with widgets.tile("Spent today", "costs/costs.py"):
                st.metric(
                    "Spent today",
                    formats.money_of(found.spent_today, found.unpriced_today),
                    label_visibility="collapsed",
                    # One day alone would look like a scroll bar.
                    chart_data=spent if sum(map(bool, spent)) > 1 else None,
                    chart_type="bar",
                    help=f"Usage records since 00:00 UTC; the bars are the last {SPEND_DAYS} days.",
                )
    if found.unpriced_today:
        calls_today = formats.count(found.unpriced_today, "call")
        st.warning(f"Without a known price, and not in what was spent today: {calls_today}.")
    for job in [job for job in jobs if job.state in GOING][:JOBS]:
        label = f"{formats.plain(job.name)}: {job.done:,} of {job.total:,}"
        widgets.link(label, "job/job.py", ":material/play_circle:", id=job.id)
        st.progress(job.done / max(job.total, 1))
    if found.extracting:
        st.caption(f"{formats.count(found.extracting, 'document')} being read.")


tiles()
if now_found.found.insights == 0:
    first_steps(now_found.found)

left, right = st.columns([3, 2], gap="medium")
with left:
    st.header("Newest insights")
    with widgets.lines("newest"):
        for insight in newest.found:
            where = f"in {formats.count(insight.support, 'document')}" if insight.support else quotes.NO_SUPPORT
            unbroken = where.replace(" ", "\N{NO-BREAK SPACE}")
            label = f"{formats.plain(insight.words)} :gray[·\N{NO-BREAK SPACE}{unbroken}]"
            widgets.link(label, "insight/insight.py", id=insight.id)
    if newest.found:
        widgets.link("All insights", "insights/insights.py", ":material/arrow_forward:")
    if not newest.found:
        st.caption("None yet. They appear here as jobs are answered.")
with right:
    attention.show(wrong, now_found.found, at_work.found, formats.utc_now())
