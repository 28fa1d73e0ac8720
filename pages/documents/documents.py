"""Upload, watch the extraction, find and delete documents."""

import pandas as pd
import streamlit as st

from core.documents import extract, report
from core.documents.report import DocumentRow
from core.runtime.paging import Page
from pages.common import failures, formats, widgets
from pages.parts import kept_until
from pages.parts.deletion import ask_to_delete
from pages.parts.upload import load_samples, show_upload

STATES = ("queued", "extracting", "ready", "failed")

st.title("Documents")
failures.show_notice()
if told := kept_until.documents(formats.utc_now()):
    st.caption(f":material/auto_delete: {told}")


names = [c.name for c in report.collections()]
with st.expander("Add documents", expanded=True, icon=":material/upload:"):
    show_upload(names, st.query_params.get("collection"))

with st.container(horizontal=True, vertical_alignment="bottom"):
    collection = st.selectbox("Collection", names, index=None, placeholder="All", key="collection", bind="query-params")
    state = st.selectbox("State", STATES, index=None, placeholder="All", key="state", bind="query-params")
    name = st.text_input("Name contains", key="name", bind="query-params", placeholder="part of a file name")
widgets.came_by("Documents", "documents/documents.py", collection=collection, state=state, name=name)


def state_of(row: DocumentRow) -> str:
    """The state, and with it what a person wants to know of it."""
    if row.state == "failed":
        return f"failed: {row.error_message or 'no reason is known'}"
    if row.state == "extracting" and row.stage_total and row.stage_total > 1:
        return f"{row.stage} {row.stage_done} of {row.stage_total}"
    return row.stage or row.state


def frame(rows: tuple[DocumentRow, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (
                r.name,
                state_of(r),
                r.collection,
                r.pages,
                r.tokens,
                r.language,
                formats.size(r.size_bytes),
                r.created_at,
            )
            for r in rows
        ],
        columns=["Name", "State", "Collection", "Pages", "Tokens", "Language", "Size", "Added"],
    )


COLUMNS = {
    "Name": st.column_config.TextColumn(width=250),
    "State": st.column_config.TextColumn(width=150),
    "Collection": st.column_config.TextColumn(width=130),
    "Pages": st.column_config.NumberColumn(format="localized"),
    "Tokens": st.column_config.NumberColumn(format="localized"),
    "Added": st.column_config.DatetimeColumn(format="distance"),
}


def act_on(rows: list[DocumentRow]) -> None:
    """The same buttons in the same place whatever is selected: the grid below them stays where it is."""
    failed = [row for row in rows if row.state == "failed"]
    others = [row.id for row in rows if row.state != "failed"]
    with st.container(horizontal=True, vertical_alignment="center"):
        one = rows[0].id if len(rows) == 1 else ""
        icon = ":material/open_in_new:"
        st.page_link("document/document.py", label="Open document", icon=icon, query_params={"id": one}, disabled=not one)
        if st.button(numbered("Analyse", len(others)), icon=":material/play_circle:", disabled=not others):
            widgets.analyse(documents=others)
        if st.button(numbered("Try again", len(failed)), icon=":material/replay:", disabled=not failed):
            failures.attempt(lambda: [extract.retry(row.id) for row in failed], "They are read again.")
            st.rerun()
        if st.button(numbered("Delete", len(rows)), icon=":material/delete:", disabled=not rows):
            ask_to_delete(rows)


def numbered(action: str, number: int) -> str:
    return f"{action} ({number:,})" if number else action


def summary(shown: int, more: bool) -> str:
    counts = report.count_by_state(collection)
    states = [f"{counts[s]:,} {s}" for s in STATES if counts.get(s)]
    total = f"{formats.count(sum(counts.values()), 'document')}: {', '.join(states)}."
    if more:
        return f"{total} The newest {shown:,} are shown; narrow the filters to find others."
    return f"{total} {shown:,} fit the filters." if state or name else total


def find() -> Page[DocumentRow]:
    return report.find(collection=collection, state=state, name=name, limit=200)


page = find()
busy = any(row.state in ("queued", "extracting") for row in page.items)


@failures.live(1 if busy else None)
def grid() -> None:
    fresh = find()
    rows = fresh.items
    if busy and not any(row.state in ("queued", "extracting") for row in rows):
        st.rerun()
    st.caption(summary(len(rows), fresh.next_cursor is not None))
    event = st.dataframe(
        frame(rows),
        hide_index=True,
        column_config=COLUMNS,
        on_select="rerun",
        selection_mode="multi-row",
        key=widgets.rows_key("documents", rows),
        placeholder="",
        height=min(38 + 35 * len(rows), 640),
    )
    selected = [rows[i].id for i in event["selection"]["rows"]]
    if selected != st.session_state.setdefault("selected", []):
        st.session_state["selected"] = selected
        st.rerun()


if page.items:
    # Outside of the part that runs again by itself: a dialog that is opened there would be closed by its next run.
    chosen = report.by_ids(st.session_state.get("selected", []))
    act_on(chosen)
    grid()
    if len(chosen) == 1 and chosen[0].state == "failed":
        failures.show_error(chosen[0].error_message or "It could not be read.", chosen[0].correlation_id)
    elif not chosen:
        st.caption("Select rows to act on them.")
elif collection or state or name:
    st.info("No document fits these filters.")
else:
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown("No documents yet. Drop your own above, or look around with the samples.", text_alignment="center")
        if st.button("Load sample documents", type="primary"):
            failures.attempt(load_samples, "The sample documents are in the collection “samples”.")
            st.rerun()
