"""A table as an Excel workbook, in constant memory. What Excel has no room for is said in the workbook.

A text beyond 32,767 characters is cut and says so at its end; a table beyond 1,048,576 rows goes on in further sheets.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

from core.exports import cells
from core.exports.columns import Column, Kind
from core.runtime import scratch

# Excel's limits; characters are UTF-16 code units.
MOST_CHARACTERS = 32_767
MOST_ROWS = 1_048_576
# Larger ones lose digits as a number.
LARGEST_INTEGER = 10**15
WIDTHS: dict[Kind, int] = {"text": 28, "list": 20, "json": 28, "time": 20}
# How often, in rows, the file is asked whether it is still wanted: nothing is written to it before the end.
ASKED_EACH = 1_000


@dataclass
class _Book:
    """`book`: XlsxWriter's. `cut`: how many texts were."""

    book: Any
    title: str
    columns: Sequence[Column]
    most_rows: int
    cut: int = 0
    sheets: list[Any] = field(default_factory=list)
    at: int = 0

    def __post_init__(self) -> None:
        self.bold = self.book.add_format({"bold": True, "valign": "top"})
        self.wrapped = self.book.add_format({"text_wrap": True, "valign": "top"})
        self.time = self.book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "valign": "top"})
        self.plain = self.book.add_format({"valign": "top"})

    def add_sheet(self) -> None:
        number = len(self.sheets) + 1
        sheet = self.book.add_worksheet(self.title if number == 1 else f"{self.title[:25]} ({number})")
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(self.columns):
            sheet.set_column(place, place, WIDTHS.get(column.kind, 12))
            sheet.write_string(0, place, cells.safe(column.name), self.bold)
        self.sheets.append(sheet)
        self.at = 1

    def add_row(self, row: Sequence[Any]) -> None:
        if not self.sheets or self.at == self.most_rows:
            self.add_sheet()
        for place, (value, column) in enumerate(zip(row, self.columns, strict=True)):
            if value is not None:
                self._write(self.sheets[-1], place, value, column.kind)
        self.at += 1

    def _write(self, sheet: Any, place: int, value: Any, kind: Kind) -> None:
        if isinstance(value, bool):
            sheet.write_boolean(self.at, place, value, self.plain)
        elif isinstance(value, datetime) and value.year >= 1900:
            sheet.write_datetime(self.at, place, value.astimezone(UTC).replace(tzinfo=None), self.time)
        elif cells.is_text(value, kind) or abs(value) >= LARGEST_INTEGER:
            sheet.write_string(self.at, place, self._fitting(cells.safe(cells.flat(value, kind))), self.wrapped)
        elif text := cells.flat(value, kind):
            sheet.write_number(self.at, place, float(text), self.plain)

    def _fitting(self, text: str) -> str:
        if len(text) <= MOST_CHARACTERS // 2 or _units(text) <= MOST_CHARACTERS:
            return text
        self.cut += 1
        note = f" … [cut by Excel's limit: {len(text):,} characters in all]"
        kept = text.encode("utf-16-le")[: 2 * (MOST_CHARACTERS - _units(note))]
        return kept.decode("utf-16-le", "ignore") + note

    def add_notes(self) -> None:
        if len(self.sheets) < 2 and not self.cut:
            return
        notes = self.book.add_worksheet(f"Notes on {self.title}"[:31])
        said = []
        if self.cut:
            said.append(
                f"Cells cut at Excel's limit of {MOST_CHARACTERS:,} characters: {self.cut:,}. Each says so at its end. "
                "CSV, JSON and Parquet have them whole."
            )
        if len(self.sheets) > 1:
            said.append(f"A sheet of Excel holds {self.most_rows:,} rows: the table is in {len(self.sheets)} sheets.")
        for row, sentence in enumerate(said):
            notes.write_string(row, 0, sentence)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def write(
    file: BinaryIO,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    *,
    most_rows: int = MOST_ROWS,
) -> None:
    import xlsxwriter

    name = re.sub(r"[\[\]:*?/\\'\x00-\x1f]", " ", title).strip()[:31].strip() or "Table"
    name = "Table" if name.lower() == "history" else name  # which is Excel's own
    folder = scratch.make(scratch.root() / "exports")
    with xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": str(folder)}) as made:
        book = _Book(made, name, columns, most_rows)
        for number, row in enumerate(rows):
            book.add_row(row)
            if number % ASKED_EACH == 0:
                file.flush()
        if not book.sheets:
            book.add_sheet()
        book.add_notes()
