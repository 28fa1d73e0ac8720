"""Straight lines that are drawn on a page of a PDF: they tell the rows of a table."""

import ctypes
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2.raw as pdfium

# Objects and parts of them that are looked at: a drawing has hundreds of thousands.
MOST_OBJECTS, MOST_PARTS = 5_000, 20_000
# Points: a line is not thicker, and not shorter.
THICKEST, SHORTEST = 2.5, 8.0
# Points between two lines that go on in one another.
NEAR = 3.0
Point = tuple[float, float]


@dataclass(frozen=True)
class Rulings:
    """`level`: left, right and height of each that lies."""

    level: tuple[tuple[float, float, float], ...] = ()

    def across(self, left: float, right: float, bottom: float, top: float) -> list[float]:
        """Heights between `bottom` and `top` of those that lie and go from `left` to `right`, from the top."""
        heights = [y for begin, end, y in self.level if bottom < y < top and begin <= left and end >= right]
        return sorted(heights, reverse=True)


def rulings_of(page: pdfium.FPDF_PAGE, quarters: int) -> Rulings:
    """`quarters`: how far the page is turned, clockwise, so that its words run from the left."""
    level = []
    for stroke in itertools.islice(_strokes(page), MOST_PARTS):
        begin, end = (_turned(point, quarters) for point in stroke)
        left, right = sorted((begin[0], end[0]))
        bottom, top = sorted((begin[1], end[1]))
        if top - bottom <= THICKEST and right - left >= SHORTEST:
            level.append((left, right, (bottom + top) / 2))
    return Rulings(_whole(level))


def _turned(point: Point, quarters: int) -> Point:
    for _ in range(quarters):
        point = point[1], -point[0]
    return point


def _whole(level: list[tuple[float, float, float]]) -> tuple[tuple[float, float, float], ...]:
    """One line of those that go on in one another, as the borders of cells do."""
    lines: list[list[float]] = []
    for left, right, y in sorted(level, key=lambda one: (round(one[2]), one[0])):
        last = lines[-1] if lines else None
        if last is not None and abs(last[2] - y) <= THICKEST and left - last[1] <= NEAR:
            last[1] = max(last[1], right)
        else:
            lines.append([left, right, y])
    return tuple((left, right, y) for left, right, y in lines)


def _strokes(page: pdfium.FPDF_PAGE) -> Iterator[tuple[Point, Point]]:
    for number in range(min(pdfium.FPDFPage_CountObjects(page), MOST_OBJECTS)):
        thing = pdfium.FPDFPage_GetObject(page, number)
        if pdfium.FPDFPageObj_GetType(thing) == pdfium.FPDF_PAGEOBJ_PATH:
            yield from _of_path(thing)


def _of_path(path: pdfium.FPDF_PAGEOBJECT) -> Iterator[tuple[Point, Point]]:
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(path, matrix)
    x, y = ctypes.c_float(), ctypes.c_float()
    start = before = None
    for number in range(pdfium.FPDFPath_CountSegments(path)):
        part = pdfium.FPDFPath_GetPathSegment(path, number)
        pdfium.FPDFPathSegment_GetPoint(part, x, y)
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        kind = pdfium.FPDFPathSegment_GetType(part)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            start = point
        elif kind == pdfium.FPDF_SEGMENT_LINETO and before is not None:
            yield before, point
            if start is not None and pdfium.FPDFPathSegment_GetClose(part):
                yield point, start
        before = point
