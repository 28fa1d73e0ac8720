"""The text of one slide: its boxes as a reader takes them, then its notes and its comments."""

from collections.abc import Callable, Iterator, Mapping

from lxml import etree
from pptx.opc.package import Part

from core.documents.extraction import graphics
from core.documents.extraction.office import get, local, named, related, within
from core.documents.extraction.pages import Pages
from core.documents.extraction.slide_numbers import Numbers
from core.documents.extraction.slide_order import Box, in_order
from core.documents.extraction.symbols import is_private, is_symbol_font, shown

_NUMBERS = ("sldNum", "sldImg")
_TITLES = ("title", "ctrTitle")
_SHAPES = ("sp", "grpSp", "graphicFrame", "pic", "cxnSp", "contentPart")
# Groups within groups that are put in order; deeper ones stay as they were drawn.
_DEEPEST = 20
Place = tuple[int, int, int, int]
Root = Callable[[Part], etree._Element]
# Shapes, and what says of which kind they are.
Grounds = list[tuple[etree._Element, etree._Element]]


def placeholders(part: Part, root: Root) -> Grounds:
    shapes = within(root(part), "sp")
    return [(shape, holder) for shape in shapes if (holder := next(within(shape, "ph"), None)) is not None]


class SlideText:
    def __init__(self, slide: Part, root: Root, authors: Mapping[str, str], grounds: Grounds, pages: Pages) -> None:
        """`grounds`: placeholders of the layout, then of the master: a slide says where its own are only where they
        moved."""
        self._slide, self._root, self._authors = slide, root, authors
        self._pages, self._number = pages, len(pages.starts) + 1
        self._grounds = grounds

    def text(self) -> str:
        return "\n".join(self._all())

    def _all(self) -> Iterator[str]:
        for tree in within(self._root(self._slide), "spTree"):
            yield from self._tree(tree, 0)
        for notes in related(self._slide.rels.values(), "notesSlide"):
            yield from self._lines(self._root(notes))
        for comments in related(self._slide.rels.values(), "comments"):
            yield from self._comments(self._root(comments))

    def _tree(self, tree: etree._Element, depth: int) -> Iterator[str]:
        titles, boxes = [], []
        for shape in _shapes(tree):
            holder = next(within(shape, "ph"), None) if local(shape) == "sp" else None
            if holder is not None and holder.get("type") in _TITLES:
                titles.append(shape)
            elif not (holder is not None and holder.get("type") in _NUMBERS):
                left, top, width, height = self._place(shape, holder)
                boxes.append(Box(shape, left, top, left + width, top + height))
        # A box without words would join what a reader takes apart.
        telling = {id(box.shape): lines for box in boxes if (lines := self._shape(box.shape, depth))}
        for title in titles:
            yield from self._shape(title, depth)
        for box in in_order([box for box in boxes if id(box.shape) in telling]):
            yield from telling[id(box.shape)]

    def _shape(self, shape: etree._Element, depth: int) -> list[str]:
        inside = self._tree(shape, depth + 1) if local(shape) == "grpSp" and depth < _DEEPEST else self._lines(shape)
        lines = list(inside)
        properties = (one for kind in shape if local(kind).startswith("nv") for one in named(kind, "cNvPr"))
        if lines and any(one.get("hidden") in ("1", "true") for one in properties):
            return [f"[Hidden: {' '.join(lines)}]"]
        return lines

    def _place(self, shape: etree._Element, holder: etree._Element | None) -> Place:
        own = _frame(shape)
        if own or holder is None:
            return own or (0, 0, 0, 0)
        for key in ("idx", "type"):
            for ground, other in self._grounds if holder.get(key) else ():
                if other.get(key) == holder.get(key) and (place := _frame(ground)):
                    return place
        return 0, 0, 0, 0

    def _lines(self, element: etree._Element) -> Iterator[str]:
        numbers = Numbers(element)
        for child in element:
            name = local(child)
            if name == "p":
                line = "".join(_inline(child))
                if line.strip():
                    yield numbers.next(child) + line
            elif name == "tr":
                yield "\t".join(" ".join(" ".join(self._lines(cell)).split()) for cell in within(child, "tc"))
            elif graphics.is_graphic(child):
                yield from self._graphic(child)
            elif name != "Fallback" and not _is_number(child, name):
                yield from self._lines(child)
        self._pages.leave_out("NUMBERS_UNREAD", self._number, numbers.unread)

    def _graphic(self, graphic: etree._Element) -> list[str]:
        found = self._slide.rels.get(graphics.relation_of(graphic))
        lines = [] if found is None or found.is_external else graphics.lines(self._root(found.target_part))
        if not lines:
            self._pages.leave_out("CHARTS_UNREAD", self._number)
        return lines

    def _comments(self, root: etree._Element) -> Iterator[str]:
        for one in root.iter():
            if local(one) not in ("cm", "reply"):
                continue
            told = [child for child in one if local(child) in ("text", "txBody")]
            text = " ".join(" ".join([child.text or "", *graphics.paragraphs(child)]) for child in told)
            author = self._authors.get(get(one, "authorId"), "")
            if text.strip():
                yield f"[Comment{f' by {author}' if author else ''}: {' '.join(text.split())}]"


def _shapes(tree: etree._Element) -> Iterator[etree._Element]:
    """The first form of those that are kept for several programs."""
    for child in tree:
        if local(child) in _SHAPES:
            yield child
        elif local(child) == "AlternateContent":
            for choice in list(named(child, "Choice"))[:1]:
                yield from (one for one in choice if local(one) in _SHAPES)


def _frame(shape: etree._Element) -> Place | None:
    """Left, top, width and height."""
    around = [one for kind in ("spPr", "grpSpPr") for one in named(shape, kind)] + [shape]
    for frame in (one for where in around for one in named(where, "xfrm")):
        off, ext = next(named(frame, "off"), None), next(named(frame, "ext"), None)
        if off is not None and ext is not None:
            return _whole(off, "x"), _whole(off, "y"), _whole(ext, "cx"), _whole(ext, "cy")
    return None


def _whole(element: etree._Element, name: str) -> int:
    value = element.get(name, "")
    return int(value) if len(value) < 16 and value.lstrip("-").isdecimal() else 0


def _is_number(shape: etree._Element, name: str) -> bool:
    """The slide's number, and in notes the picture of the slide."""
    return name == "sp" and any(holder.get("type") in _NUMBERS for holder in within(shape, "ph"))


def _inline(paragraph: etree._Element) -> Iterator[str]:
    for element in paragraph.iter():
        name = local(element)
        if name == "t":
            yield _in_font(element)
        elif name == "br":
            yield "\n"
        elif name == "tab":
            yield "\t"


def _in_font(text: etree._Element) -> str:
    """Signs of a symbol font stand at codes of their own, or the run is in that font altogether."""
    written, run = text.text or "", text.getparent()
    fonts = (
        {local(one): one.get("typeface", "") for kind in named(run, "rPr") for one in kind} if run is not None else {}
    )
    if is_symbol_font(fonts.get("latin", "")):
        return shown(fonts["latin"], written)
    return written if written.isascii() else "".join(_sign(fonts.get("sym", ""), one) for one in written)


def _sign(font: str, character: str) -> str:
    return shown(font, character) if is_private(character) else character
