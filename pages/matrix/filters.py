"""Which matrix is shown, what it is narrowed to and ordered by: all of it in the link."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import streamlit as st

from core.asking.templates import TemplateView
from core.documents import report as documents_report
from core.errors import NotFound
from core.exports.columns import FormatName
from core.fields import FieldSpec
from core.insights.matrix import Wanted
from core.jobs import report as jobs_report
from pages.common import api_links, formats, widgets
from pages.words import matrix


@dataclass(frozen=True)
class Chosen:
    """`link`: the filters as they stand in a link to the page."""

    wanted: Wanted
    fields: Sequence[FieldSpec]
    link: dict[str, str | None]

    def address(self, format_: FormatName) -> str:
        """Of all rows as a file."""
        wanted = self.wanted
        given = [("format", format_), *(("where", f"{name}:{value}") for name, value in wanted.where)]
        named = {"collection": wanted.collection, "job": wanted.job, "evidence": wanted.evidence, "sort": wanted.sort}
        given += [(name, value) for name, value in named.items() if value]
        return api_links.link(f"templates/{wanted.template}/matrix?{urlencode(given)}")


def show(templates: Sequence[TemplateView]) -> Chosen:
    by_id = {template.id: template for template in templates}
    with widgets.tiles():
        # The first is the oldest: it stays the first, though it does not stand in the link.
        chosen = st.selectbox(
            "Template", list(by_id), 0, lambda one: by_id[one].name, key="template", bind="query-params"
        )
        template = by_id[chosen]
        names = documents_report.collection_names()
        collection = st.selectbox(
            "Collection", names, index=None, placeholder="All", key="collection", bind="query-params"
        )
        where, value = _where(template.fields)
        evidence = st.selectbox("Quotes", list(matrix.EVIDENCE), key="quotes", bind="query-params")
        order = st.selectbox("Order", matrix.sorts(template.fields), key="order", bind="query-params")
        sort = None if order == matrix.NEWEST else order
        down = st.checkbox("Descending", key="down", bind="query-params", disabled=sort is None)
    job = _job()
    link = {
        "template": template.name,
        "collection": collection,
        "field": where[0][0] if where else None,
        value: where[0][1] if where else None,
        "quotes": None if matrix.EVIDENCE[evidence] is None else evidence,
        "order": sort,
        "down": "true" if down else None,
        "job": job,
    }
    by = f"-{sort}" if sort and down else sort
    wanted = Wanted(template.id, collection, job, tuple(where), matrix.EVIDENCE[evidence], by)  # type: ignore[arg-type]
    return Chosen(wanted, template.fields, link)


def _where(fields: Sequence[FieldSpec]) -> tuple[list[tuple[str, str]], str]:
    """A field and what its value has to be, and the name of that in the link."""
    by_name = {field.name: field for field in fields}
    name = st.selectbox("Field", list(by_name), None, placeholder="Any", key="field", bind="query-params")
    field = by_name.get(name or "")
    options = None if field is None else {"choice": field.choices, "boolean": matrix.BOOLEANS}.get(field.type)
    if options:
        kind = "choice"
        value = st.selectbox("Value", options, None, placeholder="Any", key=kind, bind="query-params")
    else:
        kind = "value"
        hint = matrix.HINTS.get(field.type, "") if field else ""
        value = st.text_input("Value", key=kind, bind="query-params", placeholder=hint, disabled=field is None)
    return [(name, value)] if name and value else [], kind


def _job() -> str | None:
    job = st.query_params.get("job") or None
    if job:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Answers of one job alone: {formats.plain(_name_of(job))}")
            st.button("Of all jobs", type="tertiary", on_click=_of_all_jobs)
    return job


def _name_of(job: str) -> str:
    try:
        return jobs_report.get(job).name
    except NotFound:
        return job


def _of_all_jobs() -> None:
    st.query_params.pop("job", None)
