"""The grid of a template's fields, as the editor gives it back."""

import pandas as pd
import pyarrow as pa
import pytest

from core.fields import FieldSpec
from pages.parts import template_fields

FIELDS = (
    FieldSpec("fee", "number", "a month", quote=True),
    FieldSpec("law", "choice", choices=("Germany", "France"), required=False),
)
EMPTY = [None, pd.NA, float("nan"), ""]


def test_fields_come_back_as_they_were() -> None:
    assert template_fields.read(template_fields.frame(FIELDS), quotes=True) == FIELDS


def test_where_insights_bring_their_quotes_fields_have_none() -> None:
    assert not any(one.quote for one in template_fields.read(template_fields.frame(FIELDS), quotes=False))


@pytest.mark.parametrize("nothing", EMPTY)
def test_cells_that_nobody_touched_are_what_a_new_field_has(nothing: object) -> None:
    row = {"Name": "fee", "Type": nothing, "Description": nothing, "Choices": nothing, "Required": None, "Quote": None}
    typed = pd.DataFrame([row]).astype({"Required": "boolean", "Quote": "boolean"})
    assert template_fields.read(typed.replace({"Type": {"": "string"}}), quotes=True) == (FieldSpec("fee", "string"),)


def test_a_column_without_any_value_may_have_no_type() -> None:
    # So the editor gives it back: pandas 3 cannot fill it.
    table = pa.table({name: ["fee"] if name in ("Name", "Type") else [None] for name in template_fields.COLUMNS})
    typed = table.set_column(1, "Type", [["number"]]).to_pandas(types_mapper=pd.ArrowDtype)
    assert template_fields.read(typed, quotes=True) == (FieldSpec("fee", "number"),)


def test_rows_without_a_name_are_none() -> None:
    empty = dict.fromkeys(template_fields.COLUMNS)
    typed = pd.DataFrame([empty, {**empty, "Name": " law ", "Choices": "a, ,b", "Type": "choice"}])
    assert template_fields.read(typed, quotes=True) == (FieldSpec("law", "choice", choices=("a", "b")),)
