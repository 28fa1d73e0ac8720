"""XLSX: a sheet is a page, a row is a line, cells stand apart by tabs. What is hidden is read, too, and marked."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from python_calamine import CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum

from core.documents.extraction import failures, sheets_beside, sheets_rows
from core.documents.extraction.drawings import LeftOut
from core.documents.extraction.formulas import Formulas
from core.documents.extraction.package import Package
from core.documents.extraction.pages import Pages
from core.documents.extraction.workbook import Book, Sheet

HIDDEN_SHEET = " [Hidden sheet]"
Cell = int | float | str | bool | time | date | datetime | timedelta


def read(path: Path, pages: Pages) -> None:
    with zipfile.ZipFile(path) as archive:
        package = Package(archive)
        if not package.has(package.main) or package.main.endswith(".bin"):
            _read_others(path, pages)
            return
        book = Book(package)
        sheets = [sheet for sheet in book.sheets if sheet.kind in ("worksheet", "chartsheet")]
        pages.leave_out("PARTS_UNREAD", count=len(book.sheets) - len(sheets))
        pages.expect(len(sheets))
        formulas, left_out = Formulas(path, book.date1904), LeftOut(pages)
        for number, sheet in enumerate(sheets, start=1):
            if not sheet.part:
                raise failures.corrupt("a sheet of it is missing")
            _add(book, sheet, number, formulas, left_out, pages)


def _add(book: Book, sheet: Sheet, number: int, formulas: Formulas, left_out: LeftOut, pages: Pages) -> None:
    rows = sheets_rows.read(book, sheet, formulas, pages)
    pages.leave_out("CELLS_WITHOUT_VALUE", number, rows.without_value)
    pages.leave_out("HIDDEN_UNREAD", number, rows.not_shown)
    pages.leave_out("PICTURES_UNREAD", number, rows.pictures)
    text = [*rows.text(), *sheets_beside.lines(book, sheet, rows, number, pages, left_out)]
    title = f"{sheet.name}{HIDDEN_SHEET if sheet.hidden else ''}"
    pages.add("\n".join([title, *text]) if text else "")


def _read_others(path: Path, pages: Pages) -> None:
    """Binary workbooks and those of other programs that have this name: values as they are stored."""
    with path.open("rb") as file:
        try:
            workbook = CalamineWorkbook.from_filelike(file)
        except PasswordError:
            raise failures.encrypted() from None
        names = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        pages.leave_out("PARTS_UNREAD", count=len(workbook.sheets_metadata) - len(names))
        pages.expect(len(names))
        for name in names:
            rows = list(_rows(workbook.get_sheet_by_name(name)))
            pages.add("\n".join([name, *rows]) if rows else "")


def _rows(sheet: CalamineSheet) -> Iterator[str]:
    for row in sheet.iter_rows():
        line = "\t".join(map(_shown, row)).rstrip("\t")
        if line:
            yield line


def _shown(cell: Cell) -> str:
    """3 for 3.0, 0.3 for 0.30000000000000004."""
    if isinstance(cell, str):
        return " ".join(cell.split()) if "\n" in cell or "\t" in cell else cell
    if isinstance(cell, bool):
        return str(cell).upper()
    return f"{cell:.15g}" if isinstance(cell, float) else str(cell)
