"""The answers of a job, newest first, each shown by its template's fields."""

from collections.abc import Iterator, Mapping
from typing import Any

import streamlit as st

from core.jobs import requests_report
from core.jobs.requests_report import ResponseRow
from core.runtime import db
from core.runtime.abreast import Group
from pages.common import formats, widgets

ENDINGS = {
    "length": "cut off at the output limit",
    "refusal": "refused by the model",
    "content_filter": "stopped by the provider's content filter",
    "other": "stopped for an unknown reason",
}


AT_ONCE = 10


def read(group: Group, job_id: str) -> None:
    group.ahead(requests_report.responses, job_id, limit=AT_ONCE, cursor=_cursors(job_id, AT_ONCE)[-1])


def _cursors(job_id: str, limit: int) -> list[str | None]:
    return widgets.trail(f"answers-{job_id}", limit)


def show(job_id: str, limit: int = AT_ONCE, *, ended: bool) -> None:
    """A page of `limit` answers, with buttons that turn it. `ended`: no more will come."""
    cursors = _cursors(job_id, limit)
    page = db.read(requests_report.responses, job_id, limit=limit, cursor=cursors[-1])
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
                st.markdown("\n\n".join([*_values(row.result), facts]))
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


def _values(result: Mapping[str, Any]) -> Iterator[formats.Markdown]:
    # Quotes of fields stand in the matrix, with what was found of them in the document.
    shown = [(name, value) for name, value in result.items() if not isinstance(value, dict) and value != []]
    for name, value in shown:
        yield _value(name, value, alone=len(shown) == 1)


def _value(name: str, value: Any, *, alone: bool) -> formats.Markdown:
    title = formats.plain(name.replace("_", " ").capitalize())
    if isinstance(value, list) and value and isinstance(value[0], dict):
        items = "\n".join(_item(one) for one in value)
        return items if alone else f"**{title}**\n{items}"
    if isinstance(value, bool):
        return f"**{title}:** {'yes' if value else 'no'}"
    if isinstance(value, list):
        return f"**{title}**\n" + "\n".join(f"- {formats.plain(str(item))}" for item in value)
    return f"**{title}:** {formats.plain(str(value))}"


def _item(found: dict[str, Any]) -> formats.Markdown:
    """A line of a list, its other fields below it."""
    rest = " · ".join(f"{key}: {found[key]}" for key in found if key not in ("statement", "quote"))
    line = f"- {formats.plain(str(found.get('statement', '')))}"
    return f"{line}  \n  :gray[{formats.plain(rest)}]" if rest else line
