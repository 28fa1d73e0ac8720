"""The control that exports insights with their quotes: what is ticked, or all that match. It holds a link, and the file
is made when somebody follows it."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from core.exports.columns import FormatName
from core.insights.report import Count, Filters, InsightRow
from pages.common import api_links, formats, widgets
from pages.parts import exporting
from pages.words import insights

ADDRESS = "insights/export"
FOR: dict[FormatName, formats.Markdown] = {
    "csv": "A row for each quote, for any table program.",
    "xlsx": "A row for each quote, as an Excel workbook.",
    "parquet": "A row for each quote, typed, for data tools.",
    "json": "Each insight with its quotes in it, for programs.",
    "md": "A report to read: each insight with its quotes and documents.",
}


def control(rows: Sequence[InsightRow], filters: Filters, total: Count) -> None:
    """`rows`: those that are ticked; without any, all that match the filters."""
    opened = widgets.popover("Export", "export", exporting.ICON, disabled=not total.count)
    if opened is None:
        return
    with opened:
        format_ = exporting.format_("export_format")
        st.caption(FOR[format_])
        alone = filters.supported is False and not rows
        unsupported = st.checkbox(
            "Also what no quote supports, marked as such", alone, disabled=alone, key=f"export_unsupported_{alone}"
        )
        chosen = [row for row in rows if unsupported or row.support]
        if rows and not chosen:
            st.caption("No quote supports what is ticked.")
        else:
            link = address(format_, filters, [row.id for row in chosen], unsupported=unsupported)
            st.link_button(
                _label(chosen, filters, total, unsupported), link, icon=":material/download:", type="primary"
            )


def _label(rows: Sequence[InsightRow], filters: Filters, total: Count, unsupported: bool) -> formats.Markdown:
    if rows:
        return f"Export {formats.count(len(rows), 'insight')}"
    known = unsupported or filters.supported
    return f"Export all {insights.total(total)} that match" if known else "Export all that match"


def address(format_: FormatName, filters: Filters, ids: Sequence[str], *, unsupported: bool) -> str:
    """Of ticked ones the ids are all that counts: what else the filters say, they fit."""
    given: list[tuple[str, str]] = [("format", format_)]
    if unsupported:
        given.append(("unsupported", "true"))
    given += [("id", one) for one in ids] if ids else _query(filters)
    return api_links.link(f"{ADDRESS}?{urlencode(given)}")


def _query(filters: Filters) -> Iterator[tuple[str, str]]:
    """The filters as the API has them."""
    for field in fields(Filters):
        value: Any = getattr(filters, field.name)
        if value in (None, ""):
            continue
        if field.name == "supported":
            yield "evidence", "supported" if value else "unsupported"
        elif isinstance(value, tuple | list):
            yield from ((field.name, str(one)) for one in value)
        elif isinstance(value, datetime):
            yield field.name, value.isoformat()
        else:
            yield field.name, str(value).lower() if isinstance(value, bool) else str(value)
