"""The drawer with one insight: what can be made of it, its evidence, and what stands around it."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from core.errors import NotFound
from core.insights import evidence_report, relations, report
from core.insights.report import InsightRow
from pages.common import failures, formats, widgets
from pages.parts.insight import acting, around, deciding, evidence

# In the link, so that it opens with the drawer.
OPEN = "insight"
PAGE = "insights/insights.py"
QUOTES = 10


def opened() -> str:
    return st.query_params.get(OPEN, "")


def open_(insight_id: str) -> None:
    st.query_params[OPEN] = insight_id


def _close() -> None:
    widgets.dismissed()
    st.query_params.pop(OPEN, None)


@failures.dialog("Insight", position="right", width="medium", on_dismiss=_close)
def drawer(ids: Sequence[str], link: Mapping[str, str | list[str] | None]) -> None:
    """Of the insight that the link names; `ids` are those of the grid, to step through. `link`: the page's filters."""
    _show(ids, link)


def _show(ids: Sequence[str], link: Mapping[str, str | list[str] | None]) -> None:
    insight_id = opened()
    widgets.came_by("Insights", PAGE, **link, insight=insight_id)
    _steps(ids, insight_id)
    failures.show_notice()
    try:
        row = report.get(insight_id)
    except NotFound as error:
        st.info(formats.plain(error.message))
        return
    st.markdown(f"#### {formats.plain(row.words)}")
    if row.head:
        st.info("It was merged into another insight.")
        st.button("Show that one", icon=":material/merge:", on_click=partial(open_, row.head))
        return
    acting.show_done()
    beside = relations.of_insight(row.id)
    around.resemblance(beside)
    deciding.describe(row, formats.utc_now())
    deciding.decide(row)
    around.conflicts(row.id, beside)
    _quotes(row)
    around.wordings(row.merged)


def _steps(ids: Sequence[str], insight_id: str) -> None:
    place = ids.index(insight_id) if insight_id in ids else None
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, icon, step in (("Previous", ":material/chevron_left:", -1), ("Next", ":material/chevron_right:", 1)):
            there = None if place is None or not 0 <= place + step < len(ids) else ids[place + step]
            go = partial(open_, there or insight_id)
            st.button(label, icon=icon, key=f"step{step}", disabled=there is None, on_click=go)
        if place is not None:
            st.caption(f"{place + 1:,} of {len(ids):,} on this page")
        widgets.link("Its own page", "insight/insight.py", ":material/open_in_full:", id=insight_id)


def _quotes(row: InsightRow) -> None:
    found = evidence_report.evidence_in_context([row.id], most=QUOTES)
    evidence.show(found.rows, found.contexts)
    if len(found.rows) == QUOTES:
        total = evidence_report.totals([row.id]).get(row.id, 0)
        if total > QUOTES:
            widgets.link(f"All {total:,} quotes", "insight/insight.py", ":material/format_quote:", id=row.id)
