"""The first page: figures, running jobs, newest insights, what needs attention; first steps on a fresh machine."""

from collections import defaultdict
from datetime import timedelta

import streamlit as st

from core import overview
from core.health import report as health_report
from core.insights import report as insights_report
from core.insights import review_report
from core.insights.report import Filters
from core.jobs import report as jobs_report
from core.money import costs
from core.tables.jobs import ACTIVE
from pages.common import failures, formats, widgets
from pages.overview.first_steps import first_steps
from pages.words import quotes, review
from pages.words.jobs import waits_for_decision

SPEND_DAYS = 14

st.title("Overview")
failures.show_notice()


def spent_by_day() -> list[float]:
    """USD of each of the last SPEND_DAYS days, today last. A day without a call is 0."""
    now = formats.utc_now()
    by_day: defaultdict[str, float] = defaultdict(float)
    for row in costs.by_day_and_model(now - timedelta(days=SPEND_DAYS), now):
        by_day[row.day] += float(row.cost_usd)
    return [by_day[(now - timedelta(days=ago)).date().isoformat()] for ago in reversed(range(SPEND_DAYS))]


@failures.live(3)
def tiles() -> None:
    found = overview.read(formats.utc_now())
    spent = spent_by_day()
    with widgets.tiles():
        widgets.figure("Documents ready", found.ready, f"of {found.documents:,}" if found.documents else None)
        widgets.figure("Jobs running", found.running_jobs, f"of {found.jobs:,}" if found.jobs else None)
        widgets.figure("Insights", found.insights, f"{found.new_insights:,} today" if found.new_insights else None)
        st.metric(
            "Spent today",
            formats.money_of(found.spent_today, found.unpriced_today),
            border=True,
            height="stretch",
            chart_data=spent if any(spent) else None,
            chart_type="bar",
            help=f"Usage records since 00:00 UTC; the bars are the last {SPEND_DAYS} days.",
        )
    if found.unpriced_today:
        calls_today = formats.count(found.unpriced_today, "call")
        st.warning(f"Without a known price, and not in what was spent today: {calls_today}.")
    for job in jobs_report.find(state=ACTIVE, limit=5).items:
        st.progress(job.done / max(job.total, 1), text=f"{formats.plain(job.name)}: {job.done:,} of {job.total:,}")
    if found.extracting:
        st.caption(f"{formats.count(found.extracting, 'document')} being read.")


found = overview.read(formats.utc_now())
tiles()
if found.insights == 0:
    first_steps(found)


def troubles() -> list[tuple[str, str, dict[str, str]]]:
    """What is wrong: a sentence, the page that helps, and that page's query."""
    wrong: list[tuple[str, str, dict[str, str]]] = []
    if not any(worker.alive for worker in health_report.workers()):
        wrong.append(("No worker is alive: nothing is read or asked", "health/health.py", {}))
    paused = [job for job in jobs_report.find(state="paused", limit=5).items if waits_for_decision(job)]
    wrong += [
        (f"{job.name}: its canary is through, decide on the rest", "job/job.py", {"id": job.id}) for job in paused
    ]
    wrong += [(f"{j.failed:,} failed in {j.name}", "job/job.py", {"id": j.id}) for j in overview.troubled_jobs()]
    if found.failed_documents:
        unread = f"{formats.count(found.failed_documents, 'document')} could not be read"
        wrong.append((unread, "documents/documents.py", {"state": "failed"}))
    if to_review := review.waiting(review_report.open_counts()):
        wrong.append((to_review, "review/review.py", {}))
    return wrong


left, right = st.columns([3, 2], gap="medium")
with left:
    st.subheader("Newest insights")
    newest = insights_report.find(Filters(state=("new", "confirmed")), limit=8).items
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
    st.subheader("Needs attention")
    wrong = troubles()
    with widgets.lines("wrong"):
        for what, page, query in wrong:
            widgets.link(formats.plain(what), page, ":material/error:", **query)
    if not wrong:
        st.caption("Nothing. All is well.")
