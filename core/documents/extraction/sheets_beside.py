"""What a sheet holds beside its cells: comments, text boxes, controls, titles of charts, headers and footers as lines;
pictures and embedded files are named as left out."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lxml import etree

from core.documents.extraction import graphics, sheets_controls
from core.documents.extraction.drawings import LeftOut
from core.documents.extraction.office import local, within
from core.documents.extraction.pages import Pages
from core.documents.extraction.slide_numbers import Numbers
from core.documents.extraction.workbook import Book, Sheet, in_a_line, text_of

if TYPE_CHECKING:
    from core.documents.extraction.sheets_rows import Rows

# Of a page header: where it stands, fonts, sizes, colours, and figures that only printing knows.
_HEADER_CODE = re.compile(r'&(?:"[^"]*"|K[0-9A-Fa-f]{6}|K\d\d[+-]\d{3}|\d{1,3}|.)', re.DOTALL)
# Of Excel, which stand in a drawing; and of other programs (ActiveX), whose state only they know.
_CONTROL, _FOREIGN_CONTROL = "ctrlProp", "control"
_THREADED = "[Threaded comment]"


def lines(book: Book, sheet: Sheet, rows: "Rows", number: int, pages: Pages, left_out: LeftOut) -> Iterator[str]:
    """`number` of the page that the sheet is."""
    relations = book.package.relations(sheet.part)
    related = relations.values()
    threads = [line for kind, part in related if kind == "threadedComment" for line in _threads(book, part)]
    yield from threads
    for kind, part in related:
        if kind == "comments":
            yield from _comments(book, part, not threads)
        elif kind == "drawing":
            yield from _drawing(book, part, number, pages, left_out)
        elif kind == "vmlDrawing":
            yield from sheets_controls.lines(book, part, number, pages)
    for name, text in dict.fromkeys(rows.headers):
        if shown := _header(text, sheet.name):
            yield f"{'Header' if name.endswith('Header') else 'Footer'}: {shown}"
    kinds = [relations.get(one, ("", ""))[0] for one in rows.embedded]
    pages.leave_out("PARTS_UNREAD", number, kinds.count(_FOREIGN_CONTROL))
    pages.leave_out("ATTACHMENTS_UNREAD", number, sum(kind not in (_CONTROL, _FOREIGN_CONTROL) for kind in kinds))


def _threads(book: Book, part: str) -> Iterator[str]:
    """Answers stand after what they answer."""
    for one in within(book.package.xml(part), "threadedComment"):
        if text := in_a_line("".join(text.text or "" for text in within(one, "text"))):
            yield f"[{'Answer' if one.get('parentId') else 'Comment'} on {one.get('ref', '')}: {text}]"


def _comments(book: Book, part: str, all_of_them: bool) -> Iterator[str]:
    for one in within(book.package.xml(part), "comment"):
        text = " ".join(text_of(text) for text in within(one, "text")).strip()
        if text and (all_of_them or not text.startswith(_THREADED)):
            yield f"[Comment on {one.get('ref', '')}: {text}]"


def _drawing(book: Book, part: str, number: int, pages: Pages, left_out: LeftOut) -> Iterator[str]:
    """`AlternateContent` holds a thing twice: the first form counts."""
    root = book.package.xml(part)
    targets = {link: to for link, (_, to) in book.package.relations(part).items()}
    _, marks = left_out.of(root, targets, number, blob=lambda link: _blob(book, targets.get(link, "")))
    yield from marks.values()
    walk = etree.iterwalk(root, events=("start",))
    for _, element in walk:
        if local(element) == "Fallback" or (local(element) == "sp" and _is_control(element)):
            walk.skip_subtree()
        elif local(element) == "txBody":
            walk.skip_subtree()
            if text := in_a_line("\n".join(_numbered(element, number, pages))).strip():
                yield f"Text box: {text}"
        elif graphics.is_graphic(element):
            drawn = book.package.xml(targets.get(graphics.relation_of(element), ""))
            elsewhere = _figures_are_elsewhere(drawn)
            found = graphics.lines(drawn) if elsewhere else _titles(drawn)
            pages.leave_out("CHARTS_UNREAD", number, elsewhere and not found)
            yield from (f"Chart: {line}" for line in found)


def _is_control(shape: etree._Element) -> bool:
    """It stands in a drawing of its own, too, with its state."""
    return any(local(one) == "compatExt" for kind in shape if local(kind).startswith("nv") for one in kind.iter())


def _numbered(body: etree._Element, number: int, pages: Pages) -> Iterator[str]:
    numbers = Numbers(body)
    for paragraph in within(body, "p"):
        if text := "".join(graphics.paragraphs(paragraph)):
            yield numbers.next(paragraph) + text
    pages.leave_out("NUMBERS_UNREAD", number, numbers.unread)


def _blob(book: Book, part: str) -> bytes | None:
    return book.package.bytes(part) if book.package.has(part) else None


def _figures_are_elsewhere(root: etree._Element) -> bool:
    """A chart's figures are those of cells, which are in the text and may be newer than what it keeps of them. Not
    those that it alone has or that come from other files, nor the words of a diagram."""
    formulas = (one.text or "" for one in root.iter() if local(one) == "f")
    alone = any(local(one) in ("numLit", "strLit") for one in root.iter())
    return local(root) != "chartSpace" or alone or any("[" in one or one.startswith("{") for one in formulas)


def _titles(root: etree._Element) -> list[str]:
    titles = (one for one in root.iter() if local(one) == "title")
    texts = (" ".join(graphics.paragraphs(one)) or " ".join(_kept(one)) for one in titles)
    text = " | ".join(filter(None, map(in_a_line, texts)))
    return [text] if text else []


def _kept(title: etree._Element) -> Iterator[str]:
    """A title that is a cell."""
    return (one.text or "" for one in title.iter() if local(one) == "v")


def _header(text: str, sheet: str) -> str:
    """Its three parts apart by spaces; page numbers, dates and the file's name are left out."""
    known = {"&&": "&", "&A": sheet, "&a": sheet, "&L": " ", "&C": " ", "&R": " "}
    return in_a_line(_HEADER_CODE.sub(lambda found: known.get(found[0], ""), text).strip() + "\n")
