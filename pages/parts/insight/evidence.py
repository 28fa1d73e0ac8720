"""A quote of an insight: what was found of it, its place in context with a link there, and where it came from."""

import re
from collections.abc import Mapping, Sequence

import streamlit as st

from core.insights import evidence_report
from core.insights.evidence_report import Context, EvidenceRow
from pages.common import formats, marking, widgets
from pages.common.marking import Mark
from pages.words import insights, instructions, quotes

CUT_WORD, WORD_CUT = re.compile(r"^\S{0,30}\s"), re.compile(r"\s\S{0,30}$")


def show(rows: Sequence[EvidenceRow], contexts: Mapping[int, Context]) -> None:
    for row in rows:
        with st.container(border=True):
            _card(row, contexts.get(row.id))


def _card(row: EvidenceRow, context: Context | None) -> None:
    found = quotes.verdict(row)
    if found:
        (st.caption if row.supported else st.warning)(found)
    if row.quarantined:
        st.caption(f":material/shield: {instructions.OF_A_QUOTE}")
    if row.quote and row.verdict != "found":
        st.markdown(f"“{formats.plain(row.quote)}”")
    if context:
        if row.nearest:
            st.caption(f"{formats.plain(row.document_name)} has:")
        _in_context(context)
    elif row.quote and row.verdict == "found":
        st.markdown(f"“{formats.plain(row.quote)}”")
    with st.container(horizontal=True, vertical_alignment="center"):
        place = row.nearest or row
        if place.start is not None:
            target = {"id": row.document, "start": str(place.start), "end": str(place.end)}
            name = formats.plain(row.document_name)
            widgets.link(f"Open in {name}", "document/document.py", ":material/open_in_new:", **target)
        if row.job:
            widgets.link("Its job", "job/job.py", ":material/list_alt:", id=row.job)
    if row.attributes:
        st.caption(formats.plain(" · ".join(f"{k}: {v}" for k, v in row.attributes.items())))
    checked = ":green[:material/check:] stands there word for word · " if row.verdict == "found" else ""
    by_ocr = f"{quotes.BY_OCR} · " if row.read_by_ocr else ""
    merged = " · of a merged wording" if row.stated != row.insight else ""
    st.caption(f"{checked}{by_ocr}{insights.brought(row.times, row.cost_usd)}{merged}")


def _rows(text: str) -> str:
    return re.sub(r"[^\S\n\t]+", " ", re.sub(r"\n\s*\n", "\n", text))


def _in_context(context: Context) -> None:
    """In one paragraph: where lines of a page end says nothing here. Rows of a table and their cells stay apart."""
    parts = context.before, context.passage, context.after
    a_table = any("\t" in part for part in parts)
    before, passage, after = (_rows(part) if a_table else re.sub(r"\s+", " ", part) for part in parts)
    # What is cut off in the middle of a word is not shown.
    if len(context.before) == evidence_report.AROUND:
        before = f"… {re.sub(CUT_WORD, '', before)}"
    if len(context.after) == evidence_report.AROUND:
        after = f"{re.sub(WORD_CUT, '', after)} …"
    marking.show(before + passage + after, [Mark(len(before), len(before) + len(passage))], "in-context")
