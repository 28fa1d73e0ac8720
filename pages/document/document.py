"""One document: its facts, what can be done with it, its text with a quote marked, and its insights."""

import streamlit as st

from core.documents import content, extract, report
from core.documents.extraction import SUPPORTED
from core.insights import evidence_report
from core.insights import report as insights_report
from core.insights.report import Filters
from pages.common import failures, formats, widgets
from pages.document import in_text
from pages.document.text import PagedText
from pages.parts import choices, kept_until
from pages.parts.deletion import ask_to_delete
from pages.words import quotes


def number(name: str) -> int | None:
    value = st.query_params.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 12 else None


document_id = st.query_params.get("id", "")
found = report.by_ids([document_id])
if not found:
    st.title("Document")
    failures.show_notice()
    st.info("This document is not there. It may have been deleted." if document_id else "This link names no document.")
    widgets.back_link("All documents", "documents/documents.py")
    st.stop()
document = found[0]

now = formats.utc_now()
st.title(formats.plain(document.name))
failures.show_notice()
with st.container(horizontal=True, vertical_alignment="center"):
    widgets.state_badge(document.state)
    facts = [
        formats.plain(SUPPORTED.get(document.media_type, document.media_type)),
        formats.size(document.size_bytes),
        f"{document.pages:,} pages" if document.pages else "",
        f"{document.tokens:,} tokens" if document.tokens is not None else "",
        f"language {formats.plain(document.language)}" if document.language else "",
        f"in {formats.plain(document.collection)}",
        f"added {formats.ago(document.created_at, now)}",
        kept_until.document(document.created_at, document.collection, now),
    ]
    st.caption(" · ".join(fact for fact in facts if fact))

with st.container(horizontal=True, vertical_alignment="center"):
    widgets.back_link("All documents", "documents/documents.py")
    # From the API: it streams, and asks who is asking.
    st.link_button("Download original", f"api/v1/documents/{document.id}/original", icon=":material/download:")
    if document.state == "failed" and st.button("Try again", icon=":material/replay:"):
        failures.attempt(lambda: extract.retry(document.id), "It is read again.")
        st.rerun()
    if document.state == "ready" and st.button("Analyse", icon=":material/play_circle:"):
        choices.analyse([document.id])
    in_text.button(document)
    if st.button("Delete", icon=":material/delete:"):
        ask_to_delete([document])

if document.state == "failed":
    failures.show_error(document.error_message or "It could not be read.", document.correlation_id)
    st.stop()
if document.state != "ready":
    st.info("The text is being extracted. This page follows.")

    @failures.live(1)
    def wait() -> None:
        if not [row for row in report.by_ids([document_id]) if row.state in ("queued", "extracting")]:
            st.rerun()

    wait()
    st.stop()

in_text.show(document)
asked = number("start"), number("end")
stored, quote = content.quoted_in(document.id, *asked)
if quote is None and None not in asked:
    st.info("No quote is known at this place of the text any more, so none is marked. It may have been read again.")
text = PagedText(stored.text, stored.page_starts if document.pages else None)

left, right = st.columns([5, 3], gap="medium")
with left:
    text.show(quote)

with right:
    st.subheader("Insights from here")
    mine = {insight.id: insight for insight in insights_report.find(Filters(document=document.id), limit=50).items}
    found_here = [e for e in evidence_report.evidence([*mine]) if e.document == document.id]
    # Each once, at its first quote: several answers may bring the same one, and one answer several.
    places: dict[str, tuple[int, int]] = {}
    for at, until, insight in sorted((e.start or 0, e.end or 0, e.insight) for e in found_here if e.end is not None):
        places.setdefault(insight, (at, until))
    with widgets.lines("places"):
        for insight, (at, until) in places.items():
            statement = mine[insight].words
            shown = formats.plain(statement[:140]) + ("…" if statement[140:] else "")
            if st.button(shown, key=insight, type="tertiary", wrap=True, on_click=text.turn_to, args=(at,)):
                widgets.go("document/document.py", id=document.id, start=str(at), end=str(until))
    not_found = {e.insight: e for e in found_here if e.insight not in places}
    if not_found:
        st.caption(quotes.NO_SUPPORT_HERE)
        for insight, evidence in not_found.items():
            statement = mine[insight].words
            shown = formats.plain(statement[:140]) + ("…" if statement[140:] else "")
            widgets.link(shown, "insight/insight.py", ":material/help:", id=insight)
            st.caption(quotes.verdict(evidence))
    if not (places or not_found):
        st.caption("None yet. Ask something of this document on the Analyse page.")
