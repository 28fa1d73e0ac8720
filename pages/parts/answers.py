"""The answers of a job, newest first, each shown by its template's fields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.insights import evidence_report
from core.insights.evidence_report import Place
from core.jobs import requests_report
from core.jobs.requests_report import ResponseRow
from core.runtime import db
from core.runtime.abreast import Group
from core.runtime.paging import Page
from pages.common import formats, widgets
from pages.words import quotes

ENDINGS = {
    "length": "cut off at the output limit",
    "refusal": "refused by the model",
    "content_filter": "stopped by the provider's content filter",
    "other": "stopped for an unknown reason",
}


AT_ONCE = 10


@dataclass(frozen=True)
class _Places:
    """Of quotes in one document that have been looked up."""

    document: str
    of_all: Mapping[tuple[str, str], Place]


def read(group: Group, job_id: str) -> None:
    group.ahead(_answers, job_id, AT_ONCE, _cursors(job_id, AT_ONCE)[-1])


def _answers(job_id: str, limit: int, cursor: str | None) -> tuple[Page[ResponseRow], Mapping[tuple[str, str], Place]]:
    """A page of them, and the places of their quotes that have been looked up."""
    page = requests_report.responses(job_id, limit=limit, cursor=cursor)
    quoted = ((row.document, quote) for row in page.items if row.document for quote in _quotes(row.result or {}))
    return page, evidence_report.places(quoted)


def _quotes(result: Mapping[str, Any]) -> Iterator[str]:
    for name, value in result.items():
        for one in value if isinstance(value, list) else ():
            quote = one.get("quote") if isinstance(one, dict) else one if name == "quotes" else None
            if isinstance(quote, str):
                yield quote


def _cursors(job_id: str, limit: int) -> list[str | None]:
    return widgets.trail(f"answers-{job_id}", limit)


def show(job_id: str, limit: int = AT_ONCE, *, ended: bool) -> None:
    """A page of `limit` answers, with buttons that turn it. `ended`: no more will come."""
    cursors = _cursors(job_id, limit)
    page, places = db.read(_answers, job_id, limit, cursors[-1])
    for row in page.items:
        with st.container(border=True):
            gone = "A document that was deleted" if row.document else row.custom_id
            name = f"**{formats.plain(row.document_name or gone)}**"
            if row.document:
                widgets.link(name, "document/document.py", id=row.document)
            else:
                st.markdown(name)
            facts = f":small[:gray[{' · '.join(_facts(row))}]]"
            if row.result is None:
                _raw(row)
                st.markdown(facts)
            else:
                st.markdown("\n\n".join([*_values(row.result, _Places(row.document or "", places)), facts]))
    if not page.items:
        st.caption("No request was answered." if ended else "No answers yet.")
    widgets.turn_pages(cursors, page.next_cursor)


def _facts(row: ResponseRow) -> list[formats.Markdown]:
    parts = [_which_part(row), ENDINGS.get(row.finish_reason, "")]
    parts.append(f"{row.input_tokens + row.output_tokens:,} tokens" if row.input_tokens else "")
    parts.append("reused, free" if row.reused else formats.money(row.cost_usd))
    return [part for part in parts if part]


def _which_part(row: ResponseRow) -> formats.Markdown:
    """Which part of a long document an answer is about: one part, several merged ones, or "" for the whole."""
    if row.document is None or row.custom_id == row.document:
        return ""
    part, aside, _ = row.custom_id.removeprefix(f"{row.document}.").partition("~")
    if aside:
        return "of a part, set aside when the job went on with another model"
    return f"of part {formats.plain(part)}" if part.isdecimal() else "of several parts"


def _raw(row: ResponseRow) -> None:
    if row.usable:
        st.code(row.text, language=None, wrap_lines=True)
        return
    st.warning("This answer could not be used.")
    with st.expander("What the model gave"):
        st.code(row.text or "(empty)", language=None, wrap_lines=True)


def _link(quote: str, places: _Places) -> formats.Markdown:
    return quotes.link_to(places.of_all.get((places.document, quote)), places.document)


def _values(result: Mapping[str, Any], places: _Places) -> Iterator[formats.Markdown]:
    # Quotes of fields stand in the matrix, with what was found of them in the document.
    shown = [(name, value) for name, value in result.items() if not isinstance(value, dict) and value != []]
    for name, value in shown:
        yield _value(name, value, places, alone=len(shown) == 1)


def _value(name: str, value: Any, places: _Places, *, alone: bool) -> formats.Markdown:
    title = formats.plain(name.replace("_", " ").capitalize())
    if isinstance(value, list) and value and isinstance(value[0], dict):
        items = "\n".join(_item(one, places) for one in value)
        return items if alone else f"**{title}**\n{items}"
    if isinstance(value, bool):
        return f"**{title}:** {'yes' if value else 'no'}"
    if isinstance(value, list):
        if name == "quotes":
            return f"**{title}**\n" + "\n".join(
                f"- {formats.plain(str(item))} {_link(str(item), places)}" for item in value
            )
        return f"**{title}**\n" + "\n".join(f"- {formats.plain(str(item))}" for item in value)
    return f"**{title}:** {formats.plain(str(value))}"


def _item(found: dict[str, Any], places: _Places) -> formats.Markdown:
    """A line of a list, its other fields below it."""
    rest = " · ".join(f"{key}: {found[key]}" for key in found if key not in ("statement", "quote"))
    line = f"- {formats.plain(str(found.get('statement', '')))} {_link(str(found.get('quote', '')), places)}"
    return f"{line}  \n  :gray[{formats.plain(rest)}]" if rest else line
