"""A page of a PDF as people see it, beside its text: a quote is checked against the paper, too."""

import html

import streamlit as st

from core.documents.extraction.formats import PDF
from core.documents.report import DocumentRow
from pages.common import api_links

STYLE = "width:100%;border:1px solid rgba(128,128,128,.35);border-radius:.3rem;background:#fff"


def has(document: DocumentRow) -> bool:
    return document.media_type == PDF and bool(document.pages)


def show(document: DocumentRow, page: int) -> None:
    """From the API, which has it drawn when it is looked at."""
    address = html.escape(api_links.link(f"documents/{document.id}/pages/{page:d}/image"))
    st.caption(f"Page {page:,} as it looks. A click shows it larger.")
    st.html(
        f"<a href='{html.escape(address)}' target='_blank'><img src='{html.escape(address)}' loading='lazy' "
        f"alt='Page {page:d} as it looks; without a picture, download the original' "
        f"style='{html.escape(STYLE)}'></a>"
    )
