"""The tabs of an insight's page: all its evidence, the documents behind it, its merges, and what people did with it."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from core.insights import evidence_report, history, merging
from core.insights.history import Entry
from core.insights.merging import MergeRow
from core.insights.report import InsightRow
from core.runtime import db
from core.runtime.abreast import Group
from core.runtime.paging import Page
from pages.common import formats, grids, widgets
from pages.parts.insight import acting, around, evidence
from pages.words import insights

QUOTES, ENTRIES = 10, 50
TABS = ["Evidence", "Documents", "Merges", "History"]
COLUMNS = {
    "Document": st.column_config.TextColumn(width=320),
    "Quotes": st.column_config.NumberColumn(format="localized", help="Different ones of this insight"),
    "Found there": st.column_config.NumberColumn(format="localized", help="Those that stand in the document"),
    "Answers": st.column_config.NumberColumn(format="localized", help="That brought them"),
    "First found": st.column_config.DatetimeColumn(format="distance", width=110),
    "Counts": st.column_config.TextColumn(width=200),
}


def read(group: Group, insight_id: str) -> None:
    """Of the tab that is open at first."""
    if st.session_state.get("tab", TABS[0]) == TABS[0]:
        group.ahead(evidence_report.page_in_context, insight_id, limit=QUOTES, cursor=_cursor("evidence", insight_id))
        group.ahead(evidence_report.totals, [insight_id])


def show(row: InsightRow) -> None:
    for tab, part in zip(
        st.tabs(TABS, key="tab", bind="query-params"), (_evidence, _documents, _merges, _history), strict=True
    ):
        if tab.open:
            with tab:
                part(row)


def _cursor(name: str, insight_id: str) -> str | None:
    """Where this tab has been paged to."""
    trail: list[str | None] = st.session_state.setdefault(f"{name}-{insight_id}", [None])
    return trail[-1]


def _paging(name: str, row: InsightRow, following: str | None) -> None:
    trail: list[str | None] = st.session_state[f"{name}-{row.id}"]
    with st.container(horizontal=True):
        if len(trail) > 1:
            back = partial(trail.__delitem__, -1)
            st.button("Previous", icon=":material/chevron_left:", key=f"{name}-back", on_click=back)
        if following:
            forth = partial(trail.append, following)
            st.button("Next", icon=":material/chevron_right:", key=f"{name}-forth", on_click=forth)


def _evidence(row: InsightRow) -> None:
    found = db.read(evidence_report.page_in_context, row.id, limit=QUOTES, cursor=_cursor("evidence", row.id))
    total = db.read(evidence_report.totals, [row.id]).get(row.id, 0)
    if total:
        st.caption(
            f"{formats.count(total, 'quote')}{', those that stand in their document first' if total > 1 else ''}."
        )
    else:
        st.caption("It has no evidence of its own; what was merged into it has.")
    evidence.show(found.rows, found.contexts)
    _paging("evidence", row, found.next_cursor)


def _documents(row: InsightRow) -> None:
    found = evidence_report.sources(row.id)
    if not found:
        st.caption("None.")
        return
    table: dict[str, Sequence[object]] = {
        "Document": [one.name for one in found],
        "Collection": [one.collection for one in found],
        "Quotes": [one.quotes for one in found],
        "Found there": [one.supported for one in found],
        "Answers": [one.answers for one in found],
        "First found": [one.since for one in found],
        "Counts": [insights.counts(one) for one in found],
    }
    key = f"sources-{row.id}"
    if (clicked := widgets.clicked_row(key)) is not None and clicked < len(found):
        widgets.go("document/document.py", id=found[clicked].document)
    most = row.documents_with_evidence
    st.caption(
        f"The first {len(found):,} of {most:,} documents." if most > len(found) else "Click on a document to open it."
    )
    st.dataframe(
        grids.numbered(table),
        hide_index=False,
        column_config={**grids.ROW_NUMBERS, **COLUMNS},
        on_select="rerun",
        selection_mode="single-cell",
        key=key,
    )


def _merges(row: InsightRow) -> None:
    around.wordings(row.merged)
    page = merging.merges(insight=row.id, limit=ENTRIES)
    if page.items:
        st.markdown("**Merges**")
    for one in page.items:
        _merge(row, one)
    if page.next_cursor:
        st.caption(f"The newest {ENTRIES:,} are shown.")
    if not (page.items or row.merged):
        st.caption("Nothing was merged into it. On the Insights page tick two or more insights to merge them.")


def _merge(row: InsightRow, one: MergeRow) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{insights.merge(one, row.id)} · {_when(one)}", help=formats.exact(one.time))
        if one.undone_at is None:
            undo = partial(acting.attempt, partial(acting.undo_merge, one.id))
            st.button("Undo the merge", icon=":material/undo:", key=f"undo-{one.id}", on_click=undo)


def _when(one: MergeRow) -> formats.Markdown:
    now = formats.utc_now()
    undone = f", undone {formats.ago(one.undone_at, now)}" if one.undone_at else ""
    return f"{formats.ago(one.time, now)}{undone}"


def _history(row: InsightRow) -> None:
    cursor = _cursor("history", row.id)
    page: Page[Entry] = history.of_insight(row.id, limit=ENTRIES, cursor=cursor)
    for at, one in enumerate(page.items):
        with st.container(horizontal=True, vertical_alignment="center"):
            undone = " · undone" if one.undone_at else ""
            st.markdown(
                f"{insights.told(one)} :gray[· {formats.ago(one.time, formats.utc_now())}{undone}]",
                help=formats.exact(one.time),
            )
            # Only what nothing followed can be undone.
            if cursor is None and at == 0 and one.action in ("change", "undo") and one.undone_at is None:
                st.button("Undo", icon=":material/undo:", key="undo-last", on_click=_undo(one))
    _paging("history", row, page.next_cursor)
    if not page.items:
        st.caption(f"Nobody has changed it since it was first seen, {formats.ago(row.first_seen, formats.utc_now())}.")


def _undo(entry: Entry) -> Callable[[], None]:
    return partial(acting.attempt, partial(acting.undo_change, entry.change))
