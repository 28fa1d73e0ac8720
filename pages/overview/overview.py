"""The first page: figures, running jobs, newest insights, what needs attention; first steps on a fresh machine."""

import streamlit as st

from core import overview
from core.access import roles
from core.insights import report as insights_report
from core.jobs import report as jobs_report
from core.overview import SPEND_DAYS
from core.tables.jobs import GOING
from pages.common import failures, formats, widgets
from pages.overview import attention
from pages.overview.first_steps import first_steps
from pages.words import quotes

SHOWN = 8  # insights
JOBS, MOST_JOBS = 5, 50

st.title("Overview")
failures.show_notice()


# Read once for all parts of a run; when the tiles run again by themselves they read anew.
found = overview.read(formats.utc_now())
at_work = jobs_report.find(state=(*GOING, "paused"), limit=MOST_JOBS).items
just_read = [(found, at_work)]


@failures.live(3)
def tiles() -> None:
    found, jobs = (
        just_read.pop()
        if just_read
        else (overview.read(formats.utc_now()), jobs_report.find(state=GOING, limit=JOBS).items)
    )
    spent = [float(day) for day in found.spent]
    with widgets.tiles():
        documents = f"of {found.documents:,}" if found.documents else None
        widgets.figure("Documents ready", found.ready, documents, "documents/documents.py")
        running = f"of {found.jobs:,}" if found.jobs else None
        widgets.figure("Jobs running", found.running_jobs, running, "jobs/jobs.py")
        new = f"{found.new_insights:,} today" if found.new_insights else None
        widgets.figure("Insights", found.insights, new, "insights/insights.py")
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
if found.insights == 0:
    first_steps(found)

left, right = st.columns([3, 2], gap="medium")
with left:
    st.header("Newest insights")
    newest = insights_report.newest(SHOWN)
    with widgets.lines("newest"):
        for insight in newest:
            where = f"in {formats.count(insight.support, 'document')}" if insight.support else quotes.NO_SUPPORT
            unbroken = where.replace(" ", "\N{NO-BREAK SPACE}")
            label = f"{formats.plain(insight.words)} :gray[·\N{NO-BREAK SPACE}{unbroken}]"
            widgets.link(label, "insight/insight.py", id=insight.id)
    if newest:
        widgets.link("All insights", "insights/insights.py", ":material/arrow_forward:")
    if not newest:
        st.caption("None yet. They appear here as jobs are answered.")
with right:
    attention.show(found, at_work, formats.utc_now())
