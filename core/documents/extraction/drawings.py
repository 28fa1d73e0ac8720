"""What stands in the XML of DOCX, PPTX and XLSX beside text: pictures, objects of other programs.

`AlternateContent` holds a thing twice, for newer and for older programs: the first form counts.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from lxml import etree

from core.documents.extraction.office import local
from core.documents.extraction.pages import Pages

if TYPE_CHECKING:  # the child reads no tables
    from core.tables.documents import WarningCode

# EMU, half a centimetre: what is smaller in one direction is a line or a bullet, in which nothing can be written.
SMALLEST = 180_000
_MEANS: "dict[str, WarningCode]" = {
    "OLEObject": "ATTACHMENTS_UNREAD",
    "oleObj": "ATTACHMENTS_UNREAD",
    "oleObject": "ATTACHMENTS_UNREAD",
    "videoFile": "ATTACHMENTS_UNREAD",
    "audioFile": "ATTACHMENTS_UNREAD",
    "control": "PARTS_UNREAD",
    "contentPart": "PARTS_UNREAD",  # ink
    "subDoc": "PARTS_UNREAD",
}
# They hold a picture of the thing as well.
_WITH_A_PICTURE = ("object", "oleObj")


class LeftOut:
    """Of a whole file: a picture that stands in several places, such as a logo on each slide, is named once."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._pictures: set[str] = set()

    def of(
        self,
        root: etree._Element,
        targets: Mapping[str, str],
        page: int | None = None,
        *,
        blob: Callable[[str], bytes | None] = lambda link: None,
    ) -> tuple[int, dict[str, str]]:
        """Name what stands in this XML. `targets`: where the ids of relations lead; `blob`: a picture by its
        relation's id. Returns how many there were, and the marks of pictures whose words are recognized, by those ids.
        """
        number = 0
        marks: dict[str, str] = {}
        for code, picture in self._things(root):
            number += 1
            if picture:
                to = targets.get(picture, picture)
                if to in self._pictures:
                    continue
                self._pictures.add(to)
            if code != "PICTURES_UNREAD":
                self._pages.leave_out(code, page)
            elif mark := self._pages.picture(partial(blob, picture), code, page):
                marks[picture] = mark
        return number, marks

    def _things(self, root: etree._Element) -> "Iterator[tuple[WarningCode, str]]":
        walk = etree.iterwalk(root, events=("start",))
        for _, element in walk:
            name = local(element)
            if name == "Fallback" or (name in ("anchor", "inline", "pic") and _is_decoration(element)):
                walk.skip_subtree()
            elif name in _WITH_A_PICTURE:
                yield from ((_MEANS[one], "") for one in map(local, element.iter()) if one in _MEANS)
                walk.skip_subtree()
            elif name in _MEANS:
                yield _MEANS[name], ""
            elif name == "pic":
                code = next((_MEANS[one] for one in map(local, element.iter()) if one in _MEANS), None)
                yield code or "PICTURES_UNREAD", "" if code else _linked(element)
                walk.skip_subtree()
            elif name in ("blip", "imagedata"):
                yield "PICTURES_UNREAD", relation_id(element)


def _is_decoration(element: etree._Element) -> bool:
    """Small, or marked as decorative by its author."""
    inside = list(element.iter())
    if any(local(one) == "decorative" and one.get("val") in ("1", "true") for one in inside):
        return True
    sized = next((one for one in inside if local(one) in ("extent", "ext") and one.get("cx")), None)
    return sized is not None and min(_number(sized.get("cx")), _number(sized.get("cy"))) < SMALLEST


def _number(value: str | None) -> int:
    return int(value) if value and value.isdecimal() else SMALLEST


def _linked(picture: etree._Element) -> str:
    return next((relation_id(one) for one in picture.iter() if local(one) == "blip"), "")


def relation_id(element: etree._Element) -> str:
    """r:embed, r:link or r:id."""
    names = ("embed", "link", "id")
    return next((str(v) for k, v in element.attrib.items() if str(k).rpartition("}")[2] in names and "}" in str(k)), "")
