"""Ask a question of many documents: choose, see the price in both lanes, try on three, launch."""

from dataclasses import replace

import streamlit as st

from core.asking import templates
from core.documents import report as documents_report
from core.errors import CairnError
from core.jobs import launch as core_jobs
from core.jobs import report as job_report
from core.jobs.launch import Estimate, JobSpec
from core.providers import capabilities
from pages.common import failures, formats, widgets
from pages.parts import choices
from pages.parts import launch as parts_launch
from pages.parts.answers import show_answers

st.title("Analyse")
if st.button("Own requests, from a JSONL file", icon=":material/upload_file:", type="tertiary"):
    widgets.go("own_requests/own_requests.py")
failures.show_notice()

collections = [c for c in documents_report.collections() if c.documents]
if not collections:
    widgets.empty("There are no documents to ask yet.", "documents/documents.py", "Upload documents")
    st.stop()


with st.grid(2, min_column_width=340, gap="medium"):
    left, right = st.container(), st.container(border=True)
with left:
    where = choices.documents(collections)
    known = {template.id: template for template in templates.list_all()}
    asked = st.selectbox(
        "Template", list(known), format_func=lambda i: known[i].name, key="template", bind="query-params"
    )
    template = known[asked]
    st.caption(template.description or formats.plain(template.prompt[:200]))
    params = choices.params(template)
    provider, model = choices.model()
    parts_launch.warn_if_open(provider, model)
    params |= choices.language(template, provider)
    if not capabilities.of(provider).is_language_model and template.id == "sentiment":
        st.caption(
            "Sentiment then goes by a list of English words: in other languages it finds little and says neutral."
        )
    reuse = st.toggle("Reuse answers that are known", value=True, help="The same question of the same text is free.")

spec = JobSpec(template=template.id, provider=provider, model=model, params=params, reuse=reuse, **where)


def estimated() -> Estimate | None:
    """None with the reason on the page where the choice is not complete."""
    if not (where.get("collection") or where.get("documents")):
        st.info("Choose at least one document.")
        return None
    if template.id == "qa" and not params["question"].strip():
        st.info("Type the question that every document is to answer.")
        return None
    try:
        return core_jobs.estimate(spec, formats.utc_now())
    except CairnError as error:
        st.info(error.message)
        return None


def launch(job_spec: JobSpec) -> str | None:
    try:
        return core_jobs.create(job_spec, formats.utc_now())
    except CairnError as error:
        failures.show_failure(error.message, error.code)
        return None


def first_three() -> JobSpec:
    ids = where.get("documents") or tuple(
        row.id for row in documents_report.find(collection=where["collection"], state="ready", limit=3).items
    )
    return replace(spec, collection=None, documents=tuple(ids)[:3], name=f"Try: {template.name}")


def caveats(estimate: Estimate) -> None:
    if estimate.waiting:
        st.caption(f"Still being read: {formats.count(estimate.waiting, 'document')}. The job waits.")
    if estimate.split:
        long = formats.count(estimate.split, "document")
        st.caption(
            f"Longer than {formats.plain(model)} reads at once: {long}. Each is asked in parts, whose answers are "
            "merged; that makes more requests than documents."
        )
    if estimate.too_long:
        long = formats.count(estimate.too_long, "document")
        st.warning(f"Too long for {formats.plain(model)}, and bound to fail: {long}. Choose a larger model.")
    if not estimate.requests:
        st.info("None of these documents could be read. The Documents page says why.")
    if capabilities.of(provider).is_language_model:
        st.caption("An estimate: tokens are counted by OpenAI's tokenizer, output is what such answers usually take.")


with right:
    st.subheader("Before you launch")
    estimate = estimated()
    if estimate is not None:
        with st.grid(2, min_column_width=130):
            st.metric("Requests", f"{estimate.requests:,}")
            st.metric("Known already", f"{estimate.reused:,}", help="These answers are reused and cost nothing.")
            st.metric("Input tokens", f"{estimate.input_tokens:,}")
            st.metric("Output tokens", f"~{estimate.output_tokens:,}")
            parts_launch.prices(estimate)
        caveats(estimate)
        way = parts_launch.choose(estimate, provider, model)
        cost = estimate.cost_live if way.lane == "live" else estimate.cost_batch
        confirmed = parts_launch.confirmed(provider, cost, estimate.waiting)
        spec = replace(spec, confirmed=confirmed)
        with st.container(horizontal=True):
            pressed = st.button(
                f"Launch {formats.count(estimate.requests, 'request')}",
                type="primary",
                disabled=not (estimate.requests and confirmed),
            )
            if pressed and (job_id := launch(replace(spec, **vars(way)))):
                widgets.go("job/job.py", id=job_id)
            if st.button(
                "Try on 3", disabled=not estimate.requests, help="The answers are kept: launching reuses them."
            ):
                st.session_state["try"] = launch(first_three())

if st.session_state.get("try"):
    tried: str = st.session_state["try"]
    ended = job_report.get(tried).ended

    @failures.live(None if ended else 1)
    def trial() -> None:
        job = job_report.get(tried)
        if job.ended and not ended:
            st.rerun()
        st.subheader(f"Tried on {job.total}")
        st.caption(f"{job.done} of {job.total} answered · {formats.money(job.cost_usd)}")
        show_answers(tried, limit=3)

    trial()
