"""What a grid is sent is what pandas would send: read back, and drawn alike by the browser."""

from datetime import UTC, datetime

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from pages.common import grids

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
MANY: grids.Columns = {
    "Name": ["a", "b", "\N{PUSHPIN} c"],
    "State": [["completed"], [], ["new", "quarantined"]],
    "Number": [1, None, 3],
    "USD": [0.5, None, 2.0],
    "Added": [AT, None, AT],
    "Alive": [True, False, None],
}


def test_rows_are_numbered_from_where_the_page_begins() -> None:
    frame = grids.numbered(MANY, 101).to_pandas()
    assert list(frame.index) == [101, 102, 103]
    assert [*frame.columns] == [*MANY]
    assert [list(one) for one in frame["State"]] == MANY["State"]


def test_a_grid_reads_as_one_of_pandas_does() -> None:
    made, usual = grids.numbered(MANY, 5).to_pandas(), pd.DataFrame(MANY, index=pd.RangeIndex(5, 8))
    for name in ("Name", "Number", "USD", "Added"):
        pd.testing.assert_series_equal(made[name], usual[name], check_dtype=False)


def test_columns_of_rows() -> None:
    assert grids.columns(["a", "b"], [(1, "x"), (2, "y")]) == {"a": (1, 2), "b": ("x", "y")}
    assert grids.columns(["a", "b"], []) == {"a": (), "b": ()}
    with pytest.raises(ValueError, match="zip"):
        grids.columns(["a", "b"], [(1,)])


PAGE = """
import streamlit as st
from pages.common import grids
st.dataframe(grids.numbered({"Name": ["a"], "Nothing": [None]}, 7), hide_index=False, column_config=grids.ROW_NUMBERS)
st.dataframe(grids.table(grids.columns(["Name", "Number"], [])), hide_index=True)
"""


def test_streamlit_sends_it() -> None:
    numbered, empty = AppTest.from_string(PAGE).run().dataframe
    assert numbered.value.to_dict("index") == {7: {"Name": "a", "Nothing": None}}
    assert [*empty.value.columns] == ["Name", "Number"]
