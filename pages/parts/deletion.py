"""Deleting documents: what goes and what stays is said before."""

from collections.abc import Sequence

import streamlit as st

from core.documents import upload
from core.documents.report import DocumentRow
from pages.common import widgets


@st.dialog("Delete documents")
def ask_to_delete(rows: Sequence[DocumentRow]) -> None:
    named = ", ".join(widgets.plain(row.name) for row in rows[:5]) + (" …" if rows[5:] else "")
    st.markdown(f"Delete **{widgets.count(len(rows), 'document')}**: {named}?")
    st.caption(
        "Their bytes, text, answers and evidence go for good; insights that only they support go with them. "
        "What was spent stays in the costs."
    )

    def act() -> None:
        for row in rows:
            upload.delete(row.id)

    done = f"{widgets.count(len(rows), 'document')} deleted."
    if st.button("Delete", type="primary", on_click=lambda: widgets.attempt(act, done)):
        st.rerun()
