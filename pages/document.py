"""One document: what it is, its text page by page with a quote marked, its original."""

import bisect

import streamlit as st

from core import documents
from core.extraction import SUPPORTED
from core.reports import documents as report
from core.reports import insights
from pages import widgets

WINDOW = 6_000
# Characters shown before and after a quote, so that it is seen without scrolling.
AROUND = 300


def number(name: str) -> int | None:
    value = st.query_params.get(name, "")
    return int(value) if value.isdecimal() else None


document_id = st.query_params.get("id", "")
found = report.by_ids([document_id])
if not found:
    st.title("Document")
    st.info("This document is not there. It may have been deleted.")
    if st.button("All documents"):
        st.switch_page("documents.py")
    st.stop()
document = found[0]

st.title(widgets.plain(document.name))
widgets.show_told()
with st.container(horizontal=True, vertical_alignment="center"):
    widgets.state_badge(document.state)
    facts = [
        SUPPORTED.get(document.media_type, document.media_type),
        widgets.size(document.size_bytes),
        f"{document.pages:,} pages" if document.pages else "",
        f"{document.tokens:,} tokens" if document.tokens is not None else "",
        f"language {document.language}" if document.language else "",
        f"in {widgets.plain(document.collection)}",
        f"added {widgets.ago(document.created_at, widgets.utc_now())}",
    ]
    st.caption(" · ".join(fact for fact in facts if fact))

with st.container(horizontal=True):
    st.download_button(
        "Download original",
        data=lambda: b"".join(documents.original(document.id)[1]),
        file_name=document.name,
        mime="application/octet-stream",
        on_click="ignore",
        icon=":material/download:",
    )
    if document.state == "failed" and st.button("Try again", type="primary"):
        widgets.attempt(lambda: documents.retry(document.id), "It is read again.")
        st.rerun()

if document.state == "failed":
    st.error(document.error_message or "It could not be read.", icon=":material/error:")
    st.stop()
if document.state != "ready":
    st.info("The text is being extracted. This page follows.")

    @widgets.live(1)
    def wait() -> None:
        if report.by_ids([document_id])[0].state in ("ready", "failed"):
            st.rerun()

    wait()
    st.stop()

stored = documents.text_of(document.id)
start, end = number("start"), number("end")
starts = stored.page_starts if document.pages else list(range(0, max(len(stored.text), 1), WINDOW))
shown = bisect.bisect_right(starts, start) if start is not None else 1

left, right = st.columns([5, 3], gap="large")
with left:
    label = "Page" if document.pages else "Part"
    page = st.pagination(len(starts), default=max(1, min(shown, len(starts)))) if len(starts) > 1 else 1
    first = starts[page - 1]
    last = starts[page] if page < len(starts) else len(stored.text)
    if start is not None and end is not None and first <= start < last:
        last = max(last, min(end, len(stored.text)))
        st.caption(
            f":material/format_quote: The quote stands on {label.lower()} {page}, characters {start:,} to {end:,}."
        )
        with st.container(border=True):
            around = max(first, start - AROUND)
            widgets.highlighted(stored.text[around : min(end + AROUND, last)], start - around, end - around)
        st.caption(f"The whole {label.lower()}")
        widgets.highlighted(stored.text[first:last], start - first, end - first)
    else:
        st.caption(f"{label} {page} of {len(starts)}")
        widgets.highlighted(stored.text[first:last], None, None)
with right:
    st.subheader("Insights from here")
    mine = insights.find(document=document.id, limit=50).items
    for evidence in insights.evidence([i.id for i in mine]):
        if evidence.document != document.id or evidence.start is None:
            continue
        if st.button(widgets.plain(evidence.quote[:140]), key=f"{evidence.insight}-{evidence.start}", type="tertiary"):
            target = {"id": document.id, "start": str(evidence.start), "end": str(evidence.end)}
            st.switch_page("document.py", query_params=target)
    if not mine:
        st.caption("None yet. Ask something of this document on the Analyse page.")
