"""Where a cell of an HTML table stands: cells above may reach down into its row, and cells before it be wide."""

import re

from lxml import etree

from core.documents.extraction.cells import MOST_COLUMNS

MOST_ROWS = 1000
_WHOLE = re.compile(r"\s*(\d{1,6})")


class Grid:
    """Of one table, row by row."""

    def __init__(self) -> None:
        self._reaching: dict[int, int] = {}  # by column, the rows that a cell takes from this one on
        self._column = self._wide = 0

    def begin_row(self) -> None:
        self._reaching = {column: rows - 1 for column, rows in self._reaching.items() if rows > 1}
        self._column = self._wide = 0

    def begin_cell(self, cell: etree._Element) -> int:
        """How many columns are free before it."""
        free, self._wide = self._wide, 0
        while self._column in self._reaching:
            self._column += 1
            free += 1
        wide = min(_whole(cell, "colspan"), MOST_COLUMNS)
        rows = min(_whole(cell, "rowspan"), MOST_ROWS)
        self._reaching |= dict.fromkeys(range(self._column, self._column + wide), rows) if rows > 1 else {}
        self._column += wide
        self._wide = wide - 1
        return free


def _whole(cell: etree._Element, name: str) -> int:
    found = _WHOLE.match(cell.get(name, ""))
    return max(int(found[1]), 1) if found else 1
