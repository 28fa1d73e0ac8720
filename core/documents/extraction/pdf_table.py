"""Pieces that stand side by side, as rows with a tab between cells: an empty cell leaves two."""

import itertools
from collections.abc import Iterator, Sequence

from core.documents.extraction.pdf_hyphens import Line
from core.documents.extraction.pdf_rulings import Rulings
from core.documents.extraction.pdf_words import Piece

# A share of the lower one's height that two pieces of one row have in common.
SAME_ROW = 0.45
# In heights of a line.
NARROWEST_GAP, NEXT_LINE = 0.3, 1.45
# A share of its column's width: a line that takes less of it did not have to be wrapped.
FULL = 0.6
# Points.
ALIGNED = 2.0
GOES_ON = 0.5
Cells = list[list[Piece]]


def rows_of(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """From the top, each from the left."""
    rows: list[list[Piece]] = []
    bottom = top = 0.0
    for piece in sorted(pieces, key=_from_top):
        low = piece.bottom if piece.bottom > bottom else bottom
        high = piece.top if piece.top < top else top
        if rows and high > low and high - low > SAME_ROW * min(top - bottom, piece.top - piece.bottom):
            rows[-1].append(piece)
        else:
            rows.append([piece])
            bottom, top = piece.bottom, piece.top
    for row in rows:
        if len(row) > 1:
            row.sort(key=_from_left)
    return rows


def _from_top(piece: Piece) -> float:
    return -piece.top - piece.bottom


def _from_left(piece: Piece) -> float:
    return piece.left


def table(pieces: Sequence[Piece], height: float, rulings: Rulings) -> list[Line]:
    """`height` of a line. A cell that was wrapped is whole again, where lines or the other cells show that it was."""
    edges = _columns(pieces, height)
    lines = rows_of(pieces)
    rows = [_cells(row, edges) for row in lines]
    if _is_form(rows):
        return [Line("\t".join(one.written for one in line), running=False) for line in lines]
    widths = [max((one.right for row in rows for one in row[at]), default=0.0) - edge for at, edge in enumerate(edges)]
    whole: list[Cells] = []
    for band in _bands(rows, pieces, rulings):
        if len(band) > 1 and _is_wrapped(band, widths):
            whole.append([list(itertools.chain.from_iterable(column)) for column in zip(*band, strict=True)])
            continue
        for row in band:
            if whole and _goes_on(whole[-1], row, height):
                whole[-1] = [above + below for above, below in zip(whole[-1], row, strict=True)]
            else:
                whole.append(row)
    return list(_told(whole))


def _told(rows: list[Cells]) -> Iterator[Line]:
    """A row ends, for now, where a hyphen breaks a word in one of its cells."""
    for row in rows:
        last = max(column for column, cell in enumerate(row) if cell)
        goes_on = last == 0 and row[0][-1].broken
        text = ""
        for column, cell in enumerate(row[: last + 1]):
            for piece in cell[:-1]:
                text += piece.text if piece.broken else f"{piece.text} "
                if piece.broken:
                    yield Line(text, broken=True, running=False)
                    text = ""
            end = cell[-1] if cell else None
            text += "" if end is None else end.text if goes_on else end.written
            text += "\t" if column < last else ""
        yield Line(text, goes_on, running=False)


def _is_form(rows: list[Cells]) -> bool:
    """Labels and values in places of their own, line by line: most of its columns are none."""
    columns = [[cell for cell in column if cell] for column in zip(*rows, strict=True)]
    filled = sum(map(len, columns))
    strewn = sum(not _is_aligned([cell[0] for cell in column], [cell[-1] for cell in column]) for column in columns)
    return filled * 2 < len(rows) * len(columns) and strewn * 2 > len(columns)


def _is_aligned(first: list[Piece], last: list[Piece]) -> bool:
    lefts, rights = sorted(one.left for one in first), sorted(one.right for one in last)
    return any(b - a <= ALIGNED for side in (lefts, rights) for a, b in itertools.pairwise(side))


def _columns(pieces: Sequence[Piece], height: float) -> list[float]:
    """Where each begins."""
    edges: list[float] = []
    end = float("-inf")
    for piece in sorted(pieces, key=lambda one: one.left):
        if piece.left - end >= NARROWEST_GAP * height:
            edges.append(piece.left)
        end = max(end, piece.right)
    return edges


def _cells(row: list[Piece], edges: list[float]) -> Cells:
    cells: Cells = [[] for _ in edges]
    for piece in row:
        cells[max((n for n, edge in enumerate(edges) if edge <= piece.left + 0.5), default=0)].append(piece)
    return cells


def _bands(rows: list[Cells], pieces: Sequence[Piece], rulings: Rulings) -> list[list[Cells]]:
    """Rows between two lines that are drawn across the table; each by itself where there are none."""
    bottom, top = min(one.bottom for one in pieces), max(one.top for one in pieces)
    left, right = min(one.left for one in pieces), max(one.right for one in pieces)
    drawn = rulings.across(left + 2, right - 2, bottom, top)
    if not drawn:
        return [[row] for row in rows]
    bands: list[list[Cells]] = [[] for _ in range(len(drawn) + 1)]
    for row in rows:
        middle = next(one.middle for cell in row for one in cell)
        bands[sum(y > middle for y in drawn)].append(row)
    return [band for band in bands if band]


def _is_wrapped(band: list[Cells], widths: list[float]) -> bool:
    """Whether most lines below others in their cell go on what stands above them."""
    below = going_on = 0
    for column, width in zip(zip(*band, strict=True), widths, strict=True):
        lines = [one for cell in column for one in cell]
        for above, line in itertools.pairwise(lines):
            below += 1
            letters = any(map(str.isalpha, line.text))
            going_on += letters and (line.text[:1].islower() or above.right - above.left >= FULL * width)
    return below == 0 or going_on >= GOES_ON * below


def _goes_on(row: Cells, below: Cells, height: float) -> bool:
    """Whether cells of words are wrapped: nothing in the first column, and words in small letters below words."""
    if below[0] or not row[0]:
        return False
    filled = [(above, cell) for above, cell in zip(row, below, strict=True) if cell]
    return all(
        above and above[-1].middle - cell[0].middle < NEXT_LINE * height and cell[0].text[:1].islower()
        for above, cell in filled
    )
