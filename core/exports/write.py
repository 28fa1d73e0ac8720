"""The one writer of tables that leave Cairn. Memory does not grow with the rows.

CSV, JSON and Markdown are written row by row, Parquet in row groups, Excel row by row beside the file and packed at
the end. JSON and Parquet are typed and hold texts as they are; in the others no cell computes (`core.exports.cells`).
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from core.exports import cells, workbook
from core.exports.columns import Column, FormatName, Kind
from core.exports.markdown import inline

Row = Sequence[Any]
Writer = Callable[[BinaryIO, str, Sequence[Column], Iterable[Row]], None]
# Of a row group of Parquet, whichever it has first.
GROUP_ROWS, GROUP_CHARACTERS = 5_000, 4_000_000


def write(file: BinaryIO, format_: FormatName, title: str, columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """Write a table; each row has a value for each column. `file` needs no seeking and is left open."""
    WRITERS[format_](file, title, columns, rows)


def _csv(file: BinaryIO, _title: str, columns: Sequence[Column], rows: Iterable[Row]) -> None:
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(cells.safe(column.name) for column in columns)
    for row in rows:
        lines.writerow(_cell(value, column.kind) for value, column in zip(row, columns, strict=True))
    text.detach()


def _cell(value: Any, kind: Kind) -> str:
    text = cells.flat(value, kind)
    return cells.safe(text) if cells.is_text(value, kind) else text


def _json(file: BinaryIO, _title: str, columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """An array of objects, one to a line."""
    names = [column.name for column in columns]
    before = b"[\n"
    for row in rows:
        file.write(before + cells.json(dict(zip(names, row, strict=True))))
        before = b",\n"
    file.write(b"\n]\n" if before == b",\n" else b"[]\n")


def _markdown(file: BinaryIO, title: str, columns: Sequence[Column], rows: Iterable[Row]) -> None:
    names = [inline(column.name) for column in columns]
    line = "| " + " | ".join(names) + " |\n|" + " --- |" * len(names) + "\n"
    file.write(f"# {inline(title)}\n\n{line}".encode())
    for row in rows:
        found = (inline(_cell(value, column.kind)) for value, column in zip(row, columns, strict=True))
        file.write(("| " + " | ".join(found) + " |\n").encode("utf-8", "replace"))


def _parquet(file: BinaryIO, _title: str, columns: Sequence[Column], rows: Iterable[Row]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    types = {
        "integer": pa.int64(),
        "number": pa.float64(),
        "money": pa.decimal128(38, 12),
        "boolean": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
        "list": pa.list_(pa.string()),
    }
    schema = pa.schema([pa.field(column.name, types.get(column.kind, pa.string())) for column in columns])
    with parquet.ParquetWriter(pa.PythonFile(file, mode="w"), schema) as out:
        for group in _groups(rows):
            values = [_typed([row[at] for row in group], column.kind) for at, column in enumerate(columns)]
            arrays = [pa.array(found, kind.type) for found, kind in zip(values, schema, strict=True)]
            out.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    characters = 0
    for row in rows:
        group.append(row)
        characters += sum(len(value) for value in row if isinstance(value, str))
        if len(group) == GROUP_ROWS or characters >= GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _typed(values: list[Any], kind: Kind) -> list[Any]:
    if kind == "json":
        return [None if value is None else cells.json(value).decode() for value in values]
    if kind == "number":
        return [None if value is None else float(value) for value in values]
    return values


WRITERS: dict[FormatName, Writer] = {
    "csv": _csv,
    "xlsx": workbook.write,
    "parquet": _parquet,
    "json": _json,
    "md": _markdown,
}
