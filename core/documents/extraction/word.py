"""DOCX: python-docx opens the package; the text is walked here.

Its own `paragraph.text` leaves out what stands in tracked insertions, content controls, text boxes and fields.
"""

from collections.abc import Iterator
from pathlib import Path

import docx.package
from docx.opc.part import Part, XmlPart
from docx.oxml.parser import parse_xml
from lxml import etree

from core.documents.extraction import failures
from core.documents.extraction.drawings import LeftOut
from core.documents.extraction.numbering import Count, Numbering
from core.documents.extraction.office import local, named, within
from core.documents.extraction.pages import Pages

# Properties, what is struck out, field codes, and the second copy of a text box.
_UNSHOWN = "pPr rPr sectPr tblPr tblGrid trPr tcPr sdtPr del moveFrom delText instrText delInstrText Fallback"
_SKIPPED = frozenset(_UNSHOWN.split())
_CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_BEFORE = ("header",)
_AFTER = ("footnotes", "endnotes", "footer")


def read(path: Path, pages: Pages) -> None:
    package = docx.package.Package.open(str(path))
    main = next(iter(_parts(package, "officeDocument")), None)
    if main is None:
        raise failures.corrupt("it holds no Word document")
    roots = {kind: [_root(part) for part in _parts(main, kind)] for kind in ("numbering", "styles")}
    numbering = Numbering(roots["numbering"], roots["styles"])
    before = [text for kind in _BEFORE for text in _texts(main, kind, numbering, pages)]
    after = [text for kind in _AFTER for text in _texts(main, kind, numbering, pages)]
    pages.add("\n".join([*before, _text(main, numbering, pages), *after]))
    _leave_out(main, pages)


def _parts(source: "docx.package.Package | Part", kind: str) -> Iterator[Part]:
    for relation in source.rels.values():
        if not relation.is_external and relation.reltype.endswith(f"/{kind}"):
            yield relation.target_part


def _texts(main: Part, kind: str, numbering: Numbering, pages: Pages) -> list[str]:
    """Each section has headers of its own, which mostly say the same."""
    texts = (_text(part, numbering, pages) for part in _parts(main, kind))
    return list(dict.fromkeys(text for text in texts if text))


def _root(part: Part) -> etree._Element:
    return part.element if isinstance(part, XmlPart) else parse_xml(part.blob)


def _text(part: Part, numbering: Numbering, pages: Pages) -> str:
    count = Count(numbering)
    text = "\n".join(_lines(_root(part), count)).strip("\n")
    pages.leave_out("NUMBERS_UNREAD", count=count.unread)
    return text


def _leave_out(main: Part, pages: Pages) -> None:
    left_out = LeftOut(pages, diagrams=True)
    for part in (main, *(part for kind in (*_BEFORE, *_AFTER) for part in _parts(main, kind))):
        root = _root(part)
        left_out.of(root, {link: relation.target_ref for link, relation in part.rels.items()})
        deleted = (one for one in root.iter() if local(one) == "del" and any(local(i) == "delText" for i in one.iter()))
        pages.leave_out("HIDDEN_UNREAD", count=sum(1 for _ in deleted))
    comments = (one for part in _parts(main, "comments") for one in within(_root(part), "comment"))
    pages.leave_out("COMMENTS_UNREAD", count=sum(1 for _ in comments))


def _lines(element: etree._Element, count: Count) -> Iterator[str]:
    for child in element:
        name = local(child)
        if name in _SKIPPED:
            continue
        if name == "p":
            text = _paragraph(child, count).strip("\n")
            if text or not _is_deleted(child):
                yield text
        elif name == "tbl":
            yield from _rows(child, count)
        else:
            yield from _lines(child, count)


def _rows(table: etree._Element, count: Count) -> Iterator[str]:
    for row in within(table, "tr"):
        cells = (" ".join(" ".join(_lines(cell, count)).split()) for cell in within(row, "tc"))
        yield "\t".join(cells)


def _paragraph(paragraph: etree._Element, count: Count) -> str:
    # Before what is in it: a text box counts for itself.
    number = "" if _is_deleted(paragraph) else count.next(paragraph)
    return f"{number}{''.join(_inline(paragraph, count))}".rstrip(" ")


def _is_deleted(paragraph: etree._Element) -> bool:
    """Its end is struck out: what is left of it stands in the paragraph after it."""
    marks = (mark for properties in named(paragraph, "pPr") for mark in named(properties, "rPr"))
    return any(local(one) in ("del", "moveFrom") for mark in marks for one in mark)


def _inline(element: etree._Element, count: Count) -> Iterator[str]:
    for child in element:
        name = local(child)
        if name == "t":
            yield child.text or ""
        elif name in _CHARACTERS:
            yield _CHARACTERS[name]
        elif name == "p":  # of a text box
            yield f"\n{_paragraph(child, count.of_boxes())}\n"
        elif name not in _SKIPPED:
            yield from _inline(child, count)
