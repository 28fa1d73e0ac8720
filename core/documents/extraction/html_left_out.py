"""What an HTML page shows that its text does not, and what it holds and hides."""

import base64
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from lxml import etree

from core.documents.extraction.pages import Pages

if TYPE_CHECKING:  # the child reads no tables
    from core.tables.documents import WarningCode

_PARTS = ("iframe", "frame", "object", "embed", "canvas", "audio", "video")
# What no browser shows as a rule.
_UNSEEN = ("script", "style", "template", "noscript", "datalist", "head")
_DATA = re.compile(r"\s*data:image/(?!svg)[^,]{0,200};\s*base64\s*,", re.I)
# Pixels: a picture that is smaller in one direction is a line, a dot or a counter of readers.
SMALLEST_PICTURE = 16


Hides = Callable[[etree._Element], bool]


def leave_out(root: etree._Element, parser: etree.HTMLParser, hides: Hides, pages: Pages) -> dict[etree._Element, str]:
    """`hides`: whether the reader leaves the element out as hidden. Returns the marks of pictures that the page itself
    holds: their words are recognized."""
    if breaks_off(parser):
        pages.leave_out("REST_UNREAD")
    pictures: set[str] = set()
    marks: dict[etree._Element, str] = {}
    for code, picture, element in _things(root, hides):
        if picture in pictures:
            continue
        if picture:
            pictures.add(picture)
        if (data := _held(picture)) is None:
            pages.leave_out(code)
        elif mark := pages.picture(data, code):
            marks[element] = mark
    return marks


def _held(address: str) -> Callable[[], bytes | None] | None:
    """What decodes a picture that is written into its own address; None where it lies elsewhere."""
    found = _DATA.match(address)
    return None if found is None else lambda: _decoded(address[found.end() :])


def _decoded(written: str) -> bytes | None:
    try:
        return base64.b64decode(unquote_to_bytes("".join(written.split())))
    except ValueError:
        return None


def breaks_off(parser: etree.HTMLParser) -> bool:
    """It is nested deeper than libxml2 goes, which stops there."""
    return any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log)


def _things(root: etree._Element, hides: Hides) -> "Iterator[tuple[WarningCode, str, etree._Element]]":
    """With the address of a picture."""
    walk = etree.iterwalk(root, events=("start",))
    for _, element in walk:
        name = element.tag
        if name == "img" and not _is_decoration(element):
            yield "PICTURES_UNREAD", str(element.get("src")), element
        elif name == "svg":
            if element.find(".//text") is not None:
                yield "PICTURES_UNREAD", "", element
            walk.skip_subtree()
        elif name in _PARTS:
            yield "PARTS_UNREAD", "", element
            walk.skip_subtree()
        elif name in _UNSEEN:
            walk.skip_subtree()
        elif name == "input" and element.get("type", "").lower() == "password" and element.get("value"):
            yield "PARTS_UNREAD", "", element
        elif name == "select" and element.get("hidden") is None:
            walk.skip_subtree()
        elif hides(element):
            if any(text.strip() for text in element.itertext()):
                yield "HIDDEN_UNREAD", "", element
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
