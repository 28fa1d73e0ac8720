"""Read documents again: those that are selected, or without a selection all that the filters find."""

from collections.abc import Sequence

import streamlit as st

from core.documents import extract, read_again, report
from core.documents.report import DocumentRow, Filters
from pages.common import failures, formats


def ask_to_read_again(selected: Sequence[DocumentRow], filters: Filters) -> None:
    """`selected` are ready ones."""
    if st.button(f"Read again ({len(selected):,})" if selected else "Read all again", icon=":material/refresh:"):
        _confirm(selected, filters)


@failures.dialog("Read documents again")
def _confirm(selected: Sequence[DocumentRow], filters: Filters) -> None:
    number = len(selected) or report.count(filters)
    st.markdown(f"Read **{formats.count(number, 'document')}** again, with the readers of this version of Cairn?")
    st.caption(
        "Each keeps its text until it is read, and its quotes are checked against the new text. Nothing is asked now; "
        "but where the text changes, its answers no longer fit, and to ask the same question again costs again."
    )

    def act() -> None:
        if selected:
            for row in selected:
                extract.retry(row.id)
        else:
            read_again.ask_all(filters)

    done = f"To be read again: {formats.count(number, 'document')}."
    if st.button("Read again", type="primary", disabled=not number, on_click=lambda: failures.attempt(act, done)):
        st.rerun()
