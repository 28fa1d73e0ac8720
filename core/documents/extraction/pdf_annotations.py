"""What lies on a page of a PDF and is no part of it: fields of a form, what was typed or stamped on it, notes.

All that shows words by itself becomes part of the page when pdfium flattens it. What is left is said here: the state
of a box, words that the file gives and does not draw, and notes, of which a page shows a sign or a colour at most.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

FREE_TEXT, STAMP, STRIKE_OUT = pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP, pdfium.FPDF_ANNOT_STRIKEOUT
MARKS = (
    *(pdfium.FPDF_ANNOT_HIGHLIGHT, pdfium.FPDF_ANNOT_UNDERLINE, pdfium.FPDF_ANNOT_SQUIGGLY),
    *(STRIKE_OUT, pdfium.FPDF_ANNOT_REDACT),
)
# What a note may be written in. Links, pop-ups (of other notes) and fields are none.
NOTES = (
    *(*MARKS, STAMP, pdfium.FPDF_ANNOT_TEXT, pdfium.FPDF_ANNOT_CARET, pdfium.FPDF_ANNOT_LINE),
    *(pdfium.FPDF_ANNOT_SQUARE, pdfium.FPDF_ANNOT_CIRCLE, pdfium.FPDF_ANNOT_POLYGON, pdfium.FPDF_ANNOT_POLYLINE),
    *(pdfium.FPDF_ANNOT_INK, pdfium.FPDF_ANNOT_FILEATTACHMENT),
)
# What may show words by itself, once it is part of the page.
DRAWN = (FREE_TEXT, STAMP, pdfium.FPDF_ANNOT_WIDGET)
BOXES = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
VALUES = (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX)
PASSWORD = 1 << 13
HIDDEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
# Of one page: more are a drawing.
MOST = 5_000
MOST_MARKS = 200
Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Annotation:
    """`field`: of which kind, -1 for none; `value` and `ticked` are its own. `marks`: what it lies on, by corners as
    `place`: left, bottom, right, top."""

    subtype: int
    words: str
    author: str
    place: Rectangle
    marks: tuple[Rectangle, ...]
    field: int
    value: str
    ticked: bool
    hidden: bool


def annotations(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage) -> list[Annotation]:
    """To be read before the page is flattened: it has none any more then."""
    found = []
    form = document.formenv.raw if document.formenv else None
    for number in range(min(pdfium.FPDFPage_GetAnnotCount(page.raw), MOST)):
        annotation = pdfium.FPDFPage_GetAnnot(page.raw, number)
        found.append(_annotation(annotation, form))
        pdfium.FPDFPage_CloseAnnot(annotation)
    return found


def _annotation(annotation: pdfium.FPDF_ANNOTATION, form: pdfium.FPDF_FORMHANDLE | None) -> Annotation:
    subtype = pdfium.FPDFAnnot_GetSubtype(annotation)
    field = pdfium.FPDFAnnot_GetFormFieldType(form, annotation) if form else -1
    shown = field in VALUES and not pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & PASSWORD
    return Annotation(
        subtype,
        _string(lambda *into: pdfium.FPDFAnnot_GetStringValue(annotation, b"Contents", *into)),
        _string(lambda *into: pdfium.FPDFAnnot_GetStringValue(annotation, b"T", *into)) if field < 0 else "",
        _place(annotation),
        _marks(annotation) if subtype in MARKS else (),
        field,
        _string(lambda *into: pdfium.FPDFAnnot_GetFormFieldValue(form, annotation, *into)) if shown else "",
        field in BOXES and bool(pdfium.FPDFAnnot_IsChecked(form, annotation)),
        bool(pdfium.FPDFAnnot_GetFlags(annotation) & HIDDEN),
    )


def _string(read: Callable[..., int]) -> str:
    """`read` is given a buffer and its size, and returns the size that is needed."""
    size = read(None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    read(ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw.decode("utf-16-le", "replace").rstrip("\0")


def _place(annotation: pdfium.FPDF_ANNOTATION) -> Rectangle:
    place = pdfium.FS_RECTF()
    pdfium.FPDFAnnot_GetRect(annotation, place)
    return place.left, place.bottom, place.right, place.top


def _marks(annotation: pdfium.FPDF_ANNOTATION) -> tuple[Rectangle, ...]:
    found = []
    corners = pdfium.FS_QUADPOINTSF()
    for number in range(min(pdfium.FPDFAnnot_CountAttachmentPoints(annotation), MOST_MARKS)):
        if pdfium.FPDFAnnot_GetAttachmentPoints(annotation, number, corners):
            across = corners.x1, corners.x2, corners.x3, corners.x4
            up = corners.y1, corners.y2, corners.y3, corners.y4
            found.append((min(across), min(up), max(across), max(up)))
    return tuple(found)


def notes(found: list[Annotation], text_page: pypdfium2.PdfTextPage, text: str) -> list[str]:
    """A line for each, in brackets, with what it is about."""
    words = "".join(text.split())
    return [line for one in found if one.subtype in NOTES and not one.hidden and (line := _note(one, text_page, words))]


def _note(one: Annotation, text_page: pypdfium2.PdfTextPage, words: str) -> str:
    said = " ".join(one.words.split())
    about = " ".join(" ".join(text_page.get_text_bounded(*mark) for mark in one.marks).split())
    if one.subtype == STAMP:
        return f"[Stamp: {said}]" if said and "".join(said.split()) not in words else ""
    if one.subtype == STRIKE_OUT and not said:
        return f"[Struck out: {about}]" if about else ""
    if not said or (said == about and one.subtype in MARKS):  # some programs copy what was marked
        return ""
    by = f" by {' '.join(one.author.split())}" if one.author.strip() else ""
    on = f' on "{about}"' if about else ""
    return f"[Comment{by}{on}: {said}]"
