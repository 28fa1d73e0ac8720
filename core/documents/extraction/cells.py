"""A row of a table whose cells hold several paragraphs, as lines: labels in one cell beside figures in another."""

import itertools
from collections.abc import Sequence

# Characters: longer paragraphs are sentences, which two cells do not have line by line.
LONG = 80


def lines_of(cells: Sequence[Sequence[str]]) -> list[str]:
    """`cells`: their paragraphs and lines. What lines up stays line by line; else a cell is one line. So is what stands
    in one cell alone, as in tables that only lay out a page."""
    cells = [_ended(cell) for cell in cells]
    several = [cell for cell in cells if len(cell) > 1]
    sentences = sum(any(len(line) > LONG for line in cell) for cell in several)
    alone = sum(map(bool, cells)) == 1
    if not alone and (len({len(cell) for cell in several}) > 1 or sentences > 1):
        cells = [[" ".join(filter(None, cell))] for cell in cells]
    if not alone:
        cells = [[" ".join(line.split()) for line in cell] for cell in cells]
    lines = ["\t".join(line) for line in itertools.zip_longest(*cells, fillvalue="") if any(line)]
    if len(lines) < 2:
        return lines or ["\t" * (len(cells) - 1)]
    return [line.rstrip("\t ") for line in lines]


def _ended(cell: Sequence[str]) -> list[str]:
    """Without blank lines at its end."""
    lines = list(cell)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines
