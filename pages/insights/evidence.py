"""The drawer with an insight's evidence: each quote, and the link to its place in the document."""

import streamlit as st

from core.insights import evidence_report
from core.insights.report import InsightRow
from pages.common import formats, widgets
from pages.words import quotes


@st.dialog("Evidence", position="right", width="medium")
def drawer(insight: InsightRow) -> None:
    st.markdown(f"#### {formats.plain(insight.statement)}")
    known = f"supported by {formats.count(insight.support, 'document')}" if insight.support else quotes.NO_SUPPORT
    seen = formats.ago(insight.first_seen, formats.utc_now())
    st.caption(f"{known} · confidence {insight.confidence:.0%} · first seen {seen}")
    for evidence in evidence_report.evidence([insight.id]):
        with st.container(border=True):
            found = quotes.verdict(evidence)
            if found:
                (st.caption if evidence.supported else st.warning)(found)
            if evidence.quote:
                st.markdown(f"“{formats.plain(evidence.quote)}”")
            if evidence.nearest:
                st.markdown(f"{formats.plain(evidence.document_name)}: “{formats.plain(evidence.nearest.text)}”")
            place = evidence.nearest or evidence
            if place.start is not None:
                target = {"id": evidence.document, "start": str(place.start), "end": str(place.end)}
                name = formats.plain(evidence.document_name)
                widgets.link(f"Open in {name}", "document/document.py", ":material/open_in_new:", **target)
            if evidence.attributes:
                st.caption(formats.plain(" · ".join(f"{k}: {v}" for k, v in evidence.attributes.items())))
