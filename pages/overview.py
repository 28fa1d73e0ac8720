"""Is all well, what is running, what was found last; and the first steps on a fresh machine."""

from datetime import timedelta

import pandas as pd
import streamlit as st

from core import calls
from core.reports import costs, insights, jobs, overview
from pages import widgets
from pages.uploads import load_samples

st.title("Overview")
widgets.show_told()
now = widgets.utc_now()


@widgets.live(3)
def tiles() -> None:
    found = overview.read(widgets.utc_now())
    days = costs.by_day_and_model(now - timedelta(days=14), now + timedelta(days=1))
    spent = pd.DataFrame([(d.day, float(d.cost_usd)) for d in days], columns=["day", "usd"]).groupby("day")["usd"].sum()
    with st.container(horizontal=True):
        st.metric("Documents ready", f"{found.ready:,}", border=True, height="stretch", help=f"of {found.documents:,}")
        st.metric("Jobs running", f"{found.running_jobs:,}", border=True, height="stretch", help=f"of {found.jobs:,}")
        today = f"{found.new_insights:,} today"
        st.metric("Insights", f"{found.insights:,}", today, border=True, height="stretch", delta_color="off")
        st.metric(
            "Spent today",
            widgets.money(found.spent_today),
            border=True,
            height="stretch",
            chart_data=list(spent) if any(spent) else None,
            chart_type="bar",
            help="Usage records since 00:00 UTC; the bars are the last 14 days.",
        )
    if found.unpriced_today:
        st.warning(f"{found.unpriced_today:,} calls of today have no known price and are not in the sum.")
    running = [job for job in jobs.find(limit=50).items if not job.ended and job.state != "draft"]
    for job in running[:5]:
        st.progress(job.done / max(job.total, 1), text=f"{widgets.plain(job.name)}: {job.done:,} of {job.total:,}")
    if found.extracting:
        st.caption(f"{widgets.count(found.extracting, 'document')} being read.")


tiles()
found = overview.read(now)

if found.insights == 0:
    with st.container(border=True):
        st.subheader("First steps")
        done = ":material/check_circle:", ":material/radio_button_unchecked:"
        has_key = len(calls.configured()) > 1
        st.markdown(
            f"{done[not found.documents]} **Documents**: upload your own, or load the samples.\n\n"
            f"{done[not found.jobs]} **Ask**: choose a template on the Analyse page and launch a job.\n\n"
            f"{done[not found.insights]} **Read**: open the insights and click a quote to see it in its document.\n\n"
            f"{done[not has_key]} **A model**: set `OPENAI_API_KEY` or `ANTHROPIC_API_KEY` and start again. "
            "Until then the offline engine answers: free, without a language model, and it says so."
        )
        with st.container(horizontal=True):
            if found.documents == 0 and st.button("Load sample documents", type="primary"):
                widgets.attempt(load_samples, "The sample documents are in the collection “samples”.")
                st.rerun()
            if st.button("Upload documents"):
                st.switch_page("documents.py")
            if found.documents and st.button("Analyse", type="primary"):
                st.switch_page("analyse.py")

left, right = st.columns([3, 2], gap="large")
with left:
    st.subheader("Newest insights")
    newest = insights.find(limit=8).items
    for insight in newest:
        st.markdown(f"{widgets.plain(insight.statement)}")
        st.caption(f"{widgets.count(insight.support, 'document')} · {widgets.ago(insight.last_seen, now)}")
    if newest and st.button("All insights"):
        st.switch_page("insights.py")
    if not newest:
        st.caption("None yet. They appear here as jobs are answered.")
with right:
    st.subheader("Needs attention")
    troubled = overview.troubled_jobs()
    for job in troubled:
        if st.button(f"{job.failed:,} failed in {job.name}", key=job.id, icon=":material/error:"):
            st.switch_page("job.py", query_params={"id": job.id})
    if found.failed_documents and st.button(f"{widgets.count(found.failed_documents, 'document')} could not be read"):
        st.switch_page("documents.py", query_params={"state": "failed"})
    if not troubled and not found.failed_documents:
        st.caption("Nothing. All is well.")
