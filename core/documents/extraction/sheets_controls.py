"""Controls that stand on a sheet: what is written on them, and whether boxes are ticked. Excel keeps each in a drawing
of VML, whose words are HTML that is no XML."""

import re
from collections.abc import Iterator

from lxml import etree

from core.documents.extraction.office import within
from core.documents.extraction.pages import Pages
from core.documents.extraction.workbook import Book, in_a_line

_SIGNS = {"checkbox": "\u2610\u2611", "radio": "\u25cb\u25c9"}
_WITH_WORDS = ("button", "label", "gbox", "edit", "dialog")
# What is chosen in them stands in a cell that may lie anywhere.
_CHOICES = ("drop", "list")
_BREAK = re.compile(rb"<br\s*>", re.I)
_LETTERS = 26


def lines(book: Book, part: str, number: int, pages: Pages) -> Iterator[str]:
    """`number` of the page that the sheet is."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    data = _BREAK.sub(b" ", book.package.bytes(part))
    root = etree.fromstring(data, parser) if data.strip() else None
    for shape in [] if root is None else within(root, "shape"):
        for control in within(shape, "ClientData"):
            kind = control.get("ObjectType", "").lower()
            pages.leave_out("PARTS_UNREAD", number, kind in _CHOICES)
            if shown := _shown(shape, control, kind):
                hidden = ", hidden" if "visibility:hidden" in shape.get("style", "") else ""
                yield f"[Box on {_cell(control)}{hidden}: {shown}]"


def _shown(shape: etree._Element, control: etree._Element, kind: str) -> str:
    text = "".join("".join(map(str, box.itertext())) for box in within(shape, "textbox"))
    text = " ".join(in_a_line(text).split())
    if kind in _SIGNS:
        ticked = any(one.text and one.text.strip() != "0" for one in within(control, "Checked"))
        return f"{_SIGNS[kind][ticked]} {text}".strip()
    return text if kind in _WITH_WORDS else ""


def _cell(control: etree._Element) -> str:
    """Under its upper left corner: the anchor says column, offset and row, from 0."""
    anchor = next((one.text or "" for one in within(control, "Anchor")), "").split(",")
    if len(anchor) < 3 or not all(one.strip().isdecimal() and len(one) < 10 for one in anchor[:3]):
        return "the sheet"
    column, row = int(anchor[0]) + 1, int(anchor[2]) + 1
    letters = ""
    while column:
        column, letter = divmod(column - 1, _LETTERS)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row}"
