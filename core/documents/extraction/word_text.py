"""The text of a story of Word: its body, a header, its footnotes, a comment.

python-docx's own `paragraph.text` leaves out what stands in tracked insertions, content controls, text boxes and
fields.
"""

import re
from collections.abc import Iterator
from typing import Protocol

from docx.opc.part import Part
from lxml import etree

from core.documents.extraction import cells, equations, graphics, word_boxes, word_notes
from core.documents.extraction.drawings import relation_id
from core.documents.extraction.numbering import Count, Numbering
from core.documents.extraction.office import get, local, named, switched_on, val, within
from core.documents.extraction.pages import Pages
from core.documents.extraction.raised import raised
from core.documents.extraction.struck import marked, struck
from core.documents.extraction.symbols import shown, symbol_of
from core.documents.extraction.word_notes import Notes
from core.documents.extraction.word_styles import Said, Styles, said

# Properties, tracked deletions, field codes, and the second copy of a text box.
_UNSHOWN = "pPr rPr sectPr tblPr tblGrid trPr tcPr sdtPr del moveFrom delText instrText delInstrText Fallback rubyPr rt"
_SKIPPED = frozenset(_UNSHOWN.split())
_CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "ptab": "\t", "noBreakHyphen": "-"}
# Fields that Word counts as it shows them; those of other kinds keep what they showed last.
_COUNTING_FIELDS = ("AUTONUM", "LISTNUM")
# Around what is hidden, until the paragraph is whole; XML holds neither.
_HIDDEN, _HIDDEN_END = "\x02", "\x03"
_NOTE = re.compile(r"(\[\^[^\]]+\])(?=\S)")
_PASSAGE = re.compile(f"{_HIDDEN}([ \t]*)([^{_HIDDEN_END}]*){_HIDDEN_END}")


class Book(Protocol):
    """What stories of one document share."""

    pages: Pages
    styles: Styles
    numbering: Numbering
    notes: Notes

    def root(self, part: Part) -> etree._Element: ...
    def comment(self, name: str) -> str: ...
    def picture(self, part: Part, link: str) -> str: ...
    def merged(self, source: Part, relation: str) -> list[str]: ...


