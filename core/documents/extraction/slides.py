"""PPTX: a slide is a page, with its tables, charts, diagrams, notes and comments. A hidden one is read, and marked."""

from functools import partial
from pathlib import Path

from lxml import etree
from pptx.opc.package import Part, XmlPart
from pptx.oxml import parse_xml
from pptx.package import Package

from core.documents.extraction import failures
from core.documents.extraction.drawings import LeftOut
from core.documents.extraction.office import blob_of, get, local, related, within
from core.documents.extraction.pages import Pages
from core.documents.extraction.slide_text import Grounds, SlideText

HIDDEN_SLIDE = "[Hidden slide]"


def read(path: Path, pages: Pages) -> None:
    package = Package.open(str(path))
    main = next(related(package._rels.values(), "officeDocument"), None)
    if main is None:
        raise failures.corrupt("it holds no presentation")
    slides = [main.related_part(_relation(entry)) for entry in within(_root(main), "sldId")]
    authors = _authors(main)
    unread = _Unread(pages)
    pages.expect(len(slides))
    known: dict[str, Grounds] = {}
    for number, slide in enumerate(slides, start=1):
        text = SlideText(slide, _root, authors, _grounds(slide, known), pages).text()
        marks = unread.of(slide, number, text)
        text = "\n".join(filter(None, (text, *marks)))
        hidden = _root(slide).get("show") in ("0", "false")
        pages.add(f"{HIDDEN_SLIDE}\n{text}" if hidden and text else text)


def _authors(main: Part) -> dict[str, str]:
    """Of comments: those of before 2021 and newer ones."""
    known = [
        one
        for kind in ("commentAuthors", "authors")
        for part in related(main.rels.values(), kind)
        for one in _root(part)
    ]
    return {get(one, "id"): " ".join(get(one, "name").split()) for one in known}


def _grounds(slide: Part, known: dict[str, Grounds]) -> Grounds:
    """Of its layout, each of which is looked through once."""
    layout = next(related(slide.rels.values(), "slideLayout"), None)
    if layout is None:
        return Grounds(None, (), _root)
    if layout.partname not in known:
        known[layout.partname] = Grounds(layout, list(related(layout.rels.values(), "slideMaster")), _root)
    return known[layout.partname]


class _Unread:
    """What slides hold that their text does not; what stands on a master is named once."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._left_out = LeftOut(pages)
        self._known: set[str] = set()

    def of(self, slide: Part, number: int, text: str) -> list[str]:
        """The marks of pictures whose words are recognized."""
        things, marks = self._things(slide, number)
        if things and not text.strip() and not marks:
            self._pages.leave_out("PAGES_WITHOUT_TEXT", number)
        for layout in related(slide.rels.values(), "slideLayout"):
            for ground in (layout, *related(layout.rels.values(), "slideMaster")):
                marks += self._of_ground(ground)
        return marks

    def _of_ground(self, ground: Part) -> list[str]:
        if ground.partname in self._known:
            return []
        self._known.add(ground.partname)
        _, marks = self._things(ground, None)
        shapes = (one for one in within(_root(ground), "sp") if next(within(one, "ph"), None) is None)
        said = sum(any(local(one) == "t" and one.text for one in shape.iter()) for shape in shapes)
        self._pages.leave_out("PARTS_UNREAD", count=said)
        return marks

    def _things(self, part: Part, number: int | None) -> tuple[int, list[str]]:
        targets = {link: relation.target_ref for link, relation in part.rels.items()}
        blob = partial(blob_of, part.rels)
        things, marks = self._left_out.of(_root(part), targets, number, blob=blob)
        return things, list(marks.values())


def _relation(entry: etree._Element) -> str:
    """r:id, not the slide's own id."""
    return next(str(value) for key, value in entry.attrib.items() if str(key).endswith("}id"))


def _root(part: Part) -> etree._Element:
    return part._element if isinstance(part, XmlPart) else parse_xml(part.blob)
