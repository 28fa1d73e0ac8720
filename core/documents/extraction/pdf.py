"""PDF, by pdfium. It is not safe in threads and can crash: only ever in the child process."""

from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from core.documents.extraction import failures, pdf_annotations, pdf_fields, pdf_layout, pdf_words
from core.documents.extraction.pages import Pages
from core.documents.extraction.pdf_annotations import Annotation, annotations
from core.documents.extraction.pdf_hyphens import Hyphens, Line
from core.documents.extraction.pdf_left_out import LeftOut
from core.documents.extraction.pdf_rulings import rulings_of


def read(path: Path, pages: Pages) -> None:
    document = _open(path)
    pages.expect(len(document))
    if document.get_formtype() != pdfium.FORMTYPE_NONE:
        document.init_forms()
    left_out, hyphens = LeftOut(document, pages), Hyphens()
    for number in range(len(document)):
        pages.add(_text(document, number, hyphens, left_out))


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


def _text(document: pypdfium2.PdfDocument, number: int, hyphens: Hyphens, left_out: LeftOut) -> str:
    try:
        page = document[number]
        found = annotations(document, page)
        left_out.of_annotations(page, number + 1, found)
        if any(one.subtype in pdf_annotations.DRAWN for one in found):
            # What was filled in or laid on becomes part of the page. pypdfium2 does it for forms alone.
            pdfium.FPDFPage_Flatten(page.raw, pdfium.FLAT_NORMALDISPLAY)
            page.close()
            page = document[number]
        text_page = page.get_textpage()
        drawn = text_page.get_text_range()  # not get_text_bounded: it leaves out what runs over the page's edge
        text = _arranged(page, text_page, drawn, found, hyphens)
        notes = pdf_annotations.notes(found, text_page, text)
        left_out.of_glyphs(text_page, number + 1, drawn)
        mark = left_out.of_page(page, number + 1, text)
    except pypdfium2.PdfiumError as error:
        raise failures.corrupt(f"page {number + 1} is damaged ({error})") from None
    text_page.close()
    page.close()
    return "\n".join([text, *notes, mark]).strip("\n ")


def _arranged(
    page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage, drawn: str, found: list[Annotation], hyphens: Hyphens
) -> str:
    hyphens.see(drawn)
    words = pdf_words.words_of(drawn, text_page, page.get_rotation() // 90)
    if words is None:
        lines = [line for part in drawn.replace("\r\n", "\n").split("\n") for line in _unbroken(part)]
        laid_on = pdf_fields.with_fields([], found, drawn, 0)
        return hyphens.joined([*lines, *(Line(one.text, running=False) for one in laid_on)])
    upright = pdf_fields.with_fields(words.upright, found, drawn, words.quarters)
    lines = pdf_layout.lines_of(upright, lambda: rulings_of(page.raw, words.quarters))
    return hyphens.joined([*lines, *(Line(one.text, one.broken) for one in words.others)])


def _unbroken(line: str) -> list[Line]:
    """Lines that pdfium has put together where a hyphen breaks a word."""
    *broken, last = line.split(pdf_words.BROKEN)
    return [*(Line(part, broken=True) for part in broken), Line(last)]
