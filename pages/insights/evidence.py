"""The drawer with an insight's evidence: each quote, and the link to its place in the document."""

import streamlit as st

from core.insights import report
from core.insights.report import InsightRow
from pages.common import formats, widgets


@st.dialog("Evidence", position="right", width="medium")
def drawer(insight: InsightRow) -> None:
    st.markdown(f"#### {formats.plain(insight.statement)}")
    known = f"supported by {formats.count(insight.support, 'document')}" if insight.support else "not supported"
    seen = formats.ago(insight.first_seen, formats.utc_now())
    st.caption(f"{known} · confidence {insight.confidence:.0%} · first seen {seen}")
    for evidence in report.evidence([insight.id]):
        with st.container(border=True):
            if evidence.supported:
                st.markdown(f"“{formats.plain(evidence.quote)}”")
                target = {"id": evidence.document, "start": str(evidence.start), "end": str(evidence.end)}
                name = formats.plain(evidence.document_name)
                widgets.link(f"Open in {name}", "document/document.py", ":material/open_in_new:", **target)
            else:
                name = formats.plain(evidence.document_name)
                quoted = "the model gave this quote:" if evidence.quote else "the model gave no quote."
                st.warning(f"Not found in {name}; {quoted}")
                if evidence.quote:
                    st.markdown(f"“{formats.plain(evidence.quote)}”")
            if evidence.attributes:
                st.caption(formats.plain(" · ".join(f"{k}: {v}" for k, v in evidence.attributes.items())))
