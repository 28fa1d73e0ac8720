"""A row of a table whose cells hold several paragraphs, as lines: labels in one cell beside figures in another."""

import itertools
from collections.abc import Iterable, Sequence

# Characters: longer paragraphs are sentences, which two cells do not have line by line.
LONG = 80
# That one cell takes: a table of more is no person's.
MOST_COLUMNS = 64


def lines_of(found: Sequence[Sequence[str]]) -> list[str]:
    """`found`: the paragraphs of cells. What lines up stays line by line; else a cell is one line. So is what stands
    in one cell alone, as in tables that only lay out a page."""
    cells = [_ended(cell) for cell in found]
    if sum(map(bool, cells)) == 1:
        lines = list(itertools.zip_longest(*cells, fillvalue=""))
    else:
        whole = [(*(" ".join(" ".join(filter(None, cell)).split()) for cell in cells),)]
        lines = side_by_side(cells) or whole
    said = ["\t".join(line) for line in lines if any(line)]
    if len(said) < 2:
        return said or ["\t" * (len(cells) - 1)]
    return [line.rstrip("\t ") for line in said]


def side_by_side(found: Sequence[Sequence[str]]) -> list[tuple[str, ...]] | None:
    """The lines of a row whose cells have as many of them, and of which one cell at most has sentences. None: which
    belong together is not known."""
    cells = [[" ".join(line.split()) for line in _ended(cell)] for cell in found]
    several = [cell for cell in cells if len(cell) > 1]
    sentences = sum(any(len(line) > LONG for line in cell) for cell in several)
    if len({len(cell) for cell in several}) != 1 or sentences > 1:
        return None
    return [line for line in itertools.zip_longest(*cells, fillvalue="") if any(line)]


def in_columns(cells: Iterable[tuple[list[str], int]]) -> list[list[str]]:
    """With the columns that each takes: what stands to the right of a wide one stays below its heading."""
    columns: list[list[str]] = []
    more = 0
    for cell, width in cells:
        columns += [[]] * min(more, MOST_COLUMNS)
        columns.append(cell)
        more = max(width, 1) - 1
    return columns


def _ended(cell: Sequence[str]) -> list[str]:
    """Without blank lines at its end."""
    lines = list(cell)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines
