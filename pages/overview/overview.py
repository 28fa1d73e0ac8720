"""The first page: figures, running jobs, newest insights, what needs attention; first steps on a fresh machine."""

from datetime import timedelta

import streamlit as st

from core import overview
from core.insights import report as insights_report
from core.insights.report import Filters, InsightRow
from core.jobs import report as jobs_report
from core.money import costs
from core.money.stretches import Stretch, midnight
from core.money.sums import UTC_ZONE
from core.tables.jobs import GOING
from pages.common import failures, formats, widgets
from pages.overview import attention
from pages.overview.first_steps import first_steps
from pages.words import quotes

SPEND_DAYS = 14
SHOWN = 8  # insights

st.title("Overview")
failures.show_notice()


def spent_by_day() -> list[float]:
    """USD of each of the last SPEND_DAYS days, today last. A day without a call is 0."""
    at = formats.utc_now()
    days = [(at - timedelta(days=ago)).date() for ago in reversed(range(SPEND_DAYS))]
    with costs.reading() as now:
        found = now.table(["day"], Stretch(midnight(days[0], UTC_ZONE))).rows
    by_day = {row.keys[0]: float(row.sums.cost_usd) for row in found}
    return [by_day.get(day.isoformat(), 0.0) for day in days]


@failures.live(3)
def tiles() -> None:
    found = overview.read(formats.utc_now())
    spent = spent_by_day()
    with widgets.tiles():
        documents = f"of {found.documents:,}" if found.documents else None
        widgets.figure("Documents ready", found.ready, documents, "documents/documents.py")
        running = f"of {found.jobs:,}" if found.jobs else None
        widgets.figure("Jobs running", found.running_jobs, running, "jobs/jobs.py")
        new = f"{found.new_insights:,} today" if found.new_insights else None
        widgets.figure("Insights", found.insights, new, "insights/insights.py")
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
    for job in jobs_report.find(state=GOING, limit=5).items:
        label = f"{formats.plain(job.name)}: {job.done:,} of {job.total:,}"
        widgets.link(label, "job/job.py", ":material/play_circle:", id=job.id)
        st.progress(job.done / max(job.total, 1))
    if found.extracting:
        st.caption(f"{formats.count(found.extracting, 'document')} being read.")


found = overview.read(formats.utc_now())
tiles()
if found.insights == 0:
    first_steps(found)


def newest_insights() -> list[InsightRow]:
    """Those with a quote that was found first; the others fill up."""
    lively = ("new", "confirmed")
    supported = insights_report.find(Filters(state=lively, supported=True), limit=SHOWN).items
    left = SHOWN - len(supported)
    others = insights_report.find(Filters(state=lively, supported=False), limit=left).items if left else ()
    return [*supported, *others]


left, right = st.columns([3, 2], gap="medium")
with left:
    st.subheader("Newest insights")
    newest = newest_insights()
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
    attention.show(found, formats.utc_now())
