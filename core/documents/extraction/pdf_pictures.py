"""What a page of a PDF shows beside its text, as a picture: its words are recognized."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

DOTS_PER_INCH = 200
LONGEST_SIDE = 4000
_QUALITY = 80
Rectangle = tuple[float, float, float, float]


def drawn(document: pypdfium2.PdfDocument, number: int, part: Rectangle | None = None) -> bytes | None:
    """The page without its text, which is read already, or a part of it: left, bottom, right and top, in points. A page
    of its own is loaded for it: pieces of the one that is read stay whole."""
    page = document[number]
    try:
        if min(page.get_size()) < 1:
            return None
        _take_text_out_of(page.raw)
        scale = min(DOTS_PER_INCH / 72, LONGEST_SIDE / max(page.get_size()))
        image = page.render(scale=scale, grayscale=True, may_draw_forms=False, draw_annots=False).to_pil()
        if part:
            image = image.crop(_on_paper(page, part, image.size))
        out = BytesIO()
        image.save(out, "JPEG", quality=_QUALITY)
        return out.getvalue()
    finally:
        page.close()


# How pdfium counts, gets and removes what stands on a page, and inside of a form on it.
_ON_A_PAGE = pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, pdfium.FPDFPage_RemoveObject
_IN_A_FORM = pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, pdfium.FPDFFormObj_RemoveObject


def _take_text_out_of(holder: Any, how: tuple[Callable[..., Any], ...] = _ON_A_PAGE) -> None:
    count, get, remove = how
    for number in reversed(range(count(holder))):
        thing = get(holder, number)
        kind = pdfium.FPDFPageObj_GetType(thing)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT and remove(holder, thing):
            pdfium.FPDFPageObj_Destroy(thing)
        elif kind == pdfium.FPDF_PAGEOBJ_FORM:
            _take_text_out_of(thing, _IN_A_FORM)


def _on_paper(page: pypdfium2.PdfPage, part: Rectangle, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """In pixels of the page as it is shown, which may be turned."""
    left, bottom, right, top = page.get_bbox()
    wide, high = max(right - left, 1), max(top - bottom, 1)
    x0, x1 = sorted(min(1.0, max(0.0, (x - left) / wide)) for x in (part[0], part[2]))
    y0, y1 = sorted(min(1.0, max(0.0, (top - y) / high)) for y in (part[1], part[3]))
    for _ in range(page.get_rotation() // 90):
        x0, y0, x1, y1 = 1 - y1, x0, 1 - y0, x1
    width, height = size
    box = int(x0 * width), int(y0 * height), int(x1 * width) + 1, int(y1 * height) + 1
    return max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3])
