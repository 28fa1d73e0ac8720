"""An archive's documents, and the archive that a document came in."""

import streamlit as st

from core.documents import report, warnings
from core.documents.report import DocumentRow, Filters
from pages.common import formats, grids, widgets
from pages.document import in_text

MOST_SHOWN = 500
PAGE = "document/document.py"


def whole(document: DocumentRow) -> None:
    """The link to what it is part of."""
    for archive in report.by_ids([document.part_of]) if document.part_of else ():
        label = f"Part of {formats.plain(archive.name)}"
        st.page_link(PAGE, label=label, icon=":material/folder_zip:", query_params={"id": archive.id})


def show(archive: DocumentRow) -> None:
    """What there is to see of an archive, which has no text."""
    if archive.warnings:
        in_text.show(archive)
    found = report.find(Filters(part_of=archive.id), limit=MOST_SHOWN)
    rows = sorted(found.items, key=lambda one: one.name)
    if not rows:
        st.info("It brought no new document: those of its files that can be read were here before.")
        return
    more = f" The first {MOST_SHOWN:,} are shown." if found.next_cursor else ""
    st.caption(f"An archive is not asked itself: its files are documents, and go with it but for moved ones.{more}")
    key = widgets.rows_key("parts", rows)
    if (clicked := widgets.clicked_row(key)) is not None:
        widgets.go(PAGE, id=rows[clicked].id)
    table = {
        "Name": [one.name for one in rows],
        "State": [one.state for one in rows],
        "Not in the text": [warnings.briefly(one.warnings or ()) for one in rows],
        "Size": [formats.size(one.size_bytes) for one in rows],
    }
    st.dataframe(
        grids.numbered(table),
        hide_index=False,
        column_config=grids.ROW_NUMBERS,
        on_select="rerun",
        selection_mode="single-cell",
        key=key,
        height=min(38 + 35 * len(rows), 640),
    )
    st.caption("Click on a document to open it.", help=widgets.BY_KEYBOARD)
