"""A quote of an insight: what was found of it, the link to its place, and where it came from."""

from collections.abc import Iterable

import streamlit as st

from core.insights.evidence_report import EvidenceRow
from pages.common import formats, widgets
from pages.words import insights, quotes


def show(rows: Iterable[EvidenceRow]) -> None:
    for row in rows:
        with st.container(border=True):
            _card(row)


def _card(row: EvidenceRow) -> None:
    found = quotes.verdict(row)
    if found:
        (st.caption if row.supported else st.warning)(found)
    if row.quote:
        st.markdown(f"“{formats.plain(row.quote)}”")
    if row.nearest:
        st.markdown(f"{formats.plain(row.document_name)}: “{formats.plain(row.nearest.text)}”")
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
    merged = " · of a merged wording" if row.stated != row.insight else ""
    st.caption(f"{checked}{insights.brought(row.times, row.cost_usd)}{merged}")
