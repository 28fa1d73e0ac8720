"""The drawer with one value of the matrix: the passage that it was taken from, and the document's other fields."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from core.documents import content
from core.errors import Conflict, NotFound
from core.fields import FieldSpec
from core.insights.matrix import Cell, MatrixRow
from pages.common import failures, formats, marking, widgets
from pages.common.marking import Mark
from pages.words import matrix

# In the link, so that it opens with the drawer.
DOCUMENT, FIELD = "document", "cell"
PAGE = "matrix/matrix.py"
# Characters before and after the passage.
AROUND = 400


def opened() -> tuple[str, str] | None:
    document, field = st.query_params.get(DOCUMENT), st.query_params.get(FIELD)
    return (document, field) if document and field else None


def open_(document: str, field: str) -> None:
    st.query_params.update({DOCUMENT: document, FIELD: field})


def _close() -> None:
    widgets.dismissed()
    for name in (DOCUMENT, FIELD):
        st.query_params.pop(name, None)


@failures.dialog("Value", position="right", width="medium", on_dismiss=_close)
def drawer(rows: Sequence[MatrixRow], fields: Sequence[FieldSpec], link: Mapping[str, str | None]) -> None:
    """Of the value that the link names. `rows`: those of the grid, to step through; `link`: the page's filters."""
    _show(rows, fields, link)


def _show(rows: Sequence[MatrixRow], fields: Sequence[FieldSpec], link: Mapping[str, str | None]) -> None:
    document, name = opened() or ("", "")
    widgets.came_by("Matrix", PAGE, **link, **{DOCUMENT: document, FIELD: name})
    at = next((place for place, row in enumerate(rows) if row.document == document), None)
    field = next((field for field in fields if field.name == name), None)
    if at is None or field is None:
        st.info("This value is not in the matrix any more, or the filters leave it out.")
        return
    row = rows[at]
    _steps([one.document for one in rows], at, name)
    st.caption(f"{formats.plain(row.name)} · {formats.plain(field.name)}")
    st.markdown(f"#### {formats.plain(matrix.value(row.cells[name].value))}")
    if field.description:
        st.caption(formats.plain(field.description))
    _quote(row, row.cells[name], asked=field.quote)
    with st.container(horizontal=True):
        place = {"start": str(row.cells[name].start), "end": str(row.cells[name].end)}
        found = place if row.cells[name].start is not None else {}
        widgets.link("Open the document", "document/document.py", ":material/open_in_new:", id=row.document, **found)
        widgets.link("Its job", "job/job.py", ":material/list_alt:", id=row.job)
    st.markdown("**All fields of this document**")
    for other in fields:
        shown = f"{matrix.value(row.cells[other.name].value)} {matrix.mark(row.cells[other.name])}"
        st.markdown(f":gray[{formats.plain(other.name)}] {formats.plain(shown)}")


def _steps(documents: Sequence[str], at: int, field: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, icon, step in (("Previous", ":material/chevron_left:", -1), ("Next", ":material/chevron_right:", 1)):
            there = documents[at + step] if 0 <= at + step < len(documents) else None
            go = partial(open_, there or "", field)
            st.button(label, icon=icon, key=f"step{step}", disabled=there is None, on_click=go)
        st.caption(f"{at + 1:,} of {len(documents):,} documents on this page")


def _quote(row: MatrixRow, cell: Cell, *, asked: bool) -> None:
    """The passage as the document has it now: what does not stand there is never marked."""
    words = matrix.verdict(cell, row.name, asked=asked)
    (st.caption if cell.supported or cell.quote is None else st.warning)(words)
    if cell.quote and not cell.supported:
        st.markdown(f"“{formats.plain(cell.quote)}”")
    if cell.start is None or cell.end is None:
        return
    try:
        stored, place = content.quoted_in(row.document, cell.start, cell.end)
    except (Conflict, NotFound) as error:
        st.caption(formats.plain(error.message))
        return
    if place is None:
        st.caption("The document was read again meanwhile. Reload the page.")
        return
    begin, end = max(0, place[0] - AROUND), min(len(stored.text), place[1] + AROUND)
    with st.container(border=True):
        marking.show(stored.text[begin:end], [Mark(place[0] - begin, place[1] - begin)])
