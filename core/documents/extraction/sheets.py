"""XLSX: a sheet is a page, a row is a line, cells stand apart by tabs. Hidden sheets are read, too."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from python_calamine import CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum

from core.documents.extraction import failures
from core.documents.extraction.pages import Pages
from core.documents.extraction.sheets_left_out import leave_out

Cell = int | float | str | bool | time | date | datetime | timedelta


def read(path: Path, pages: Pages) -> None:
    with path.open("rb") as file:
        try:
            workbook = CalamineWorkbook.from_filelike(file)
        except PasswordError:
            raise failures.encrypted() from None
        names = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        others = [sheet.typ for sheet in workbook.sheets_metadata if sheet.typ != SheetTypeEnum.WorkSheet]
        charts = others.count(SheetTypeEnum.ChartSheet)
        pages.leave_out("CHARTS_UNREAD", count=charts)
        pages.leave_out("PARTS_UNREAD", count=len(others) - charts)
        pages.expect(len(names))
        for name in names:
            rows = list(_rows(workbook.get_sheet_by_name(name)))
            pages.add("\n".join([name, *rows]) if rows else "")
    leave_out(path, names, pages)


def _rows(sheet: CalamineSheet) -> Iterator[str]:
    for row in sheet.iter_rows():
        line = "\t".join(map(_shown, row)).rstrip("\t")
        if line:
            yield line


def _shown(cell: Cell) -> str:
    """As a person sees it: 3 for 3.0, 0.3 for 0.30000000000000004."""
    if isinstance(cell, str):
        return " ".join(cell.split()) if "\n" in cell or "\t" in cell else cell
    if isinstance(cell, bool):
        return str(cell).upper()
    return f"{cell:.15g}" if isinstance(cell, float) else str(cell)
