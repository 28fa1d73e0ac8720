"""Ask a question of many documents: choose, see the price in both lanes, try on three, launch."""

from dataclasses import replace

import streamlit as st

from core.asking import templates
from core.calls import breaker_report
from core.documents import report as documents_report
from core.jobs import report as jobs_report
from core.jobs.launch import JobSpec
from core.runtime import db
from core.settings import provider_rows
from pages.analyse import estimates
from pages.common import failures, formats, widgets
from pages.parts import answers, choices, launch

MAKES_INSIGHTS = ":green-badge[makes insights]"
ANSWERS_ONLY = ":gray-badge[answers only]"

st.title("Analyse")
failures.show_notice()

with db.side_by_side() as group:
    counted = group.read(documents_report.collections)
    offered = group.read(templates.list_all)
    group.ahead(breaker_report.not_closed)
collections = [c for c in counted.found if c.documents]
if not collections:
    widgets.empty("There are no documents to ask yet.", "documents/documents.py", "Upload documents")
    st.stop()

with st.grid(2, min_column_width=340, gap="medium"):
    left, right = st.container(), st.container(border=True)
with left:
    where = choices.documents(collections)
    known = {template.id: template for template in offered.found}
    asked = st.selectbox(
        "Template",
        list(known),
        index=list(known).index(templates.FIRST),
        format_func=lambda i: known[i].name,
        key="template",
        bind="query-params",
    )
    template = known[asked]
    about = formats.plain(template.description or template.prompt[:200])
    st.caption(f"{MAKES_INSIGHTS if template.insights else ANSWERS_ONLY} {about}")
    params = choices.params(template)
    provider, model = choices.model()
    launch.warn_if_open(provider, model)
    params |= choices.language(template, provider)
    if not provider_rows.can(provider).is_language_model and template.id == "sentiment":
        st.caption(
            "Sentiment then goes by a list of English words: in other languages it finds little and says neutral."
        )
    sampling = choices.sampling(provider, model)
    reuse = st.toggle("Reuse answers that are known", value=True, help="The same question of the same text is free.")

spec = JobSpec(
    template=template.id, provider=provider, model=model, params=params, reuse=reuse, sampling=sampling, **where
)

with right:
    st.header("Before you launch")
    estimate = estimates.of(spec)
    if estimate is not None:
        estimates.show(estimate, spec)
        way = launch.choose(estimate, spec, provider, model)
        cost = estimate.cost_live if way.lane == "live" else estimate.cost_batch
        confirmed = launch.confirmed(provider, cost, estimate.waiting)
        spec = replace(spec, confirmed=confirmed)
        with st.container(horizontal=True):
            pressed = st.button(
                launch.label(f"Launch {formats.count(estimate.requests, 'request')}", provider, cost, estimate.waiting),
                type="primary",
                disabled=not (estimate.requests and confirmed),
            )
            if pressed and (job_id := estimates.launched(replace(spec, **vars(way)))):
                widgets.go("job/job.py", id=job_id)
            if st.button(
                "Try on 3 documents",
                disabled=not estimate.requests,
                help="The answers are kept: launching reuses them.",
            ):
                st.session_state["try"] = estimates.launched(estimates.first_three(spec, template.name))

if st.session_state.get("try"):
    tried: str = st.session_state["try"]
    ended = jobs_report.get(tried).ended

    @failures.live(None if ended else 1)
    def trial() -> None:
        job = jobs_report.get(tried)
        if job.ended and not ended:
            st.rerun()
        st.header(f"Tried on {job.total:,}")
        st.caption(
            f"{job.done:,} of {job.total:,} answered · {formats.plain(job.model)} · {formats.money(job.cost_usd)}"
        )
        answers.show(tried, limit=3, ended=job.ended)

    trial()
