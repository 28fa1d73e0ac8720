"""The dialog that moves documents to another collection."""

from collections.abc import Sequence

import streamlit as st

from core.documents import moving, report
from core.documents.moving import Moved
from core.documents.report import DocumentRow
from core.retention import rules
from core.tables.documents import UNPACKED
from pages.common import failures, formats

MOST_NAMED = 5


@failures.dialog("Move documents")
def ask_to_move(rows: Sequence[DocumentRow]) -> None:
    named = ", ".join(formats.plain(row.name) for row in rows[:MOST_NAMED]) + (" …" if rows[MOST_NAMED:] else "")
    st.markdown(f"Move **{formats.count(len(rows), 'document')}**: {named}")
    here = {row.collection for row in rows}
    others = [name for name in report.collection_names() if here != {name}]
    typed = st.selectbox(
        "To the collection", others, None, accept_new_options=True, placeholder="Choose one, or type a new name",
        key="move_to",
    )  # fmt: skip
    into = (typed or "").strip()
    st.caption(
        "Their insights are found in the new collection. What was spent stays with the collection they were in. "
        "Documents that a job is asking stay until it has ended."
    )
    if any(row.state == UNPACKED for row in rows):
        st.caption("An archive goes with the documents that are part of it, but those that were moved elsewhere.")
    if into and (rule := rules.rule("documents")) and into not in rule.excepted and here & {*rule.excepted}:
        st.warning(f"There, documents are deleted {formats.count(rule.days, 'day')} after their upload.")

    def act() -> None:
        moved = moving.move([row.id for row in rows], into)
        failures.notify(_done(moved, into), "warning" if moved.there or moved.asked else "success")

    if st.button("Move", type="primary", disabled=not into, on_click=lambda: failures.attempt(act)):
        st.rerun()


def _done(moved: Moved, into: str) -> str:
    said = [f"{formats.count(moved.documents, 'document')} moved to “{into}”."] if moved.documents else []
    if moved.there:
        said.append(f"Not moved, as “{into}” has the same content already: {_named(moved.there)}.")
    if moved.asked:
        said.append(f"Not moved before the job under way has ended that asks it: {_named(moved.asked)}.")
    return " ".join(said)


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (" …" if names[MOST_NAMED:] else "")
