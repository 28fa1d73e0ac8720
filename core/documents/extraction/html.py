"""HTML: the text that a browser shows. Nothing is fetched."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from core.documents.extraction import cells, equations, html_boxes
from core.documents.extraction.charset import decode
from core.documents.extraction.html_flat import flattened
from core.documents.extraction.html_grid import Grid
from core.documents.extraction.html_left_out import breaks_off, leave_out
from core.documents.extraction.html_lists import Lists
from core.documents.extraction.html_struck import Struck
from core.documents.extraction.pages import Pages
from core.documents.extraction.raised import raised
from core.documents.extraction.struck import marked, struck

_SKIPPED = "script style template noscript svg iframe object embed canvas audio video select datalist"
_APART = "blockquote dl figure h1 h2 h3 h4 h5 h6 ol p pre table title ul"
_ON_ITS_OWN = """address article aside body caption center dd details div dt fieldset figcaption footer form header
hr li main nav section summary"""
_READINGS = ("rt", "rtc", "rp")
_SKIPPED_TAGS = frozenset(_SKIPPED.split())
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_META_CHARSET = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([\w-]+)""", re.I)
_XML_ENCODING = re.compile(rb"""<\?xml[^>]{1,100}?encoding\s*=\s*["']([\w-]+)""", re.I)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")

# Stand-ins until all text is together; what comes in holds none of them.
_KEPT = str.maketrans({" ": "\x00", "\n": "\x01"})
_UNKEPT = {0: " ", 1: "\n"}
_CELL_END, _ROW, _ROW_END, _LINE, _PARAGRAPH = "\x02", "\x03", "\x04", "\x05", "\x06"
_INNERMOST = re.compile(f"{_ROW}([^{_ROW}{_ROW_END}]*){_ROW_END}")
_EDGES = dict.fromkeys(_ON_ITS_OWN.split(), _LINE) | dict.fromkeys(_APART.split(), _PARAGRAPH)
_ENDS = _EDGES | {"td": _CELL_END, "th": _CELL_END, "tr": _ROW_END, "br": "\n"}
_STARTS = _EDGES | {"tr": _ROW}


def read(path: Path, pages: Pages) -> None:
    data = path.read_bytes()
    pages.add(visible_text(decode(data, declared_charset(data)), pages))


def declared_charset(data: bytes) -> str | None:
    head = data[:4096]
    found = _META_CHARSET.search(head) or _XML_ENCODING.match(head.lstrip())
    return found[1].decode("ascii", "ignore") if found else None


def visible_text(html: str, pages: Pages | None) -> str:
    """`pages` is told what is left out."""
    html = html.replace("\0", "")
    if not html.strip():
        return ""
    root, parser = _parsed(html)
    if breaks_off(parser):
        root, parser = _parsed(flattened(html))
    if root is None:
        return ""  # nothing but comments
    marks = {} if pages is None else leave_out(root, parser, _is_hidden, pages)
    return _Walk(marks, Struck(root)).through(root)


def _parsed(html: str) -> tuple[etree._Element | None, etree.HTMLParser]:
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    source = html.encode("utf-8", "ignore")
    return (etree.fromstring(source, parser) if source.strip() else None), parser


