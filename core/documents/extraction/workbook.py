"""What a workbook tells about its sheets: their names and parts, strings, number formats, the calendar."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from lxml import etree

from core.documents.extraction.number_formats import BUILT_IN, NumberFormat, number_format
from core.documents.extraction.office import local, named, switched_on, within
from core.documents.extraction.package import Package, link
from core.documents.extraction.raised import raised
from core.documents.extraction.struck import marked, struck

_YES = ("1", "true")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True)
class Sheet:
    """`kind` is the name of its relation, such as worksheet or chartsheet; `part` is empty where the file has none."""

    name: str
    kind: str
    part: str
    hidden: bool


class Book:
    def __init__(self, package: Package) -> None:
        self.package = package
        root = package.xml(package.main)
        self._relations = package.relations(package.main)
        self.sheets = [self._sheet(one) for one in within(root, "sheet")]
        self.date1904 = any(one.get("date1904") in _YES for one in within(root, "workbookPr"))
        self.never_calculated = any(map(_asks_to_be_calculated, within(root, "calcPr")))

    def _sheet(self, one: etree._Element) -> Sheet:
        kind, part = self._relations.get(link(one), ("", ""))
        hidden = one.get("state", "visible") != "visible"
        return Sheet(str(one.get("name", "")), kind, part if self.package.has(part) else "", hidden)

    def _parts(self, kind: str) -> list[str]:
        return [target for one, target in self._relations.values() if one == kind]

    @cached_property
    def strings(self) -> Sequence[str]:
        found = chain.from_iterable(self.package.elements(part, ("si",)) for part in self._parts("sharedStrings"))
        return [text_of(one) for one in found]

    @cached_property
    def formats(self) -> Sequence[NumberFormat | None]:
        """By the style of a cell. None: General."""
        found: list[NumberFormat | None] = []
        for part in self._parts("styles"):
            root = self.package.xml(part)
            own = {one.get("numFmtId"): str(one.get("formatCode", "")) for one in within(root, "numFmt")}
            for formats in within(root, "cellXfs"):
                numbers = (str(one.get("numFmtId", "0")) for one in within(formats, "xf"))
                found += [number_format(own.get(number) or BUILT_IN.get(_number(number), "")) for number in numbers]
        return found

    @cached_property
    def struck(self) -> frozenset[str]:
        """Styles of cells whose font has a line through it."""
        found: list[bool] = []
        for part in self._parts("styles"):
            root = self.package.xml(part)
            fonts = [_is_struck(font) for kind in named(root, "fonts") for font in named(kind, "font")]
            for formats in within(root, "cellXfs"):
                at = (_number(str(one.get("fontId", "0"))) for one in within(formats, "xf"))
                found += [one < len(fonts) and fonts[one] for one in at]
        return frozenset(str(style) for style, one in enumerate(found) if one)


def _is_struck(font: etree._Element) -> bool:
    return any(map(switched_on, named(font, "strike")))


def _asks_to_be_calculated(one: etree._Element) -> bool:
    """When it is opened. Libraries that do not calculate write 0 in such a workbook."""
    asks = one.get("fullCalcOnLoad") in _YES or one.get("forceFullCalc") in _YES
    return asks or one.get("calcCompleted") in ("0", "false")


def text_of(element: etree._Element) -> str:
    """Of a string with its runs, in one line, without the reading aid over Japanese."""
    if len(element) == 1 and local(element[0]) == "t":
        return in_a_line(element[0].text or "")
    runs = (one for one in element if local(one) in ("t", "r"))
    return in_a_line(marked("".join(map(_of_run, runs))))


def _of_run(run: etree._Element) -> str:
    if local(run) == "t":
        return run.text or ""
    text = "".join(one.text or "" for one in within(run, "t"))
    text = raised(text) if any(one.get("val") == "superscript" for one in within(run, "vertAlign")) else text
    return struck(text) if any(map(_is_struck, named(run, "rPr"))) else text


def in_a_line(text: str) -> str:
    if "_x" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return " ".join(text.split()) if "\n" in text or "\t" in text or "\r" in text else text


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
