"""The grid in which a template's fields are typed."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.fields import FieldSpec
from pages.common import formats

TYPES: Mapping[str, formats.Markdown] = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "yes or no",
    "list": "list of texts",
    "choice": "one of the choices",
}
QUOTE = "Quote"
COLUMNS = {
    "Name": st.column_config.TextColumn(required=True, help="Letters, digits and underscores, such as monthly_fee"),
    "Type": st.column_config.SelectboxColumn(
        options=list(TYPES), format_func=lambda one: TYPES[str(one)], required=True, default="string", width=130
    ),
    "Description": st.column_config.TextColumn(width="large", help="What the model is told about it"),
    "Choices": st.column_config.TextColumn(help="For the type “one of the choices”, separated by commas"),
    "Required": st.column_config.CheckboxColumn(
        default=True, help="The model has to give it; else it may say that the document has none"
    ),
    QUOTE: st.column_config.CheckboxColumn(
        default=True, help="Also ask for the passage that the value was taken from. It is looked up in the document"
    ),
}
STORED = dict.fromkeys(("Name", "Type", "Description", "Choices"), "string") | {"Required": "boolean", QUOTE: "boolean"}


def edit(fields: tuple[FieldSpec, ...], *, insights: bool) -> tuple[FieldSpec, ...]:
    """As they were typed. A template that makes insights has a quote for each anyway, and none for its fields."""
    shown = [name for name in COLUMNS if name != QUOTE or not insights]
    typed = st.data_editor(
        frame(fields), num_rows="dynamic", hide_index=True, column_config=COLUMNS, column_order=shown, placeholder=""
    )
    return read(typed, quotes=not insights)


def called(field: FieldSpec) -> str:
    return f"{field.name} ({TYPES[field.type]})"


def frame(fields: tuple[FieldSpec, ...]) -> pd.DataFrame:
    rows = [(f.name, f.type, f.description, ", ".join(f.choices), f.required, f.quote) for f in fields]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(STORED)


def read(typed: pd.DataFrame, *, quotes: bool) -> tuple[FieldSpec, ...]:
    """Rows without a name are none. Cells that nobody touched are missing, whatever pandas takes their column for."""
    return tuple(_field(row, quotes=quotes) for row in typed.to_dict("records") if _given(row["Name"], ""))


def _field(row: Mapping[Hashable, Any], *, quotes: bool) -> FieldSpec:
    return FieldSpec(
        name=str(row["Name"]).strip(),
        type=_given(row["Type"], "string"),
        description=str(_given(row["Description"], "")),
        choices=tuple(one.strip() for one in str(_given(row["Choices"], "")).split(",") if one.strip()),
        required=bool(_given(row["Required"], True)),
        quote=quotes and bool(_given(row[QUOTE], False)),
    )


def _given(value: Any, otherwise: Any) -> Any:
    return otherwise if pd.isna(value) else value
