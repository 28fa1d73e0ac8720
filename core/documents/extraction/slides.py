"""PPTX: a slide is a page, with its tables, SmartArt and notes. Hidden slides are read, too."""

from collections.abc import Iterator
from pathlib import Path

from lxml import etree
from pptx.opc.package import Part, XmlPart
from pptx.oxml import parse_xml
from pptx.package import Package

from core.documents.extraction import failures
from core.documents.extraction.drawings import LeftOut
from core.documents.extraction.office import local, within
from core.documents.extraction.pages import Pages

_NUMBERS = ("sldNum", "sldImg")


def read(path: Path, pages: Pages) -> None:
    package = Package.open(str(path))
    main = next(iter(_parts(package, "officeDocument")), None)
    if main is None:
        raise failures.corrupt("it holds no presentation")
    slides = [main.related_part(_relation(entry)) for entry in within(_root(main), "sldId")]
    pages.expect(len(slides))
    unread = _Unread(pages)
    for number, slide in enumerate(slides, start=1):
        text = "\n".join(_lines_of(slide))
        pages.add(text)
        unread.of(slide, number, text)


class _Unread:
    """What slides hold that their text does not; what stands on a master is named once."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._left_out = LeftOut(pages, diagrams=False)
        self._known: set[str] = set()

    def of(self, slide: Part, number: int, text: str) -> None:
        things = self._things(slide, number)
        if things and not text.strip():
            self._pages.leave_out("PAGES_WITHOUT_TEXT", number)
        for comments in _parts(slide, "comments"):
            said = sum(local(one) == "cm" for one in _root(comments).iter())
            self._pages.leave_out("COMMENTS_UNREAD", number, said)
        for layout in _parts(slide, "slideLayout"):
            for ground in (layout, *_parts(layout, "slideMaster")):
                self._of_ground(ground)

    def _of_ground(self, ground: Part) -> None:
        if ground.partname in self._known:
            return
        self._known.add(ground.partname)
        self._things(ground, None)
        shapes = (one for one in within(_root(ground), "sp") if next(within(one, "ph"), None) is None)
        self._pages.leave_out("PARTS_UNREAD", count=sum(any(_lines(shape)) for shape in shapes))

    def _things(self, part: Part, number: int | None) -> int:
        targets = {link: relation.target_ref for link, relation in part.rels.items()}
        return self._left_out.of(_root(part), targets, number)


def _parts(source: "Package | Part", kind: str) -> Iterator[Part]:
    relations = source.rels if isinstance(source, Part) else source._rels
    for relation in relations.values():
        if not relation.is_external and relation.reltype.endswith(f"/{kind}"):
            yield relation.target_part


def _relation(entry: etree._Element) -> str:
    """r:id, not the slide's own id."""
    return next(str(value) for key, value in entry.attrib.items() if str(key).endswith("}id"))


def _root(part: Part) -> etree._Element:
    return part._element if isinstance(part, XmlPart) else parse_xml(part.blob)


def _lines_of(slide: Part) -> Iterator[str]:
    yield from _lines(_root(slide))
    for kind in ("diagramData", "notesSlide"):
        for part in _parts(slide, kind):
            yield from _lines(_root(part))


def _lines(element: etree._Element) -> Iterator[str]:
    for child in element:
        name = local(child)
        if name == "p":
            line = "".join(_inline(child))
            if line.strip():
                yield line
        elif name == "tr":
            yield "\t".join(" ".join(" ".join(_lines(cell)).split()) for cell in within(child, "tc"))
        elif name != "Fallback" and not _is_number(child, name):
            yield from _lines(child)


def _is_number(shape: etree._Element, name: str) -> bool:
    """The slide's number, and in notes the picture of the slide."""
    return name == "sp" and any(holder.get("type") in _NUMBERS for holder in within(shape, "ph"))


def _inline(paragraph: etree._Element) -> Iterator[str]:
    for element in paragraph.iter():
        name = local(element)
        if name == "t":
            yield element.text or ""
        elif name == "br":
            yield "\n"
        elif name == "tab":
            yield "\t"
