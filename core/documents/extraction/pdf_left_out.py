"""What a page of a PDF holds that its text does not: pictures, attached files, glyphs without a character.

By pdfium's own functions: pypdfium2 makes a Python object of each line of a drawing.
"""

import ctypes
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium

from core.documents.extraction.pages import Pages
from core.documents.extraction.pdf_annotations import Annotation
from core.documents.extraction.pdf_calls import without_character
from core.documents.extraction.pdf_pictures import Rectangle, drawn

# With a picture over half of it and fewer characters than this, a page is a scan with a typed header, or a figure.
FEW_CHARACTERS = 200
LARGE = 0.5
# A page of so many of them is a drawing, or its letters are drawn.
MANY_OUTLINES = 200
# Objects of a page that are looked at: a form may repeat others without end.
MOST_DRAWN = 200_000
# Pixels: what is smaller in one direction is a line, a dot or a bullet, in which nothing can be written.
SMALLEST_PICTURE = 16
WHITE = 250
# Glyphs of a page that are all asked for their character.
BEGINNING = 300
_ATTACHED = (pdfium.FPDF_ANNOT_FILEATTACHMENT, pdfium.FPDF_ANNOT_SOUND, pdfium.FPDF_ANNOT_MOVIE)
IMAGE, TEXT = pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_TEXT


class LeftOut:
    """Of a whole document: a picture that stands on every page, such as a logo, is named once."""

    def __init__(self, document: pypdfium2.PdfDocument, pages: Pages) -> None:
        self._document, self._pages = document, pages
        self._pictures: set[tuple[int, int, int]] = set()
        self._has_lost = False
        pages.leave_out("ATTACHMENTS_UNREAD", count=pdfium.FPDFDoc_GetAttachmentCount(document.raw))
        if document.get_formtype() == pdfium.FORMTYPE_XFA_FULL:
            pages.leave_out("PARTS_UNREAD")  # the form itself; its pages only say that another program is needed

    def of_glyphs(self, text_page: pypdfium2.PdfTextPage, number: int, text: str) -> None:
        """Name glyphs of which the file does not tell the character: what stands in their place is made up. `text` of
        the page as pdfium gives it: all glyphs are asked for once one of those that tell is such a one, and on all
        pages after it."""
        glyphs = range(text_page.count_chars())
        asked = [*glyphs[:BEGINNING], *_telling(text)] if len(text) == len(glyphs) else glyphs
        self._has_lost = self._has_lost or without_character(text_page, asked) > 0
        lost = without_character(text_page, glyphs) if self._has_lost else 0
        self._pages.leave_out("CHARACTERS_UNREAD", number, lost)

    def of_annotations(self, page: pypdfium2.PdfPage, number: int, found: list[Annotation]) -> None:
        """`page` with all of them, and those that were read."""
        self._pages.leave_out("ATTACHMENTS_UNREAD", number, sum(one.subtype in _ATTACHED for one in found))
        self._pages.leave_out("COMMENTS_UNREAD", number, pdfium.FPDFPage_GetAnnotCount(page.raw) - len(found))

    def of_page(self, page: pypdfium2.PdfPage, number: int, text: str) -> str:
        """`page` as it was read, `text` what was read of it. `number` counts from 1. Returns the mark of what is
        recognized, which belongs below the text."""
        things = list(itertools.islice(_drawn(page.raw), MOST_DRAWN))
        pictures = [Picture(_size(one), around or _place(one)) for kind, one, around in things if kind == IMAGE]
        covers = _share(page, pictures)
        scanned = covers >= LARGE and not any(kind == TEXT and _is_invisible(one) for kind, one, _ in things)
        outlines = sum(kind == pdfium.FPDF_PAGEOBJ_PATH for kind, _, _ in things) >= MANY_OUTLINES
        few = len(text) < FEW_CHARACTERS
        if (few and (scanned or outlines)) or (not text.strip() and any(_shows(kind, one) for kind, one, _ in things)):
            draw, alone = lambda: drawn(self._document, number - 1), not text.strip()
            mark = self._pages.picture(draw, "PAGES_WITHOUT_TEXT", number, alone=alone)
        elif scanned or covers < LARGE:  # else it is the picture whose text stands there, as OCR has read it
            mark = self._of_pictures([one for one in pictures if min(one.size[:2]) >= SMALLEST_PICTURE], number)
        else:
            mark = ""
        return mark

    def _of_pictures(self, pictures: list["Picture"], number: int) -> str:
        """Those that stand on a page are one picture: its parts may be strips."""
        new = {one.size for one in pictures} - self._pictures
        if not new:
            return ""
        self._pictures |= new
        places = [one.place for one in pictures if one.size in new and one.place]
        return self._pages.picture(
            lambda: drawn(self._document, number - 1, _around(places)), "PICTURES_UNREAD", number, len(new)
        )


