"""The text of one slide: its boxes as a reader takes them, then its notes and its comments."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

from lxml import etree
from pptx.opc.package import Part

from core.documents.extraction import cells, equations, graphics, struck
from core.documents.extraction.office import get, local, named, related, within
from core.documents.extraction.pages import Pages
from core.documents.extraction.raised import raised
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
_STYLE_OF = dict.fromkeys(_TITLES, "titleStyle") | dict.fromkeys(("body", "subTitle", "obj", ""), "bodyStyle")
# A master has one of a kind.
_ON_A_MASTER = {"ctrTitle": "title", "subTitle": "body"}


class Grounds:
    """What a slide stands on: the placeholders of its layout, then of the master, and the master's styles of text."""

    def __init__(self, layout: Part | None, masters: Sequence[Part], root: Root) -> None:
        self._layout = [] if layout is None else list(_placeholders(root(layout)))
        self._master = [one for master in masters for one in _placeholders(root(master))]
        self._styles = {
            local(style): style for master in masters for one in within(root(master), "txStyles") for style in one
        }

    def of(self, holder: etree._Element) -> Iterator[tuple[etree._Element, etree._Element]]:
        """Nearest first, the shapes that this one stands for, and what says of which kind they are: a layout's by
        number or kind, a master's by kind, and its numbers mean others."""
        kind = holder.get("type")
        known = [
            (shape, other)
            for key in ("idx", "type")
            for shape, other in (self._layout if holder.get(key) else ())
            if other.get(key) == holder.get(key)
        ]
        for shape, other in known[:1]:
            kind = kind or other.get("type")
            yield shape, other
        kinds = ("body",) if kind in (None, "obj") else (kind, _ON_A_MASTER.get(kind))
        yield from ((shape, other) for shape, other in self._master if other.get("type") in kinds)

    def list_styles(self, holder: etree._Element | None) -> list[etree._Element]:
        """Nearest first, what is said of the levels of its lists."""
        if holder is None:
            return []
        known = list(self.of(holder))
        styles = [style for shape, _ in known for body in named(shape, "txBody") for style in named(body, "lstStyle")]
        kind = next((one.get("type", "") for one in (holder, *(other for _, other in known)) if one.get("type")), "")
        return [*styles, *(self._styles[name] for name in (_STYLE_OF.get(kind),) if name in self._styles)]


def _placeholders(root: etree._Element) -> Iterator[tuple[etree._Element, etree._Element]]:
    return ((shape, holder) for shape in within(root, "sp") for holder in itertools.islice(within(shape, "ph"), 1))


class SlideText:
    def __init__(self, slide: Part, root: Root, authors: Mapping[str, str], grounds: Grounds, pages: Pages) -> None:
        """A slide says where its boxes are and how their lists count only where its `grounds` say otherwise."""
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
        if local(shape) == "grpSp" and depth < _DEEPEST:
            lines = list(self._tree(shape, depth + 1))
        else:
            lines = list(self._lines(shape, self._grounds.list_styles(next(within(shape, "ph"), None))))
        properties = (one for kind in shape if local(kind).startswith("nv") for one in named(kind, "cNvPr"))
        if lines and any(one.get("hidden") in ("1", "true") for one in properties):
            return [f"[Hidden: {' '.join(lines)}]"]
        return lines

    def _place(self, shape: etree._Element, holder: etree._Element | None) -> Place:
        own = _frame(shape)
        if own or holder is None:
            return own or (0, 0, 0, 0)
        places = (place for ground, _ in self._grounds.of(holder) if (place := _frame(ground)))
        return next(places, (0, 0, 0, 0))

    def _lines(self, element: etree._Element, styles: Sequence[etree._Element] = ()) -> Iterator[str]:
        numbers = Numbers(element, styles)
        for child in element:
            name = local(child)
            if name == "p":
                line = struck.marked("".join(_inline(child)))
                if line.strip():
                    yield numbers.next(child) + line
            elif name == "tr":
                yield from cells.lines_of([list(self._broken(cell)) for cell in within(child, "tc")])
            elif graphics.is_graphic(child):
                yield from self._graphic(child)
            elif name != "Fallback" and not _is_number(child, name):
                yield from self._lines(child, styles)
        self._pages.leave_out("NUMBERS_UNREAD", self._number, numbers.unread)

    def _broken(self, cell: etree._Element) -> Iterator[str]:
        return (line for text in self._lines(cell) for line in text.split("\n"))

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
    walk = etree.iterwalk(paragraph, events=("start",))
    for _, element in walk:
        name = local(element)
        if name == "oMath":
            walk.skip_subtree()
            yield equations.in_a_line(element)
        elif name == "Fallback":  # a picture of it
            walk.skip_subtree()
        elif name == "t":
            yield _in_font(element)
        elif name == "br":
            yield "\n"
        elif name == "tab":
            yield "\t"


def _in_font(text: etree._Element) -> str:
    """Signs of a symbol font stand at codes of their own, or the run is in that font altogether."""
    written, run = struck.of_drawing(text, _on_its_line(text)), text.getparent()
    fonts = (
        {local(one): one.get("typeface", "") for kind in named(run, "rPr") for one in kind} if run is not None else {}
    )
    if is_symbol_font(fonts.get("latin", "")):
        return shown(fonts["latin"], written)
    return written if written.isascii() else "".join(_sign(fonts.get("sym", ""), one) for one in written)


def _on_its_line(text: etree._Element) -> str:
    run = text.getparent()
    shifts = (get(one, "baseline") for one in named(run, "rPr")) if run is not None else iter(())
    shift = next(shifts, "")
    return raised(text.text or "") if shift.isdecimal() and int(shift) else text.text or ""


def _sign(font: str, character: str) -> str:
    return shown(font, character) if is_private(character) else character
