"""The insight base: filters that stand in the link, full-text search, decisions on one or many, and the quotes behind
each statement."""

from functools import partial

import streamlit as st

from core.insights import report, review_report
from core.insights import views as saved_views
from core.insights.report import Filters
from core.runtime import db
from pages.common import failures, grids, widgets
from pages.insights import bulk, drawer, facets, filters, glance, merge, table, views
from pages.parts.insight import acting
from pages.words import insights, instructions, review

PER_PAGE = 100
PAGE = "insights/insights.py"

st.title("Insights")
failures.show_notice()
acting.show_done()
with db.side_by_side() as group:
    filters.read(group)
    saved = group.read(saved_views.list_all)
    in_quarantine = group.read(report.count, filters.WAITING)
chosen = filters.show()
trail = widgets.trail("insight_cursors", (chosen.filters, chosen.sort))
with db.side_by_side() as group:
    found = group.read(report.find_and_count, chosen.filters, sort=chosen.sort, limit=PER_PAGE, cursor=trail[-1])
    to_settle = group.read(review_report.open_counts, chosen.filters.collection)
    if chosen.hides:
        group.ahead(report.count, chosen.all)
page, total = found.found.page, found.found.total
hidden = filters.number_hidden(chosen, total)
# Nothing is counted for what is closed.
PANELS = {"Narrow down": facets.show, "At a glance": glance.show}
with st.container(horizontal=True, vertical_alignment="center"):
    views.show(saved.found, chosen.filters, chosen.sort)
    panel = st.segmented_control(
        "Panel", list(PANELS), key="panel", bind="query-params", label_visibility="collapsed", width="content"
    )
    if to_review := review.waiting(to_settle.found):
        narrowed = {"collection": chosen.filters.collection} if chosen.filters.collection else {}
        widgets.link(to_review, "review/review.py", ":material/compare_arrows:", **narrowed)
    waiting = in_quarantine.found
    if waits := instructions.waiting(waiting.count, waiting.capped):
        widgets.link(waits, PAGE, ":material/shield:", quarantine=instructions.IN_QUARANTINE)
if panel:
    with st.container(border=True):
        PANELS[panel](chosen.filters)


def show_grid() -> None:
    key = widgets.rows_key("insights", page.items)
    if (clicked := widgets.clicked_row(key)) is not None:
        drawer.open_(page.items[clicked].id)
    selected = [page.items[at] for at in widgets.selected_rows(key)]
    bulk.bar(selected, chosen.filters, total, partial(widgets.select, key, ()))
    before = (len(trail) - 1) * PER_PAGE
    st.caption(
        f"{before + 1:,} to {before + len(page.items):,} of {insights.total(total)}. Click on an insight to open it; "
        "tick boxes to act on several.",
        help=widgets.BY_KEYBOARD,
    )
    shown = table.shown(page.items)
    st.dataframe(
        grids.numbered(shown, before + 1),
        hide_index=False,
        column_config={**grids.ROW_NUMBERS, **table.columns(shown)},
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"],
        key=key,
        height=table.height(len(page.items)),
        row_height=table.ROW_HEIGHT,
    )
    widgets.turn_pages(trail, page.next_cursor)


def show_none() -> None:
    if report.count(Filters()).count:
        st.info("No insight fits these filters.")
    else:
        widgets.empty(
            "No insights yet. The templates *Key points*, *Question and answer* and your own make them.",
            "analyse/analyse.py",
            "Analyse documents",
        )


if page.items:
    show_grid()
else:
    show_none()
if hidden != 0:
    with st.container(horizontal=True, vertical_alignment="center"):
        narrowed_by = chosen.filters.state is not None, chosen.filters.supported is not None
        left_out = chosen.filters.quarantined is False and waiting.count > 0
        st.caption(insights.hidden(hidden, *narrowed_by, left_out))
        st.button("Show all", type="tertiary", key="show-hidden", on_click=filters.show_hidden)

widgets.came_by("Insights", drawer.PAGE, **chosen.link)
if merge.is_open():
    merge.dialog()
elif drawer.opened():
    drawer.drawer([row.id for row in page.items], chosen.link)
