"""The top of a job's page: state, progress, figures, failures by reason. Also its timeline."""

import html

import streamlit as st

from core.batch import report
from core.calls import breaker_report
from core.jobs import requests_report
from core.jobs.report import JobRow
from core.runtime import db
from core.runtime.abreast import Group
from core.settings import provider_rows
from pages.common import failures, formats, widgets
from pages.parts import kept_until
from pages.words import jobs

REASONS_SHOWN = 3
CELL = "padding:.3rem .8rem .3rem 0;border-bottom:1px solid rgba(128,128,128,.25);vertical-align:top"


def read(group: Group, job_id: str) -> None:
    """Of what is shown of any job."""
    group.ahead(requests_report.left_out, job_id)
    group.ahead(requests_report.failures, job_id)
    group.ahead(report.beyond, job_id)


def header(row: JobRow) -> None:
    now = formats.utc_now()
    with st.container(horizontal=True, vertical_alignment="center"):
        widgets.state_badge(jobs.shown_state(row), jobs.badge(row))
        st.caption(f"{_facts(row)} · {_when(row)}", help=f"Made {formats.exact(row.created_at)}")
    if row.asks_documents and (asked := db.read(requests_report.left_out, row.id)).left_out:
        with st.container(horizontal=True, vertical_alignment="center"):
            words = jobs.left_out(asked.left_out, asked.documents)
            st.markdown(f":orange[:material/block:] {words}", width="content")
            widgets.link("Show", "documents/documents.py", state="failed")
    standing = report.NO_BATCHES if row.ended else _standing(row)
    breaker = breaker_report.not_closed().get((row.provider, row.model)) if jobs.waits_for_breaker(row) else None
    words = "\n\n".join(formats.plain(line) for line in jobs.meaning(row, standing, now, breaker))
    if jobs.waits_for_breaker(row):
        st.warning(words, icon=":material/hourglass_top:")
    else:
        st.markdown(words)
    if row.temperature_unused:
        st.caption(f":material/tune: {formats.plain(jobs.without_temperature(row))}")
    progress(row)
    _tiles(row)
    if row.unpriced:
        st.warning(f"Without a known price, and not in the cost: {formats.count(row.unpriced, 'call')}.")
    for extra in db.read(report.beyond, row.id):
        st.caption(f":material/receipt_long: {formats.plain(jobs.accounted(extra))}")


def _standing(row: JobRow) -> report.BatchSummary:
    return report.summary(row.id, row.provider if jobs.waits_for_caps(row) else None)


def _facts(row: JobRow) -> formats.Markdown:
    half = row.lane == "batch" and provider_rows.can(row.provider).is_billed
    lane = "batch, half price" if half else row.lane
    provider = provider_rows.label(row.provider)
    params = ", ".join(f"{name}: {value}" for name, value in {**row.params, **jobs.sampled(row)}.items())
    models = [*(one["model"] for one in row.former), row.model]
    parts = [row.template_name or "custom requests", params, ", then ".join(models), provider, lane]
    return formats.plain(" · ".join(part for part in parts if part))


def _when(row: JobRow) -> formats.Markdown:
    now, begun = formats.utc_now(), row.started_at or row.created_at
    if row.ended and row.finished_at is not None:
        ended = f"ended {formats.ago(row.finished_at, now)}, took {formats.lasted(begun, row.finished_at)}"
        return " · ".join(filter(None, (ended, kept_until.job(row.finished_at, now))))
    return f"{'started' if row.started_at else 'made'} {formats.ago(begun, now)}"


def progress(row: JobRow) -> None:
    """A bar with a colour for each state, and the same in words below it."""
    shares = (
        (row.succeeded, "answered", "#2f9e5b"),
        (row.failed, "failed", "#d9483b"),
        (row.cancelled, "cancelled", "#d98a2b"),
        (row.done_there, "done at the provider", "#3b82d9"),
        (row.in_flight - row.done_there, "under way", "#3b82d966"),
        (row.pending, "waiting", "transparent"),
    )
    words = (
        " · ".join(f"{number:,} {formats.plain(label)}" for number, label, _ in shares if number) or "no requests yet"
    )
    bar = "".join(
        f"<div style='flex:{number:d};background:{html.escape(colour)};min-width:3px' "
        f"title='{number:,} {html.escape(label)}'></div>"
        for number, label, colour in shares
        if number
    )
    style = "display:flex;gap:2px;height:.6rem;border-radius:.3rem;overflow:hidden;background:rgba(128,128,128,.25)"
    st.html(f"<div role='img' aria-label='{html.escape(words)}' style='{style}'>{bar}</div>")
    st.caption(f"{row.done:,} of {formats.count(row.total, 'request')} ended: {words}" if row.total else words)


def _tiles(row: JobRow) -> None:
    of_documents = requests_report.failed_documents(row.id) if row.failed and row.asks_documents else 0
    with widgets.tiles():
        widgets.figure("Answered", row.succeeded, f"{row.reused:,} reused, free" if row.reused else None)
        widgets.figure("Failed", row.failed, jobs.of_documents(row.failed, of_documents) if row.failed else None)
        estimate = "no estimate" if row.estimate_usd is None else f"{formats.money(row.estimate_usd)} estimated"
        st.metric(
            "Cost" if row.ended else "Cost so far",
            formats.money_of(row.cost_usd, row.unpriced),
            estimate,
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
        )
        widgets.figure("Tokens", row.input_tokens + row.output_tokens)


def failures_by_reason(row: JobRow) -> None:
    """Failed requests by reason, with the job's correlation id. A button leads to the requests of each reason."""
    found = db.read(requests_report.failures, row.id)
    if not found:
        if row.error or row.waits_for:
            failures.show_reference(row.correlation_id)
        return
    with st.container(border=True, gap="xsmall"):
        for failure in found[:REASONS_SHOWN]:
            told = f":red[:material/error:] **{jobs.failed(failure)}** {formats.plain(jobs.cause(failure))}"
            with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
                st.markdown(told, width="stretch")
                st.button("Show", key=f"show-{failure.code}", on_click=_filter_by, args=(failure.code,))
        if rest := found[REASONS_SHOWN:]:
            number = sum(failure.requests for failure in rest)
            st.caption(f"{number:,} more failed, for {formats.count(len(rest), 'other reason')}: see Requests.")
        failures.show_reference(row.correlation_id)


def _filter_by(code: str) -> None:
    if st.session_state.get("tab") != "Requests":
        # The filter is not on the page yet: setting its state would not bring it into the link.
        st.query_params["error"] = code
    st.session_state.update(tab="Requests", request_state=None, error=code, page=1)


def timeline(job_id: str) -> None:
    """The job's events, newest first, in the reader's time zone. Long messages wrap."""
    page = requests_report.events(job_id, limit=200)
    lines = "".join(
        f"<tr><td style='{CELL};white-space:nowrap;opacity:.7' title='{html.escape(formats.exact(event.time))}'>"
        f"{html.escape(formats.time(event.time, seconds=True))}</td>"
        f"<td style='{CELL};overflow-wrap:anywhere'>{html.escape(event.message)}</td></tr>"
        for event in page.items
    )
    st.html(f"<table style='border-collapse:collapse;width:100%'>{lines}</table>")
    st.caption(
        f"Times are in {formats.plain(formats.zone().key)}."
        + (" The newest 200 are shown." if page.next_cursor else "")
    )
