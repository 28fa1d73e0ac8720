"""The rows of a sheet as lines, its cells apart by tabs, as a person sees them; and what follows them in its part."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lxml import etree

from core.documents.extraction.formulas import Error, Formulas, Value
from core.documents.extraction.number_digits import general
from core.documents.extraction.number_formats import NumberFormat
from core.documents.extraction.office import local
from core.documents.extraction.package import link
from core.documents.extraction.pages import Pages
from core.documents.extraction.struck import STRUCK, marked, struck
from core.documents.extraction.workbook import Book, Sheet, in_a_line, text_of

HIDDEN_ROW, HIDDEN_COLUMN = "[Hidden row] ", " [Hidden column]"
NOT_CALCULATED = "[Not calculated]"
MOST_COLUMNS = 1 << 14
DIGITS = 15
MOST_KNOWN = 20_000
FIRST_1900, FIRST_1904 = datetime(1899, 12, 30, tzinfo=UTC), datetime(1904, 1, 1, tzinfo=UTC)
YES = ("1", "true")
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?(\d+)(?::\$?([A-Z]{1,3})\$?(\d+))?")
_HEADERS = ("oddHeader", "evenHeader", "firstHeader", "oddFooter", "evenFooter", "firstFooter")
_EMBEDDED = ("oleObject", "control")
_NAMES = ("row", "col", "sheetFormatPr", "mergeCell", *_HEADERS, *_EMBEDDED)
Area = tuple[int, int, int, int]


@dataclass
class Rows:
    """`lines` by the number of their row, with a tab for each column before a cell."""

    lines: dict[int, str] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    merged: list[Area] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    embedded: set[str] = field(default_factory=set)
    without_value: int = 0
    not_shown: int = 0
    pictures: int = 0

    def text(self) -> list[str]:
        """Columns on the left that are empty in all rows are left out."""
        lines = [(row, line) for row, line in sorted(self.lines.items()) if line.strip("\t")]
        empty = min((len(line) - len(line.lstrip("\t")) for _, line in lines), default=0)
        return [f"{HIDDEN_ROW if row in self.hidden else ''}{line[empty:]}" for row, line in lines]

    def merge(self) -> None:
        """Only the first cell of merged ones is seen."""
        for left, top, right, bottom in self.merged:
            few = bottom - top < len(self.lines)
            for row in range(top, bottom + 1) if few else [row for row in self.lines if top <= row <= bottom]:
                if row in self.lines:
                    self._cover(row, left + (row == top), right)

    def _cover(self, row: int, left: int, right: int) -> None:
        cells = self.lines[row].split("\t")
        covered = [at for at in range(left, min(right + 1, len(cells))) if cells[at]]
        if covered:
            self.not_shown += len(covered)
            self.lines[row] = "\t".join("" if at in covered else cell for at, cell in enumerate(cells)).rstrip("\t")


def read(book: Book, sheet: Sheet, formulas: Formulas, pages: Pages) -> Rows:
    return _Reading(book, sheet, formulas, pages).read()


class _Reading:
    def __init__(self, book: Book, sheet: Sheet, formulas: Formulas, pages: Pages) -> None:
        self._book, self._sheet, self._formulas, self._pages = book, sheet, formulas, pages
        self._rows = Rows()
        self._columns: dict[str, int] = {}
        self._unmarked: set[int] = set()
        self._rows_are_hidden = False
        self._known: dict[tuple[str | None, str], str] = {}
        # Of formulas with several results, none of which has been calculated.
        self._arrays: list[Area] = []

    def read(self) -> Rows:
        number = characters = 0
        for element in self._book.package.elements(self._sheet.part, _NAMES):
            if local(element) != "row":
                self._note(local(element), element)
                continue
            number = _number(element.get("r")) or number + 1
            if line := self._line(element, number):
                self._rows.lines[number] = line
                characters += len(line) + 1
                self._pages.check(characters)
                by_default = self._rows_are_hidden and element.get("ht") is None
                if element.get("hidden", str(int(by_default))) in YES:
                    self._rows.hidden.add(number)
        self._rows.merge()
        return self._rows

    def _note(self, name: str, element: etree._Element) -> None:
        if name == "sheetFormatPr":
            self._rows_are_hidden = element.get("zeroHeight") in YES
        elif name == "col":
            if element.get("hidden") in YES or element.get("width") == "0":
                first, last = _number(element.get("min")), min(_number(element.get("max")), MOST_COLUMNS)
                self._unmarked.update(range(first - 1, last))
        elif name == "mergeCell":
            self._rows.merged += areas(element.get("ref", ""))
        elif name in _HEADERS:
            self._rows.headers.append((name, element.text or ""))
        else:
            self._rows.embedded.add(link(element))

    def _line(self, row: etree._Element, number: int) -> str:
        """Its cells stand in the order of their columns, or where they say."""
        cells: list[str] = []
        for cell in row:
            reference = cell.get("r")
            column = self._column(reference) if reference else len(cells)
            if column > len(cells):
                cells.extend([""] * (column - len(cells)))
            shown = self._shown(cell, number, column)
            if self._book.struck and cell.get("s") in self._book.struck and STRUCK not in shown:  # not in pieces
                shown = marked(struck(shown))
            if shown and column in self._unmarked:
                self._unmarked.discard(column)
                shown += HIDDEN_COLUMN
            if column < len(cells):
                cells[column] = shown
            else:
                cells.append(shown)
        return "\t".join(cells).rstrip("\t")

    def _column(self, reference: str) -> int:
        """From 0."""
        letters = reference.rstrip("0123456789")
        if (known := self._columns.get(letters)) is None:
            known = self._columns[letters] = min(column_of(letters), MOST_COLUMNS)
        return known

    def _shown(self, cell: etree._Element, row: int, column: int) -> str:
        """The order of what is in a cell is part of the format: formula, value, text."""
        formula = value = None
        for part in cell:
            tag = str(part.tag)
            if tag.endswith("}v"):
                value = part.text or ""
            elif tag.endswith("}f"):
                formula = part
            elif tag.endswith("}is"):
                return self._text(cell, text_of(part))
        kind = cell.get("t", "n")
        if (formula is not None or self._arrays) and self._is_to_calculate(formula, value, kind, row, column):
            return self._calculated(cell, formula, row, column)
        return self._stored(cell, kind, value) if value else ""

    def _stored(self, cell: etree._Element, kind: str, value: str) -> str:
        if kind == "s":
            strings, at = self._book.strings, _number(value)
            return self._text(cell, strings[at]) if at < len(strings) else ""
        if kind == "n":
            return self._figure(cell, value)
        if kind == "b":
            return "TRUE" if value in YES else "FALSE"
        if kind == "e" and cell.get("vm"):
            self._rows.pictures += 1  # in the cell itself; older programs see an error
            return ""
        if kind == "d":
            return self._moment(cell, value)
        return self._text(cell, in_a_line(value)) if kind == "str" else value

    def _figure(self, cell: etree._Element, value: str) -> str:
        """The same figures in the same formats come again and again."""
        style = cell.get("s")
        if style is None and len(value) < DIGITS and value.isdecimal():
            return value
        if known := self._known.get((style, value)):
            return known
        number = _finite(value)
        shown = value if number is None else self._number(cell, number)
        if shown and len(self._known) < MOST_KNOWN:
            self._known[style, value] = shown
        return shown

    def _text(self, cell: etree._Element, text: str) -> str:
        style = cell.get("s")
        found = self._format(style) if style else None
        return self._seen(found.text(text), text) if found else text

    def _number(self, cell: etree._Element, value: float) -> str:
        style = cell.get("s")
        found = self._format(style) if style else None
        return self._seen(found.number(value, self._book.date1904), "1") if found else general(value)

    def _moment(self, cell: etree._Element, value: str) -> str:
        """ISO 8601, which a cell without a format shows as it is."""
        style = cell.get("s")
        if not style or self._format(style) is None:
            return value
        begin = FIRST_1904 if self._book.date1904 else FIRST_1900
        return self._number(cell, (datetime.fromisoformat(value).replace(tzinfo=UTC) - begin) / timedelta(1))

    def _seen(self, shown: str, stored: str) -> str:
        """A format may show nothing of a number, such as ;;;"""
        self._rows.not_shown += bool(stored and not shown)
        return shown

    def _format(self, style: str) -> NumberFormat | None:
        formats = self._book.formats
        at = _number(style)
        return formats[at] if at < len(formats) else None

    def _is_to_calculate(
        self, formula: etree._Element | None, value: str | None, kind: str, row: int, column: int
    ) -> bool:
        """Libraries that do not calculate write no result, or 0 and ask that the workbook be calculated on opening."""
        if formula is None:
            inside = any(left <= column <= right and top <= row <= bottom for left, top, right, bottom in self._arrays)
            return inside and value in ("0", "", None)
        if value:
            missing = self._book.never_calculated and kind == "n" and _finite(value) == 0
        else:
            missing = value is None or kind != "str"
        if missing and formula.get("t") == "array":
            self._arrays += areas(formula.get("ref", ""))
        return missing

    def _calculated(self, cell: etree._Element, formula: etree._Element | None, row: int, column: int) -> str:
        several = formula is None or (formula.get("t") == "array" and ":" in formula.get("ref", ""))
        result = None if several else self._formulas.result(self._sheet.name, row, column + 1)
        if result is not None:
            return self._result(cell, result)
        self._rows.without_value += 1
        if formula is None:
            return NOT_CALCULATED
        text = formula.text or self._formulas.formula(self._sheet.name, row, column + 1)
        return f"={in_a_line(text).lstrip('=')}" if text else NOT_CALCULATED

    def _result(self, cell: etree._Element, result: Value | Error) -> str:
        if isinstance(result, Error):
            return result.text
        if isinstance(result, bool):
            return str(result).upper()
        return self._text(cell, in_a_line(result)) if isinstance(result, str) else self._number(cell, float(result))


def column_of(letters: str) -> int:
    """From 0."""
    number = 0
    for letter in letters[:4].upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return max(number - 1, 0)


def areas(references: str) -> Iterator[Area]:
    """Left, top, right and bottom of ranges such as A1:C3; columns count from 0, rows from 1."""
    for one in references.split():
        if (found := _REFERENCE.fullmatch(one)) and found[3]:
            yield column_of(found[1]), int(found[2]), column_of(found[3]), int(found[4])


def _finite(text: str) -> float | None:
    """None: no number."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
