"""The matrix of a template: documents by fields, sorted and narrowed in the link; a click opens the passage."""

import streamlit as st

from core.asking import templates
from core.insights import matrix
from core.runtime import db
from pages.common import failures, formats, grids, widgets
from pages.matrix import drawer, filters, table
from pages.parts import exporting
from pages.words import insights

PER_PAGE = 100

st.title("Matrix")
failures.show_notice()
usable = [one for one in templates.list_all(retired=True) if one.fields and not one.insights]
if not usable:
    widgets.empty(
        "The matrix is a table of your documents: a row for each, a column for each field of a template, and the quote "
        "behind each value. It takes a template of your own that has fields and makes no insights.",
        "templates.py",
        "Make such a template",
        new="matrix",
    )
    st.stop()
chosen = filters.show(usable)
trail = widgets.trail("matrix_cursors", chosen.wanted)
with db.side_by_side() as group:
    counted = group.read(matrix.count, chosen.wanted)
    found = group.read(matrix.find, chosen.wanted, limit=PER_PAGE, cursor=trail[-1])
total, page = counted.found, found.found.page


def show_grid() -> None:
    key = widgets.rows_key("matrix", page.items)
    if (clicked := widgets.clicked_cell(key)) is not None:
        names = {table.column(field): field.name for field in chosen.fields}
        drawer.open_(page.items[clicked[0]].document, names.get(clicked[1], chosen.fields[0].name))
    with st.container(horizontal=True, vertical_alignment="center"):
        quoted = any(field.quote for field in chosen.fields)
        quotes = st.toggle("Quotes in the table", value=quoted, key="in_table", disabled=not quoted)
        export()
    before = (len(trail) - 1) * PER_PAGE
    signs = " ✓ its quote stands in the document, ⚠ it does not." if quoted else ""
    st.caption(
        f"{before + 1:,} to {before + len(page.items):,} of {insights.total(total)}. Click on a value for its passage."
        f"{signs}",
        help=widgets.BY_KEYBOARD,
    )
    st.dataframe(
        grids.numbered(table.shown(page.items, chosen.fields, quotes=quotes), before + 1),
        hide_index=False,
        column_config={**grids.ROW_NUMBERS, **table.columns(chosen.fields, quotes=quotes)},
        on_select="rerun",
        selection_mode="single-cell",
        key=key,
        height=table.height(len(page.items), quotes=quotes),
        row_height=table.ROW_HEIGHTS[quotes],
    )
    widgets.turn_pages(trail, page.next_cursor)


def export() -> None:
    opened = widgets.popover("Export", "matrix_export", exporting.ICON)
    if opened is None:
        return
    with opened:
        format_ = exporting.format_("matrix_format")
        st.caption("A row for each document, with the quotes and what was found of them.")
        label = f"Export {formats.count(total.count, 'document')}" if not total.capped else "Export all documents"
        st.link_button(label, chosen.address(format_), icon=":material/download:", type="primary")


def show_none() -> None:
    if matrix.count(matrix.Wanted(chosen.wanted.template)).count:
        st.info("No document fits these filters.")
    elif chosen.wanted.template not in {one.id for one in templates.list_all()}:
        st.info("This template was deleted, and no document has an answer to it any more.")
    else:
        st.info("No document was asked with this template yet.")
        widgets.link(
            "Analyse with it",
            "analyse/analyse.py",
            ":material/play_circle:",
            template=chosen.link["template"] or "",
        )


if page.items:
    show_grid()
else:
    show_none()
widgets.came_by("Matrix", drawer.PAGE, **chosen.link)
if drawer.opened() and page.items:
    drawer.drawer(page.items, chosen.fields, chosen.link)
