"""Upload, watch the extraction, find and delete documents."""

import pandas as pd
import streamlit as st

from core import documents
from core.errors import InvalidInput
from core.reports import documents as report
from core.reports.documents import DocumentRow
from pages import widgets

st.title("Documents")
widgets.show_told()


def upload(collection: str) -> None:
    """Store every file at once; the widget forgets them, and one bad file does not stop the others."""
    key = f"upload-{st.session_state.get('uploads', 0)}"
    stored, known, refused = 0, 0, []
    for file in st.session_state.get(key) or []:
        try:
            added = documents.add(file.name, file, collection)
        except InvalidInput as error:
            refused.append(error.message)
            continue
        known += added.duplicate
        stored += not added.duplicate
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1
    parts = [f"{stored:,} stored"] if stored else []
    parts += [f"{known:,} already here"] if known else []
    widgets.tell(". ".join([", ".join(parts), *refused]).strip(". "), success=not refused)


@st.dialog("Delete documents")
def delete(rows: list[DocumentRow]) -> None:
    named = ", ".join(widgets.plain(row.name) for row in rows[:5]) + (" …" if rows[5:] else "")
    st.markdown(f"Delete **{len(rows):,} documents**: {named}?")
    st.caption(
        "Their bytes, text, answers and evidence go for good; insights that only they support go with them. "
        "What was spent stays in the costs."
    )

    def act() -> None:
        for row in rows:
            documents.delete(row.id)

    if st.button("Delete", type="primary", on_click=lambda: widgets.attempt(act, f"{len(rows):,} deleted.")):
        st.rerun()


names = [c.name for c in report.collections()] or [documents.DEFAULT_COLLECTION]
with st.expander("Upload", expanded=True, icon=":material/upload:"):
    into = st.selectbox(
        "Collection", names, accept_new_options=True, key="into", help="Choose one, or type a new name."
    )
    st.file_uploader(
        "PDF, DOCX, PPTX, XLSX, HTML, EML, MD, TXT, CSV, JSON",
        accept_multiple_files=True,
        key=f"upload-{st.session_state.get('uploads', 0)}",
        on_change=upload,
        args=(into or documents.DEFAULT_COLLECTION,),
    )

with st.container(horizontal=True, vertical_alignment="bottom"):
    collection = st.selectbox(
        "Collection ", names, index=None, placeholder="All", key="collection", bind="query-params"
    )
    states = ("queued", "extracting", "ready", "failed")
    state = st.selectbox("State", states, index=None, placeholder="All", key="state", bind="query-params")
    name = st.text_input("Name contains", key="name", bind="query-params", placeholder="part of a file name")


def stage(row: DocumentRow) -> str:
    if row.state == "failed":
        return row.error_message or ""
    if row.state == "extracting" and row.stage_total and row.stage_total > 1:
        return f"{row.stage} {row.stage_done} of {row.stage_total}"
    return row.stage or ""


def frame(rows: tuple[DocumentRow, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (
                r.name,
                r.collection,
                r.state,
                stage(r),
                r.pages,
                r.tokens,
                r.language,
                widgets.size(r.size_bytes),
                r.created_at,
            )
            for r in rows
        ],
        columns=["Name", "Collection", "State", "Details", "Pages", "Tokens", "Language", "Size", "Added"],
    )


COLUMNS = {
    "Name": st.column_config.TextColumn(width="medium"),
    "Details": st.column_config.TextColumn(width="large"),
    "Tokens": st.column_config.NumberColumn(format="localized"),
    "Added": st.column_config.DatetimeColumn(format="distance"),
}


def chosen(rows: tuple[DocumentRow, ...]) -> list[DocumentRow]:
    selection = st.session_state.get("documents", {}).get("selection", {}).get("rows", [])
    return [rows[i] for i in selection if i < len(rows)]


def act_on(rows: list[DocumentRow]) -> None:
    with st.container(horizontal=True):
        if len(rows) == 1 and st.button("Open document", type="primary"):
            st.switch_page("document.py", query_params={"id": rows[0].id})
        failed = [row for row in rows if row.state == "failed"]
        if failed and st.button(f"Try {len(failed)} again"):
            widgets.attempt(lambda: [documents.retry(row.id) for row in failed], "They are read again.")
            st.rerun()
        if st.button(f"Delete {len(rows)}", icon=":material/delete:"):
            delete(rows)


page = report.find(collection=collection, state=state, name=name, limit=200)
busy = any(row.state in ("queued", "extracting") for row in page.items)


@widgets.live(1 if busy else None)
def grid() -> None:
    fresh = report.find(collection=collection, state=state, name=name, limit=200).items
    if busy and not any(row.state in ("queued", "extracting") for row in fresh):
        st.rerun()
    st.dataframe(
        frame(fresh),
        hide_index=True,
        column_config=COLUMNS,
        on_select="rerun",
        selection_mode="multi-row",
        key="documents",
        placeholder="",
        height=min(38 + 35 * len(fresh), 640),
    )
    if rows := chosen(fresh):
        act_on(rows)
    else:
        st.caption("Select a row to open it, several to act on them.")


if page.items:
    grid()
    if page.next_cursor:
        st.caption("The newest 200 are shown. Narrow the filters to find others.")
elif collection or state or name:
    st.info("No document fits these filters.")
else:
    st.info("No documents yet. Drop files above, or load the samples on the Overview page.")