def _telling(text: str) -> list[int]:
    """The begin of each word, as a font that tells no characters has words of its own, and all that is no small letter
    and no figure, as single glyphs of other fonts are that have no character: TeX's ligatures come as capitals."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    plain = ((codes >= ord("0")) & (codes <= ord("9"))) | ((codes >= ord("a")) & (codes <= ord("z")))
    begins = plain.copy()
    begins[1:] &= ~plain[:-1]
    line_ends = codes == ord("\n")
    line_ends[:-1] |= line_ends[1:] & (codes[:-1] == ord("\r"))
    found: list[int] = np.flatnonzero(begins | ~(plain | (codes == ord(" ")) | line_ends)).tolist()
    return found


@dataclass(frozen=True)
class Picture:
    """`size`: width and height in pixels, and bytes."""

    size: tuple[int, int, int]
    place: Rectangle | None


def _drawn(page: pdfium.FPDF_PAGE) -> Iterator[tuple[int, pdfium.FPDF_PAGEOBJECT, Rectangle | None]]:
    """The kind of each object, the object, and the place of the outermost form it is in: objects of a form have
    coordinates of their own."""
    for number in range(pdfium.FPDFPage_CountObjects(page)):
        thing = pdfium.FPDFPage_GetObject(page, number)
        kind = pdfium.FPDFPageObj_GetType(thing)
        if kind == pdfium.FPDF_PAGEOBJ_FORM:
            yield from _inside(thing, _place(thing))
        else:
            yield kind, thing, None


def _inside(
    form: pdfium.FPDF_PAGEOBJECT, around: Rectangle | None
) -> Iterator[tuple[int, pdfium.FPDF_PAGEOBJECT, Rectangle | None]]:
    for number in range(pdfium.FPDFFormObj_CountObjects(form)):
        thing = pdfium.FPDFFormObj_GetObject(form, number)
        kind = pdfium.FPDFPageObj_GetType(thing)
        if kind == pdfium.FPDF_PAGEOBJ_FORM:
            yield from _inside(thing, around)
        else:
            yield kind, thing, around


def _is_invisible(text: pdfium.FPDF_PAGEOBJECT) -> bool:
    """As OCR writes it over a scan."""
    return bool(pdfium.FPDFTextObj_GetTextRenderMode(text) == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE)


def _shows(kind: int, thing: pdfium.FPDF_PAGEOBJECT) -> bool:
    """More than a white ground, as some programs draw under each page."""
    return not (_is_white(thing) if kind == pdfium.FPDF_PAGEOBJ_PATH else kind == TEXT and _is_invisible(thing))


def _size(picture: pdfium.FPDF_PAGEOBJECT) -> tuple[int, int, int]:
    width, height = ctypes.c_uint(), ctypes.c_uint()
    pdfium.FPDFImageObj_GetImagePixelSize(picture, width, height)
    return width.value, height.value, pdfium.FPDFImageObj_GetImageDataRaw(picture, None, 0)


def _is_white(path: pdfium.FPDF_PAGEOBJECT) -> bool:
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    if not pdfium.FPDFPath_GetDrawMode(path, fill, stroke) or stroke.value or not fill.value:
        return not stroke.value  # neither filled nor stroked: it only clips
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    pdfium.FPDFPageObj_GetFillColor(path, red, green, blue, alpha)
    return min(red.value, green.value, blue.value) >= WHITE


def _place(thing: pdfium.FPDF_PAGEOBJECT) -> Rectangle | None:
    sides = [ctypes.c_float() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetBounds(thing, *sides):
        return None
    left, bottom, right, top = (side.value for side in sides)
    return left, bottom, right, top


def _around(places: list[Rectangle]) -> Rectangle | None:
    if not places:
        return None
    left, bottom, right, top = zip(*places, strict=True)
    return min(left), min(bottom), max(right), max(top)


def _share(page: pypdfium2.PdfPage, pictures: list[Picture]) -> float:
    """How much of the page pictures cover, as one or in strips."""
    left, bottom, right, top = page.get_bbox()
    whole = (right - left) * (top - bottom)
    covered = 0.0
    for place in {one.place for one in pictures if one.place}:
        width = min(right, place[2]) - max(left, place[0])
        height = min(top, place[3]) - max(bottom, place[1])
        covered += max(0.0, width) * max(0.0, height)
    return min(1.0, covered / whole) if whole > 0 else 0.0
