"""Why documents could not be read: each reason in full, since it does not fit into the table."""

import streamlit as st

from core.documents import report
from core.runtime import db
from pages.common import formats, widgets

REASONS_SHOWN = 3


def show(collection: str | None) -> None:
    found = db.read(report.failures, collection)
    if not found:
        return
    link = {"collection": collection} if collection else {}
    with st.container(border=True, gap="xsmall"):
        for reason in found[:REASONS_SHOWN]:
            name = formats.plain(reason.example)
            which = name if reason.documents == 1 else f"{reason.documents:,}, such as {name},"
            told = f":red[:material/error:] **{which} could not be read.**"
            st.markdown(f"{told} {formats.plain(reason.message)}")
        with st.container(horizontal=True, vertical_alignment="center"):
            if rest := found[REASONS_SHOWN:]:
                number = sum(reason.documents for reason in rest)
                st.caption(f"{number:,} more could not be read, for other reasons.")
            widgets.link("Show them", "documents/documents.py", ":material/arrow_forward:", state="failed", **link)
