"""What an HTML page shows that its text does not, and what it holds and hides."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from lxml import etree

from core.documents.extraction.pages import Pages

if TYPE_CHECKING:  # the child reads no tables
    from core.tables.documents import WarningCode

_PARTS = ("iframe", "frame", "object", "embed", "canvas", "audio", "video")
# What no browser shows as a rule.
_UNSEEN = ("script", "style", "template", "noscript", "datalist", "head")
# Pixels: a picture that is smaller in one direction is a line, a dot or a counter of readers.
SMALLEST_PICTURE = 16


Hides = Callable[[etree._Element], bool]


def leave_out(root: etree._Element, parser: etree.HTMLParser, hides: Hides, pages: Pages) -> None:
    """`hides`: whether the reader leaves the element out as hidden."""
    if breaks_off(parser):
        pages.leave_out("REST_UNREAD")
    pictures: set[str] = set()
    for code, picture in _things(root, hides):
        if picture in pictures:
            continue
        if picture:
            pictures.add(picture)
        pages.leave_out(code)


def breaks_off(parser: etree.HTMLParser) -> bool:
    """It is nested deeper than libxml2 goes, which stops there."""
    return any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log)


def _things(root: etree._Element, hides: Hides) -> "Iterator[tuple[WarningCode, str]]":
    """With the address of a picture."""
    walk = etree.iterwalk(root, events=("start",))
    for _, element in walk:
        name = element.tag
        if name == "img" and not _is_decoration(element):
            yield "PICTURES_UNREAD", str(element.get("src"))
        elif name == "svg":
            if element.find(".//text") is not None:
                yield "PICTURES_UNREAD", ""
            walk.skip_subtree()
        elif name in _PARTS:
            yield "PARTS_UNREAD", ""
            walk.skip_subtree()
        elif name in _UNSEEN:
            walk.skip_subtree()
        elif name == "input" and element.get("type", "").lower() == "password" and element.get("value"):
            yield "PARTS_UNREAD", ""
        elif name == "select" and element.get("hidden") is None:
            walk.skip_subtree()
        elif hides(element):
            if any(text.strip() for text in element.itertext()):
                yield "HIDDEN_UNREAD", ""
            walk.skip_subtree()


def _is_decoration(picture: etree._Element) -> bool:
    """Small, or said to tell nothing. Without an address there is none; a mail's own ones are named as its parts."""
    source = picture.get("src", "")
    if not source or source.startswith("cid:"):
        return True
    if picture.get("alt") == "" or picture.get("role") in ("presentation", "none"):
        return True
    sizes = [picture.get(side, "").removesuffix("px") for side in ("width", "height")]
    return any(size.isdecimal() and int(size) < SMALLEST_PICTURE for size in sizes)
