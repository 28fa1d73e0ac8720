"""Passages of a document that give instructions to a model: named above the text, and marked in it."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.documents.content import Marked
from pages.common import widgets
from pages.common.marking import Mark
from pages.document.text import PagedText
from pages.words import instructions

STYLE = "background:#f9d0d0;border-bottom:2px dashed #b00020"
SHOWN = 10


def marks(marked: Sequence[Marked]) -> list[Mark]:
    """Above quotes that stand in them, but for the open one."""
    return [Mark(one.start, one.end, STYLE, rank=1, note=f"It {instructions.why(one.reasons)}") for one in marked]


def show(marked: Sequence[Marked], text: PagedText) -> None:
    if not marked:
        return
    st.warning(instructions.of_document(len(marked)), icon=":material/shield:")
    with widgets.lines("instructions"):
        for one in marked[:SHOWN]:
            place = f"{text.label} {text.page_at(one.start):,} " if text.in_parts else "It "
            label = instructions.line(one.text, one.reasons, place)
            turn = partial(text.turn_to, one.start)
            st.button(label, key=f"instructs-{one.start}", type="tertiary", wrap=True, on_click=turn)
    if len(marked) > SHOWN:
        st.caption(f"The first {SHOWN:,} of {len(marked):,}.")
