"""Whether all of a document is in its text, and how it is read again."""

import streamlit as st

from core.documents import extract, report, warnings
from core.documents.report import DocumentRow
from core.tables.documents import UNPACKED, DocumentWarning
from pages.common import failures, formats
from pages.words import documents


def show(document: DocumentRow) -> None:
    """Of a document that is ready, or an archive that is unpacked."""
    if document.again == "failed":
        reason = document.again_error_message or ""
        failures.show_error(
            f"It could not be read again, and its text stays as it was. {reason}", document.again_correlation_id
        )
    elif document.again:
        st.info("It is being read again. Until then its text stays in use.")
        _wait(document)
    if document.warnings is None:
        st.caption(f":material/help: {warnings.NOT_KNOWN}")
    elif document.warnings:
        where = "its documents" if document.state == UNPACKED else "the text below"
        lines = "\n".join(_line(one) for one in document.warnings)
        st.warning(f"**Not in {where}:**\n{lines}", icon=":material/content_cut:")
    else:
        st.caption(f":material/done_all: {warnings.ALL}")
    if document.read_by_ocr:
        pages = document.read_by_ocr if document.pages and document.pages > 1 else []
        st.caption(f":material/document_scanner: {formats.plain(documents.recognized(pages))}")


def _line(warning: DocumentWarning) -> formats.Markdown:
    more = ", …" if len(warning.names) < warning.count else ""
    names = f" ({', '.join(warning.names)}{more})" if warning.names else ""
    return f"- {formats.plain(warnings.message(warning) + names)}"


def button(document: DocumentRow) -> None:
    if document.state not in ("ready", UNPACKED):
        return
    going = document.again in ("waiting", "reading")
    if st.button("Read again", icon=":material/refresh:", disabled=going):
        failures.attempt(lambda: extract.retry(document.id), "It is read again. Until then its text stays in use.")
        st.rerun()


def _wait(document: DocumentRow) -> None:
    @failures.live(1)
    def wait() -> None:
        if [row.again for row in report.by_ids([document.id])] != [document.again]:
            st.rerun()

    wait()
