"""Upload, watch the extraction, find and delete documents."""

import streamlit as st

from core.documents import extract, report
from core.documents.report import DocumentRow, Filters
from core.runtime import db
from core.runtime.paging import Page
from core.tables.documents import UNPACKED
from pages.common import failures, formats, grids, widgets
from pages.documents import unread
from pages.documents.reading_again import ask_to_read_again
from pages.documents.table import COLUMNS, shown
from pages.parts import choices, exporting, kept_until
from pages.parts.deletion import ask_to_delete
from pages.parts.moving import ask_to_move
from pages.parts.upload import load_samples, show_upload
from pages.words.documents import IN_TEXT

PER_PAGE = 200
STATES = ("queued", "extracting", "ready", "unpacked", "failed")

st.title("Documents")
failures.show_notice()
if rule := kept_until.documents(formats.utc_now()):
    st.caption(f":material/auto_delete: {rule}")


names = report.collection_names()
with st.expander("Add documents", expanded=True, icon=":material/upload:"):
    show_upload(names, st.query_params.get("collection"))

with st.container(horizontal=True, vertical_alignment="bottom"):
    collection = st.selectbox("Collection", names, index=None, placeholder="All", key="collection", bind="query-params")
    state = st.selectbox("State", STATES, index=None, placeholder="All", key="state", bind="query-params")
    in_text = st.selectbox(
        "How much was read",
        list(IN_TEXT),
        None,
        IN_TEXT.__getitem__,
        placeholder="All",
        key="warnings",
        bind="query-params",
    )
    name = st.text_input("Name contains", key="name", bind="query-params", placeholder="part of a file name")
widgets.came_by("Documents", "documents/documents.py", collection=collection, state=state, name=name, warnings=in_text)
filters = Filters(collection, state, name or None, in_text)


def act_on(rows: list[DocumentRow]) -> None:
    """The same buttons whatever is selected, so that the grid below them stays in its place."""
    failed = [row for row in rows if row.state == "failed"]
    ready = [row for row in rows if row.state == "ready"]
    others = [row.id for row in rows if row.state not in ("failed", UNPACKED)]
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(numbered("Analyse", len(others)), icon=":material/play_circle:", disabled=not others):
            choices.analyse(others)
        if st.button(numbered("Try again", len(failed)), icon=":material/replay:", disabled=not failed):
            failures.attempt(lambda: [extract.retry(row.id) for row in failed], "They are read again.")
            st.rerun()
        ask_to_read_again(ready, filters)
        if st.button(numbered("Move", len(rows)), icon=":material/drive_file_move:", disabled=not rows):
            ask_to_move(rows)
        if st.button(numbered("Delete", len(rows)), icon=":material/delete:", disabled=not rows):
            ask_to_delete(rows)
        given = [("collection", collection), ("state", state), ("archives", "false"), ("name", name)]
        said = "A row for each document that fits the filters."
        exporting.table("documents", "documents/export", [*given, ("warnings", in_text)], said)


def numbered(action: formats.Markdown, number: int) -> formats.Markdown:
    return f"{action} ({number:,})" if number else action


def summary(on_page: int) -> formats.Markdown:
    counts = db.read(report.count_by_state, collection)
    states = [f"{counts[name]:,} {name}" for name in STATES if counts.get(name)]
    total = f"{formats.count(sum(counts.values()), 'document')}: {', '.join(states)}."
    before = (len(trail) - 1) * PER_PAGE
    here = f"{before + 1:,} to {before + on_page:,}" if before or fitting > on_page else ""
    if filters not in (Filters(), Filters(collection)):
        return f"{total} {fitting:,} fit the filters{f': {here} are shown' if here else ''}."
    return f"{total} Shown: {here}." if here else total


def find() -> Page[DocumentRow]:
    return report.find(filters, limit=PER_PAGE, cursor=trail[-1])


def is_busy(row: DocumentRow) -> bool:
    return row.state in ("queued", "extracting") or row.again in ("waiting", "reading")


trail = widgets.trail("document_cursors", filters)
ticked = st.session_state.get("selected", [])
with db.side_by_side() as group:
    listed = group.read(find)
    acted_on = group.read(report.by_ids, ticked)
    group.ahead(report.count_by_state, collection)
    group.ahead(report.failures, collection)
page = listed.found
fitting = report.count_all(filters) if page.next_cursor or trail[-1] else len(page.items)
busy = any(map(is_busy, page.items))


@failures.live(1 if busy else None)
def grid() -> None:
    rows = db.read(find).items
    if busy and not any(map(is_busy, rows)):
        st.rerun()
    key = widgets.rows_key("documents", rows)
    if (clicked := widgets.clicked_row(key)) is not None:
        widgets.go("document/document.py", id=rows[clicked].id)
    st.caption(
        f"{summary(len(rows))} Click on a document to open it; tick boxes to act on several.", help=widgets.BY_KEYBOARD
    )
    before = (len(trail) - 1) * PER_PAGE
    event = st.dataframe(
        grids.numbered(shown(rows), before + 1),
        hide_index=False,
        column_config={**grids.ROW_NUMBERS, **COLUMNS},
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"],
        selection_default=widgets.ticked(rows, st.session_state.get("selected", [])),
        key=key,
        placeholder="",
        height=min(38 + 35 * len(rows), 640),
    )
    selected = [rows[i].id for i in event["selection"]["rows"]]
    if selected != st.session_state.setdefault("selected", []):
        st.session_state["selected"] = selected
        st.rerun()


if page.items:
    # Outside of the fragment: its next run would close a dialog that was opened in it.
    chosen = acted_on.found
    act_on(chosen)
    if filters in (Filters(collection), Filters(collection, "failed")):
        unread.show(collection)
    grid()
    widgets.turn_pages(trail, page.next_cursor)
    if len(chosen) == 1 and chosen[0].state == "failed":
        failures.show_error(chosen[0].error_message or "It could not be read.", chosen[0].correlation_id)
elif filters != Filters():
    st.info("No document fits these filters.")
else:
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown("No documents yet. Drop your own above, or look around with the samples.", text_alignment="center")
        if st.button("Load sample documents", type="primary"):
            failures.attempt(load_samples, "The sample documents are in the collection “samples”.")
            st.rerun()
