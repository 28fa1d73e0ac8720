"""One document: its facts, what can be done with it, its text with what is quoted of it, and its insights."""

import streamlit as st

from core.access import keys
from core.documents import content, extract, report
from core.documents.extraction import SUPPORTED
from core.insights import document_report
from core.insights.document_report import Passage
from core.runtime import db
from core.tables.documents import UNPACKED
from pages.common import api_links, failures, formats, widgets
from pages.document import beside, in_text, instructions, parts, picture
from pages.document.text import PagedText
from pages.parts import choices, kept_until
from pages.parts.deletion import ask_to_delete
from pages.parts.moving import ask_to_move
from pages.words import documents

LONGEST_TITLE = 60


def number(name: str) -> int | None:
    value = st.query_params.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 12 else None


document_id = st.query_params.get("id", "")
asked = number("start"), number("end")
with db.side_by_side() as group:
    of_id = group.read(report.by_ids, [document_id])
    group.ahead(content.quoted_in, document_id, *asked)
    group.ahead(keys.any_made)  # for links to files
found = of_id.found
if not found:
    st.title("Document")
    failures.show_notice()
    st.info("This document is not there. It may have been deleted." if document_id else "This link names no document.")
    failures.offer_workspace(document_id)
    widgets.back_link("All documents", "documents/documents.py")
    st.stop()
document = found[0]

now = formats.utc_now()
st.set_page_config(page_title=f"{document.name[:LONGEST_TITLE]} · Cairn")
st.title(formats.plain(document.name))
failures.show_notice()
with st.container(horizontal=True, vertical_alignment="center"):
    widgets.state_badge(document.state)
    facts = [
        formats.plain(SUPPORTED.get(document.media_type, document.media_type)),
        formats.size(document.size_bytes),
        formats.count(document.pages, "page") if document.pages else "",
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
    st.link_button("Download original", api_links.link(f"documents/{document.id}/original"), icon=":material/download:")
    if document.state == "failed" and st.button("Try again", icon=":material/replay:"):
        failures.attempt(lambda: extract.retry(document.id), "It is read again.")
        st.rerun()
    if document.state == "ready" and st.button("Analyse", icon=":material/play_circle:"):
        choices.analyse([document.id])
    in_text.button(document)
    if st.button("Move", icon=":material/drive_file_move:", help="To another collection."):
        ask_to_move([document])
    if st.button("Delete", icon=":material/delete:"):
        ask_to_delete([document])

parts.whole(document)
if document.state == "failed":
    failures.show_error(document.error_message or "It could not be read.", document.correlation_id)
    st.stop()
if document.state == UNPACKED:
    parts.show(document)
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
stored, quote = db.read(content.quoted_in, document_id, *asked)
if quote is None and None not in asked:
    st.info("No quote is known at this place of the text any more, so none is marked. It may have been read again.")
text = PagedText(stored.text, stored.page_starts if document.pages else None)
instructing = content.marked(stored) or ()
instructions.show(instructing, text)


def open_passage(one: Passage) -> None:
    widgets.go("document/document.py", id=document_id, start=str(one.start), end=str(one.end))


pictured = picture.has(document)
columns = st.columns([4, 4, 3] if pictured else [5, 3], gap="medium")
with columns[0]:
    part = text.choose(quote)
    with db.side_by_side() as group:
        quoted_here = group.read(document_report.passages, document.id, part.first, part.last)
        group.ahead(document_report.quoted, document.id)
    if text.in_parts and document.pages and part.number in (document.read_by_ocr or ()):
        st.caption(f":material/document_scanner: {documents.THIS_PAGE}")
    passages = quoted_here.found
    there = [one for one in instructing if one.start < part.last and part.first < one.end]
    beside.legend(passages, opened=text.has(part, quote), instructs=bool(there))
    text.show(part, quote, [*beside.marks(passages), *instructions.marks(there)])

if pictured:
    with columns[1]:
        picture.show(document, part.number)
with columns[-1]:
    beside.show(document.id, passages, text, quote, open_passage)
