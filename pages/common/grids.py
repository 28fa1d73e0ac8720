"""What a grid shows, as the browser is sent it. Of plain columns pandas would make the same, in ten times as long."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

# Each column by its name: values of one type, or None.
Columns = Mapping[str, Sequence[Any]]

# A grid that gets the focus with nothing selected selects its first cell, so that Tab, a drawer that closes or a window
# that comes back would be clicks. A cell of an index is never reported, so grids that can be clicked begin with one.
ROW_NUMBERS: Mapping[str, ColumnConfig] = {"_index": st.column_config.NumberColumn("", width=44, format="localized")}


NAMES = {"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object", "metadata": None}


def columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Of rows with a value for each name."""
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())


def table(of: Columns) -> pa.Table:
    return pa.table(dict(of))


def numbered(of: Columns, first: int = 1) -> pa.Table:
    """With the numbers of the rows as its index: for a grid whose cells can be clicked, beside `ROW_NUMBERS`."""
    made = table(of)
    index = {"kind": "range", "name": None, "start": first, "stop": first + len(made), "step": 1}
    # As pandas tells what it stores: https://pandas.pydata.org/docs/development/developer.html
    pandas = {"index_columns": [index], "columns": [], "column_indexes": [NAMES]}
    return made.replace_schema_metadata({"pandas": json.dumps(pandas)})
