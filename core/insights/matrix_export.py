"""The matrix as a file: all rows that match, at one moment."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, BinaryIO

from core.access import audit
from core.asking import templates
from core.exports import cells
from core.exports.columns import Column, FormatName, Kind
from core.exports.write import write
from core.fields import FieldSpec, FieldType
from core.insights import matrix
from core.insights.matrix import MatrixRow, Wanted
from core.runtime import db

# A whole number may have any length, and no format but this one says so.
KINDS: dict[FieldType, Kind] = {
    "string": "text",
    "choice": "text",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "list": "list",
}
FIXED = ("document", "name", "collection")
LAST = ("job", "response")


def export(file: BinaryIO, format_: FormatName, wanted: Wanted) -> None:
    template = templates.get(wanted.template)
    fields = matrix.fields_of(wanted.template)
    with db.transaction() as session:
        said = {name: value for name, value in asdict(wanted).items() if value}
        audit.write(session, "export", "matrix", after={"format": format_, **said})
    with db.transaction(reads="snapshot") as session:
        write(file, format_, template.name, columns(fields), _values(matrix.every(session, fields, wanted), fields))


def columns(fields: Sequence[FieldSpec]) -> list[Column]:
    """Fields keep their names: another column that is called like one gets a `_`."""
    taken = {field.name for field in fields}

    def own(name: str) -> Column:
        while name in taken:
            name += "_"
        taken.add(name)
        return Column(name)

    found = [own(name) for name in FIXED]
    for field in fields:
        found.append(Column(field.name, KINDS[field.type]))
        if field.quote:
            found += [own(f"{field.name}_quote"), own(f"{field.name}_verdict")]
    return [*found, *(own(name) for name in LAST)]


def _values(rows: Iterator[MatrixRow], fields: Sequence[FieldSpec]) -> Iterator[list[Any]]:
    for row in rows:
        values: list[Any] = [row.document, row.name, row.collection]
        for field in fields:
            cell = row.cells[field.name]
            values.append(_fitting(cell.value, KINDS[field.type]))
            if field.quote:
                values += [cell.quote, "quarantined" if cell.quarantined else cell.verdict]
        yield [*values, row.job, str(row.response)]


def _fitting(value: Any, kind: Kind) -> Any:
    """A field may have had another type when it was asked: what is no number leaves a column of numbers empty."""
    if value is None:
        return None
    if kind == "list":
        return [_text(item) for item in (value if isinstance(value, list) else [value])]
    if kind == "text":
        return _text(value)
    is_flag = isinstance(value, bool)
    return value if is_flag == (kind == "boolean") and isinstance(value, int | float) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else cells.json(value).decode()
