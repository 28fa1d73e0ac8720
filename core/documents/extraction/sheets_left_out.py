"""What a workbook holds that its text does not: results that nobody has calculated yet, errors, comments, drawings.

calamine tells of none of them, so the parts are looked at here.
"""

import posixpath
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from lxml import etree

from core.documents.extraction.drawings import LeftOut
from core.documents.extraction.office import local, within
from core.documents.extraction.pages import Pages

PIECE_BYTES = 1 << 20
# A formula with its stored result, if it has one: the order of both is part of the format.
_FORMULA = re.compile(
    rb"<(?:\w+:)?c\b([^<>]*)>\s*<(?:\w+:)?f\b[^<>]*(?:/>|>[^<]*</(?:\w+:)?f>)(?:\s*<(?:\w+:)?v(?:\s*/>|>([^<]*)<))?"
)
_ERROR = re.compile(rb"""<(?:\w+:)?c\b[^<>]*?\bt\s*=\s*["']e["']""")
_IS_TEXT = re.compile(rb"""\bt\s*=\s*["']str["']""")
_HEADER = re.compile(rb"<(?:\w+:)?(?:odd|even|first)(?:Header|Footer)>")
_OBJECT = re.compile(rb"<(?:\w+:)?(?:oleObject|control)\b")


def leave_out(path: Path, names: Sequence[str], pages: Pages) -> None:
    """`names` of the sheets that are pages, in their order."""
    with zipfile.ZipFile(path) as archive:
        book = _Package(archive)
        root = book.xml(book.main)
        links = book.relations(book.main)
        parts = {str(one.get("name")): links.get(_link(one), ("", ""))[1] for one in within(root, "sheet")}
        never_calculated = any(one.get("fullCalcOnLoad") in ("1", "true") for one in within(root, "calcPr"))
        drawings = LeftOut(pages, diagrams=True)
        for number, name in enumerate(names, start=1):
            if part := parts.get(name):
                _of_sheet(book, part, number, pages, never_calculated)
                for kind, target in book.relations(part).values():
                    _of_related(book, kind, target, number, pages, drawings)


def _of_sheet(book: "_Package", part: str, number: int, pages: Pages, never_calculated: bool) -> None:
    after_cells = b""
    for rows in book.in_pieces(part, b"row>"):
        missing = errors = 0
        if b"<f" in rows or b":f" in rows:  # else this is quick
            missing = sum(_has_no_result(cell[1], cell[2], never_calculated) for cell in _FORMULA.finditer(rows))
        if b'"e"' in rows or b"'e'" in rows:
            errors = len(_ERROR.findall(rows))
        pages.leave_out("CELLS_WITHOUT_VALUE", number, missing + errors)
        after_cells = rows
    pages.leave_out("PARTS_UNREAD", number, len(_HEADER.findall(after_cells)))
    pages.leave_out("ATTACHMENTS_UNREAD", number, len(_OBJECT.findall(after_cells)))


def _has_no_result(cell: bytes, result: bytes | None, never_calculated: bool) -> bool:
    """`never_calculated`: the workbook asks to be calculated when it is opened. Libraries write 0 in such a one."""
    if result:
        return never_calculated and result == b"0"
    return result is None or not _IS_TEXT.search(cell)


def _of_related(book: "_Package", kind: str, target: str, number: int, pages: Pages, drawings: LeftOut) -> None:
    if kind == "comments":
        pages.leave_out("COMMENTS_UNREAD", number, sum(1 for _ in within(book.xml(target), "comment")))
    elif kind == "drawing":
        root = book.xml(target)
        drawings.of(root, {link: to for link, (_, to) in book.relations(target).items()}, number)
        boxes = (one for one in within(root, "sp") if any((text.text or "").strip() for text in within(one, "t")))
        pages.leave_out("PARTS_UNREAD", number, sum(1 for _ in boxes))


class _Package:
    """The parts of a zip by name, and their relations: kind and target by id."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {name.lstrip("/").lower(): name for name in archive.namelist()}
        offices = (target for kind, target in self.relations("").values() if kind == "officeDocument")
        self.main = next(offices, "xl/workbook.xml")

    def in_pieces(self, part: str, end: bytes) -> Iterator[bytes]:
        """The part in pieces that each end with `end`, but for the last: a sheet may be hundreds of megabytes."""
        if (name := self._names.get(part.lower())) is None:
            return
        rest: list[bytes] = []
        with self._archive.open(name) as file:
            while data := file.read(PIECE_BYTES):
                cut = data.rfind(end) + len(end)
                if cut >= len(end):
                    yield b"".join([*rest, data[:cut]])
                    rest, data = [], data[cut:]
                rest.append(data)
        yield b"".join(rest)

    def bytes(self, part: str) -> bytes:
        name = self._names.get(part.lower())
        return self._archive.read(name) if name else b""

    def xml(self, part: str) -> etree._Element:
        data = self.bytes(part)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        return etree.fromstring(data, parser) if data else etree.Element("none")

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        folder, name = posixpath.split(part)
        found = {}
        for one in self._related(f"{folder}/_rels/{name}.rels".lstrip("/")):
            target = str(one.get("Target", ""))
            inside = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            external = one.get("TargetMode") == "External"
            kind = str(one.get("Type", "")).rpartition("/")[2]
            found[str(one.get("Id"))] = kind, target if external else inside
        return found

    def _related(self, part: str) -> Iterator[etree._Element]:
        return (one for one in self.xml(part) if local(one) == "Relationship")


def _link(sheet: etree._Element) -> str:
    """r:id."""
    return next((str(value) for key, value in sheet.attrib.items() if str(key).endswith("}id")), "")
