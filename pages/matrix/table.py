"""The grid of the matrix: documents by fields, wrapped, each value with the sign of its quote."""

from collections.abc import Sequence

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.fields import FieldSpec
from core.insights.matrix import Cell, MatrixRow
from pages.common import formats, grids
from pages.words import matrix

DOCUMENT = "Document"
TALLEST = 700
# With and without quotes: Streamlit wraps from 65 pixels on.
ROW_HEIGHTS = {True: 88, False: 65}
WIDTHS = {"number": 110, "integer": 110, "boolean": 80, "choice": 110}
WITH_QUOTE = 300


def shown(rows: Sequence[MatrixRow], fields: Sequence[FieldSpec], *, quotes: bool) -> grids.Columns:
    table = {DOCUMENT: [row.name for row in rows]}
    for field in fields:
        table[column(field)] = [cell(row.cells[field.name], quotes=quotes) for row in rows]
    return table


def column(field: FieldSpec) -> str:
    """A field may be called like the first column."""
    return f"{field.name} " if field.name == DOCUMENT else field.name


def cell(found: Cell, *, quotes: bool) -> str:
    value = f"{matrix.value(found.value)} {matrix.mark(found)}".rstrip()
    # A text may be its own quote.
    return f"{value} “{found.quote}”" if quotes and found.quote and found.quote != found.value else value


def columns(fields: Sequence[FieldSpec], *, quotes: bool) -> dict[str, ColumnConfig]:
    found = {DOCUMENT: st.column_config.TextColumn(width=200, pinned=True)}
    for field in fields:
        width = WITH_QUOTE if quotes and field.quote else WIDTHS.get(field.type, 220)
        found[column(field)] = st.column_config.TextColumn(width=width, help=formats.plain(field.description) or None)
    return found


def height(rows: int, *, quotes: bool) -> int:
    return min(38 + ROW_HEIGHTS[quotes] * rows, TALLEST)
