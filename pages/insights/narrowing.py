"""Filters that have no field of their own on the page: they stand in the link alone, and are named where they hold."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import streamlit as st

from core.documents import report as documents_report
from core.errors import NotFound
from core.insights.report import Filters
from core.jobs import report as jobs_report
from pages.common import formats

# In the link any number of times, each as name:value.
FIELD = "field"


def _time(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


# Filters of one value, and how each is read from a link: ValueError where it cannot be.
KINDS: Mapping[str, Callable[[str], Any]] = {
    "language": str,
    "min_support": int,
    "min_confidence": float,
    "job": str,
    "document": str,
    "since": _time,
    "until": _time,
}


def _said(name: str, filters: Filters) -> formats.Markdown:
    match name:
        case "language":
            return f"language {formats.plain(filters.language or '')}"
        case "min_support":
            return f"at least {formats.count(filters.min_support or 0, 'document')}"
        case "min_confidence":
            return f"confidence {filters.min_confidence or 0:.0%} and more"
        case "job" | "document":
            by_job = f"found by {_job(filters.job or '')}"
            return by_job if name == "job" else f"from {_document(filters.document or '')}"
    if name == "since" and filters.since:
        return f"first seen from {formats.time(filters.since)} on"
    return f"first seen before {formats.time(filters.until)}" if filters.until else ""


def _job(job_id: str) -> formats.Markdown:
    try:
        return formats.plain(jobs_report.get(job_id).name)
    except NotFound:
        return "a job that is gone"


def _document(document_id: str) -> formats.Markdown:
    found = documents_report.by_ids([document_id])
    return formats.plain(found[0].name) if found else "a document that is gone"


def given() -> Filters:
    """What the link narrows to; what cannot be read there narrows nothing."""
    found: dict[str, Any] = {}
    for name, read in KINDS.items():
        try:
            if text := st.query_params.get(name, ""):
                found[name] = read(text)
        except ValueError:
            continue
    return Filters(**found, field=tuple(one for one in st.query_params.get_all(FIELD) if ":" in one))


def link(filters: Filters) -> dict[str, str | list[str] | None]:
    values = {name: getattr(filters, name) for name in KINDS}
    texts = {name: value.isoformat() if isinstance(value, datetime) else str(value) for name, value in values.items()}
    return {**{name: None if values[name] is None else texts[name] for name in KINDS}, FIELD: list(filters.field)}


def put_all(filters: Filters) -> None:
    """In the place of whatever the link narrowed to."""
    for name, value in link(filters).items():
        put(name, value)


def put(name: str, value: str | list[str] | None) -> None:
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def put_field(name: str, value: str | None) -> None:
    """In the place of another value of that field."""
    others = [one for one in st.query_params.get_all(FIELD) if not one.startswith(f"{name}:")]
    put(FIELD, others if value is None else [*others, f"{name}:{value}"])


def add_word(word: str | None) -> None:
    st.session_state["q"] = f"{st.session_state.get('q') or ''} {word or ''}".strip()


def show(filters: Filters) -> None:
    """What holds, each with a button that takes it back."""
    holding = [name for name in KINDS if getattr(filters, name) is not None]
    if not (holding or filters.field):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Only", width="content")
        for name in holding:
            _taken_back(name, _said(name, filters), partial(put, name, None))
        for one in filters.field:
            field, value = one.split(":", 1)
            _taken_back(one, f"{formats.plain(field)}: {formats.plain(value)}", partial(put_field, field, None))


def _taken_back(key: str, words: formats.Markdown, take_back: Callable[[], None]) -> None:
    st.button(words, icon=":material/close:", key=f"only-{key}", on_click=take_back)