class _Walk:
    """Once through a page. `pieces`: its text, with stand-ins for what parts it."""

    def __init__(self, marks: Mapping[etree._Element, str], struck_out: Struck) -> None:
        """`marks`: of pictures, for their words."""
        self._marks, self._struck = marks, struck_out
        self.pieces: list[str] = []
        self._preformatted = self._raised = 0
        self._lists = Lists()
        self._numbers: list[tuple[etree._Element, str]] = []  # of items whose text has not begun
        self._rubies: list[_Ruby] = []
        self._readings: list[str] = []
        self._grids: list[Grid] = []

    def through(self, root: etree._Element) -> str:
        passed: etree._Element | None = None
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            if event == "start" and self._passes(element):
                passed = element
                walk.skip_subtree()
            elif event == "start":
                self._begin(element)
            else:
                if element is not passed:
                    self._end(element)
                self._add(element.tail)
        self._tell_readings(_LINE)
        return _tidy("".join(self.pieces))

    def _passes(self, element: etree._Element) -> bool:
        """Whether what is in it is no text of its own."""
        if element.tag == "select" and not _is_unseen(element):
            self._add(f" {html_boxes.shown(element)} ")
            return True
        if element.tag == "math" and not _is_unseen(element):
            self._add(equations.in_a_line(element))
            return True
        if element.tag in _READINGS and self._rubies:
            if element.tag != "rp":
                self._rubies[-1].reading += "".join(element.itertext())
            return True
        return _is_hidden(element)

    def _begin(self, element: etree._Element) -> None:
        name = element.tag
        self._preformatted += name == "pre"
        self._raised += name == "sup"
        self._struck.begin(element)
        if number := self._lists.begin(element):
            self._numbers.append((element, number))
        if name == "ruby":
            self._rubies.append(_Ruby(len(self.pieces)))
        self.pieces.append(_STARTS.get(name, ""))
        self._place(element)
        if element in self._marks:
            self.pieces += [_LINE, self._marks[element], _LINE]
        if name == "input" and (box := html_boxes.shown(element)):
            self._add(f" {box} ")
        self._add(element.text)

    def _place(self, element: etree._Element) -> None:
        """A cell, in the column where it is shown."""
        if element.tag == "table":
            self._grids.append(Grid())
        elif element.tag == "tr" and self._grids:
            self._grids[-1].begin_row()
        elif element.tag in ("td", "th") and self._grids:
            self.pieces += [_CELL_END] * self._grids[-1].begin_cell(element)

    def _end(self, element: etree._Element) -> None:
        name = element.tag
        self._preformatted -= name == "pre"
        self._raised -= name == "sup"
        self._struck.end(element)
        if name == "table" and self._grids:
            self._grids.pop()
        self._lists.end(element)
        if self._numbers and self._numbers[-1][0] is element:  # an empty item
            self.pieces.append(self._numbers.pop()[1])
        if name == "ruby":
            ruby = self._rubies.pop()
            words, reading = ("".join(text.split()) for text in ("".join(self.pieces[ruby.begins :]), ruby.reading))
            self._readings += [f"[Ruby: {words} {reading}]"] if reading else []
        elif name in _EDGES or name in ("td", "th"):
            self._tell_readings(_LINE if name in _EDGES else " ")
        self.pieces.append(_ENDS.get(name, ""))

    def _tell_readings(self, between: str) -> None:
        """How words are read stands below them: they stand unbroken."""
        self.pieces += [piece for reading in self._readings for piece in (between, reading)]
        self._readings.clear()

    def _add(self, text: str | None) -> None:
        run = _run(text, self._preformatted)
        run = raised(run) if self._raised else run
        run = struck(run) if self._struck else run
        if self._numbers and run.strip():
            self.pieces += [f"{number} " for _, number in self._numbers]
            self._numbers.clear()
            run = run.lstrip()
        self.pieces.append(run)


@dataclass
class _Ruby:
    begins: int
    reading: str = ""


def _is_hidden(element: etree._Element) -> bool:
    return element.tag in _SKIPPED_TAGS or _is_unseen(element)


def _is_unseen(element: etree._Element) -> bool:
    """By its own word, whatever it is."""
    style = element.get("style")
    return element.get("hidden") is not None or (style is not None and _HIDDEN.search(style) is not None)


def _run(text: str | None, preformatted: int) -> str:
    if not text:
        return ""
    text = _CONTROL.sub("", text)
    return text.replace("\r", "").translate(_KEPT) if preformatted else _SPACES.sub(" ", text)


def _tidy(text: str) -> str:
    text = re.sub(rf"[ \n{_LINE}{_PARAGRAPH}]+", _gap, text)
    text = _INNERMOST.sub(_side_by_side, text)
    text = re.sub(rf" *\n*{_CELL_END}[ \n]*", "\t", text)
    text = re.sub(rf"[ \t]*{_ROW_END} *", "", text)
    text = re.sub(rf" *(\n*) *{_ROW}[ \n]*", lambda row: row[1] or "\n", text)
    text = re.sub(r"\n{3,}", "\n\n", text).strip(" \n")
    return marked(text).translate(_UNKEPT).strip("\n")


def _side_by_side(row: re.Match[str]) -> str:
    """Labels and figures that stand line by line in the cells of one row."""
    texts = row[1].split(_CELL_END)
    if sum("\n" in text.strip(" \n") for text in texts[:-1]) < 2:
        return row[0]
    lines = cells.side_by_side([text.strip(" \n").split("\n") for text in texts[:-1]])
    if lines is None:
        return row[0]
    return "".join(f"{_ROW}{_CELL_END.join(line)}{_CELL_END}{_ROW_END}" for line in lines)


def _gap(run: re.Match[str]) -> str:
    """Blocks inside blocks make one new line, paragraphs a blank line, and <br> as many as there are, up to two: what
    is looked for in long rows of them would take hours."""
    if _PARAGRAPH in run[0]:
        return "\n\n"
    return "\n" * min(2, max(run[0].count("\n"), _LINE in run[0])) or " "