class Story:
    def __init__(self, book: Book, part: Part) -> None:
        """`part` holds what its relations lead to."""
        self._book, self._part = book, part
        self._count = Count(book.numbering)
        self._boxes = Count(book.numbering)
        # What stands beside a paragraph and not in it: comments, readings, figures of charts.
        self._beside: list[str] = []
        self._rows_open = 0

    def lines(self, element: etree._Element) -> Iterator[str]:
        yield from self._lines(element)
        self._book.pages.leave_out("NUMBERS_UNREAD", count=self._count.unread + self._boxes.unread)

    def _lines(self, element: etree._Element) -> Iterator[str]:
        for child in element:
            name = local(child)
            if name in _SKIPPED:
                continue
            if name == "p":
                text = _marked(self._paragraph(child, self._count)).strip("\n")
                if text or not _is_deleted(child):
                    yield text
                yield from self._take_beside()
            elif name == "tbl":
                yield from self._rows(child)
            elif name == "altChunk":
                yield from self._book.merged(self._part, get(child, "id"))
            elif name == "sdt" and (state := word_boxes.state_of(child)):
                yield from word_boxes.with_state("\n".join(self._lines(child)), state).split("\n")
            else:
                if name == "commentReference":  # between paragraphs
                    self._beside.append(self._book.comment(get(child, "id")))
                yield from self._lines(child)

    def _take_beside(self) -> list[str]:
        if self._rows_open:
            return []  # below the row: it stays whole, and its lines stay side by side
        taken, self._beside = [one for one in self._beside if one], []
        return taken

    def _rows(self, table: etree._Element) -> Iterator[str]:
        for row in within(table, "tr"):
            self._rows_open += 1
            found = cells.in_columns(
                ([line for text in self._lines(cell) for line in text.split("\n")], _span(cell, "gridSpan", 1))
                for cell in within(row, "tc")
            )
            found[:0] = [[]] * _span(row, "gridBefore", 0)
            self._rows_open -= 1
            hidden = any(local(one) == "hidden" and switched_on(one) for kind in named(row, "trPr") for one in kind)
            if hidden and any(map(any, found)):
                yield f"[Hidden: {' | '.join(' '.join(' '.join(cell).split()) for cell in found)}]"
            else:
                yield from cells.lines_of(found)
            yield from self._take_beside()

    def _paragraph(self, paragraph: etree._Element, count: Count) -> str:
        style = self._book.styles.of_paragraph(paragraph)
        text = "".join(self._inline(paragraph, style))
        counts = not _is_deleted(paragraph) and not (_is_hidden(paragraph, style) and text.startswith(_HIDDEN))
        number = count.next(paragraph) if counts else ""
        if note := _NOTE.match(text):
            text = f"{note[0]} {text[note.end() :]}"
        return f"{number}{text}".rstrip(" ")

    def _inline(self, element: etree._Element, style: Said) -> Iterator[str]:
        for child in element:
            name = local(child)
            if name == "r":
                yield self._run(child, style)
            elif name == "t":
                yield child.text or ""
            elif name in _CHARACTERS:
                yield _CHARACTERS[name]
            elif name == "p":  # of a text box, which counts for itself
                yield f"\n{self._paragraph(child, self._boxes)}\n"
            elif name == "sdt" and (state := word_boxes.state_of(child)):
                yield word_boxes.with_state("".join(self._inline(child, style)), state)
            elif name == "oMath":
                yield equations.in_a_line(child)
            elif name == "ruby":
                yield self._ruby(child, style)
            elif graphics.is_graphic(child):
                self._graphic(child)
            elif name not in _SKIPPED:
                yield self._special(child, name)
                yield from self._inline(child, style)
            elif name == "instrText" and (child.text or "").strip().upper().startswith(_COUNTING_FIELDS):
                self._book.pages.leave_out("NUMBERS_UNREAD")

    def _special(self, element: etree._Element, name: str) -> str:
        """What an element shows besides what is in it."""
        if name == "sym":
            return symbol_of(get(element, "font"), get(element, "char"))
        if name in word_notes.REFERENCES:
            return self._book.notes.mark(word_notes.REFERENCES[name], get(element, "id"))
        if name in word_notes.OWN:
            return self._book.notes.own(element)
        if name == "commentReference":
            self._beside.append(self._book.comment(get(element, "id")))
        elif name in ("blip", "imagedata"):
            self._beside.append(self._book.picture(self._part, relation_id(element)))
        elif name == "fldSimple" and get(element, "instr").strip().upper().startswith(_COUNTING_FIELDS):
            self._book.pages.leave_out("NUMBERS_UNREAD")
        elif name == "textpath":  # of WordArt, such as a watermark
            return get(element, "string")
        elif name == "fldChar":
            return word_boxes.of_form(element)
        return ""

    def _run(self, run: etree._Element, style: Said) -> str:
        found = self._book.styles.of_run(run, style)
        text = shown(found.font or "", "".join(self._inline(run, style)))
        text = raised(text) if found.raised else text
        text = struck(text) if found.struck else text
        return f"{_HIDDEN}{text}{_HIDDEN_END}" if found.hidden and text.strip() else text

    def _ruby(self, ruby: etree._Element, style: Said) -> str:
        """The words stand unbroken; how they are read stands beside."""
        base = "".join(text for one in named(ruby, "rubyBase") for text in self._inline(one, style))
        reading = "".join(text for one in named(ruby, "rt") for text in self._inline(one, style))
        if reading.strip():
            self._beside.append(_marked(f"[Ruby: {base} {reading}]"))
        return base

    def _graphic(self, graphic: etree._Element) -> None:
        related = self._part.rels.get(graphics.relation_of(graphic))
        if (
            related is None
            or related.is_external
            or not (lines := graphics.lines(self._book.root(related.target_part)))
        ):
            self._book.pages.leave_out("CHARTS_UNREAD")
            return
        self._beside += lines


def _span(element: etree._Element, name: str, default: int) -> int:
    """Columns that a cell takes, or that a row leaves free."""
    said = (val(one) for kind in ("tcPr", "trPr") for one in (e for p in named(element, kind) for e in named(p, name)))
    value = next(said, "")
    return int(value) if value.isdecimal() and len(value) < 4 else default


def _marked(text: str) -> str:
    """With what is hidden or struck out in brackets that say so."""
    text = marked(text)
    if _HIDDEN not in text:
        return text
    text = text.replace(_HIDDEN_END + _HIDDEN, "")
    text = _PASSAGE.sub(lambda found: f"{found[1]}[Hidden: {found[2]}]", text)
    return text.replace(_HIDDEN, "").replace(_HIDDEN_END, "")  # of boxes within


def _is_deleted(paragraph: etree._Element) -> bool:
    """Its end is struck out: what is left of it stands in the paragraph after it."""
    marks = (mark for properties in named(paragraph, "pPr") for mark in named(properties, "rPr"))
    return any(local(one) in ("del", "moveFrom") for mark in marks for one in mark)


def _is_hidden(paragraph: etree._Element, style: Said) -> bool:
    """Its end is: all of it, then, where its text is as well."""
    hidden = style.hidden
    for properties in named(paragraph, "pPr"):
        for mark in named(properties, "rPr"):
            own = said(mark).hidden
            hidden = hidden if own is None else own
    return bool(hidden)
