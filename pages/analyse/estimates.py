"""What a job would be before it is launched: its figures, its price in both lanes, and what to know about it."""

from dataclasses import replace
from decimal import Decimal

import streamlit as st

from core.budgets import fitting
from core.budgets.taken import Taken
from core.documents import report, warnings
from core.documents.report import Filters, SumUp
from core.errors import CairnError
from core.jobs import launch, past_error
from core.jobs.launch import Estimate, JobSpec, Lane
from core.runtime import db
from core.settings import provider_rows
from pages.common import failures, formats, widgets
from pages.common.formats import Markdown
from pages.parts import launch as parts_launch
from pages.words.documents import IN_TEXT

LANES: tuple[Lane, ...] = ("live", "batch")


def of(spec: JobSpec) -> Estimate | None:
    """The estimate; None, with the reason on the page, while the choice is not complete."""
    if not (spec.collection or spec.documents):
        st.info("Choose at least one document.")
        return None
    if spec.template == "qa" and not spec.params["question"].strip():
        st.info("Type the question that every document is to answer.")
        return None
    with db.side_by_side() as group:
        tried = group.read(_estimate, spec)
        group.ahead(_counting, spec)
        group.ahead(past_error.read, spec.template, spec.provider, spec.model or "")
    if isinstance(tried.found, CairnError):
        st.info(formats.plain(tried.found.message))
        return None
    return tried.found


def _estimate(spec: JobSpec) -> Estimate | CairnError:
    try:
        return launch.estimate(spec, formats.utc_now())
    except CairnError as error:
        return error


def _counting(spec: JobSpec) -> list[Taken]:
    """The budgets that it would count for."""
    return fitting.counting(spec.provider, spec.template, spec.collection, spec.documents, formats.utc_now())


def show(estimate: Estimate, spec: JobSpec) -> None:
    with st.grid(2, min_column_width=130):
        st.metric("Requests", f"{estimate.requests:,}")
        st.metric("Known already", f"{estimate.reused:,}", help="These answers are reused and cost nothing.")
        so_far = " so far" if estimate.waiting else ""
        st.metric("Input tokens", f"{estimate.input_tokens:,}{so_far}")
        st.metric("Output tokens", f"~{estimate.output_tokens:,}{so_far}")
        parts_launch.prices(estimate)
    _caveats(estimate, spec)


def _caveats(estimate: Estimate, spec: JobSpec) -> None:
    model = formats.plain(spec.model or "")
    for sentence in estimate.warnings:
        st.warning(formats.plain(sentence), icon=":material/tune:")
    for sentence in warnings.sum_up(estimate.read):
        st.warning(formats.plain(sentence), icon=":material/content_cut:")
    if spec.collection:
        _links(spec.collection, estimate.read)
    if estimate.waiting:
        st.caption(f"Still being read: {formats.count(estimate.waiting, 'document')}. The job waits.")
    if estimate.split:
        long = formats.count(estimate.split, "document")
        st.caption(
            f"Longer than {model} reads at once: {long}. Each is asked in parts, whose answers are merged; that makes "
            "more requests than documents."
        )
    if estimate.too_long:
        long = formats.count(estimate.too_long, "document")
        st.warning(f"Too long for {model}, and bound to fail: {long}. Choose a larger model.")
    if not estimate.requests:
        st.info("None of these documents could be read. The Documents page says why.")
    if provider_rows.can(spec.provider).is_language_model:
        said = "An estimate: tokens are counted by OpenAI's tokenizer, output is what such answers usually take."
        st.caption(f"{said}{_past(spec)}")
    _budgets(estimate, spec)


def _past(spec: JobSpec) -> Markdown:
    found = db.read(past_error.read, spec.template, spec.provider, spec.model or "")
    if found is None:
        return ""
    return (
        f" Of the last {formats.count(found.jobs, 'job')} like this, half cost within {found.p50:.0%} of the estimate, "
        f"nine of ten within {found.p90:.0%}."
    )


def _budgets(estimate: Estimate, spec: JobSpec) -> None:
    """Those that such a job would wait for."""
    counting = db.read(_counting, spec)
    for lane in LANES:
        for fit in fitting.fits(counting, estimate.cost(lane)):
            if not fit.fits:
                left = formats.money(max(fit.left_usd, Decimal(0)))
                said = f"As a {formats.plain(lane)} job it would wait: a budget has {left} left this month."
                st.warning(said, icon=":material/savings:")
                break


def _links(collection: str, read: SumUp) -> None:
    """To the documents that were read in part, and to those of which that is not known: they can be read again."""
    page, icon = "documents/documents.py", ":material/arrow_forward:"
    if read.read_in_part:
        widgets.link("Show those read in part", page, icon, collection=collection, warnings=IN_TEXT["true"])
    if read.not_known:
        widgets.link(
            "Show those where this is not known", page, icon, collection=collection, warnings=IN_TEXT["unknown"]
        )


def first_three(spec: JobSpec, template: str) -> JobSpec:
    """The spec for at most three of its documents. `template` is the template's name."""
    ids = spec.documents or tuple(
        row.id for row in report.find(Filters(collection=spec.collection, state="ready"), limit=3).items
    )
    return replace(spec, collection=None, documents=tuple(ids)[:3], name=f"Try: {template}")


def launched(spec: JobSpec) -> str | None:
    """Make the job and return its id; None, with the reason on the page, if that fails."""
    try:
        return launch.create(spec, formats.utc_now())
    except CairnError as error:
        failures.show_failure(error.message, error.code)
        return None
