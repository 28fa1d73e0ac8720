"""The dialog that deletes documents. It names what goes and what stays."""

from collections.abc import Sequence

import streamlit as st

from core.documents import deletion
from core.documents.report import DocumentRow
from core.tables.documents import UNPACKED
from pages.common import failures, formats


@failures.dialog("Delete documents")
def ask_to_delete(rows: Sequence[DocumentRow]) -> None:
    named = ", ".join(formats.plain(row.name) for row in rows[:5]) + (" …" if rows[5:] else "")
    st.markdown(f"Delete **{formats.count(len(rows), 'document')}**: {named}")
    st.caption(
        "Their bytes, text, answers and evidence go for good; insights that only they support go with them. "
        "What was spent stays in the costs."
    )

    if any(row.state == UNPACKED for row in rows):
        st.caption("With an archive go the documents that are part of it, but those that were moved elsewhere.")

    def act() -> None:
        where = {row.id: row.collection for row in rows}
        for row in rows:
            # Else it goes with its archive.
            if row.part_of is None or where.get(row.part_of) != row.collection:
                deletion.delete(row.id)

    done = f"{formats.count(len(rows), 'document')} deleted."
    if st.button("Delete", type="primary", on_click=lambda: failures.attempt(act, done)):
        st.rerun()
