"""PDF, by pdfium. It is not safe in threads and can crash: only ever in the child process."""

import re
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from core.documents.extraction import failures
from core.documents.extraction.pages import Pages
from core.documents.extraction.pdf_left_out import LeftOut, annotations

# pdfium joins a word that was broken at a line's end and leaves this in the place of its hyphen.
_LINE_END_HYPHEN = re.compile("(?<=(.))\ufffe(?=(.))")


def read(path: Path, pages: Pages) -> None:
    document = _open(path)
    pages.expect(len(document))
    has_form = document.get_formtype() != pdfium.FORMTYPE_NONE
    if has_form:
        document.init_forms()
    left_out = LeftOut(document, pages)
    for number in range(len(document)):
        pages.add(_text(document, number, has_form, left_out))


def _open(path: Path) -> pypdfium2.PdfDocument:
    try:
        # What came with a mail lies in memory, under a path that resolves to none.
        document = pypdfium2.PdfDocument(path if path.resolve().exists() else path.read_bytes())
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise failures.encrypted() from None
        raise failures.corrupt("it is not a whole PDF") from None
    if not len(document):
        raise failures.corrupt("it has no pages")
    return document


def _text(document: pypdfium2.PdfDocument, number: int, has_form: bool, left_out: LeftOut) -> str:
    try:
        page = document[number]
        notes = annotations(document, page)
        if has_form:
            page.flatten()  # what was filled in becomes part of the page
            page.close()
            page = document[number]
        text_page = page.get_textpage()
        # Not get_text_bounded: it leaves out what runs over the page's edge.
        text = text_page.get_text_range()
        left_out.of_glyphs(text_page, number + 1)
        left_out.of_page(page, number + 1, text, notes)
    except pypdfium2.PdfiumError as error:
        raise failures.corrupt(f"page {number + 1} is damaged ({error})") from None
    text_page.close()
    page.close()
    return _LINE_END_HYPHEN.sub(_joined, text).replace("\ufffe", "-").strip()


def _joined(hyphen: re.Match[str]) -> str:
    """pack-ages is one word, S-Plus and 12-page keep their hyphen."""
    return "" if hyphen[1].isalpha() and hyphen[2].islower() else "-"
