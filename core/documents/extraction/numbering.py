"""Which paragraphs of a Word document get their number from Word: it stands in none of their text."""

from collections.abc import Iterator, Sequence

from lxml import etree

from core.documents.extraction.office import local

# Neither is a number.
_MARKS = ("bullet", "none")
Level = tuple[str, str]


class Numbering:
    def __init__(self, roots: Sequence[etree._Element]) -> None:
        """`roots` of the parts for numbering and styles."""
        self._format: dict[Level, str] = {}
        self._abstract: dict[str, str] = {}
        self._styles: dict[str, etree._Element] = {}
        for element in (one for root in roots for one in root):
            name = local(element)
            if name == "abstractNum":
                for level in _named(element, "lvl"):
                    form = next((_val(one) for one in level.iter() if local(one) == "numFmt"), "decimal")
                    self._format[_get(element, "abstractNumId"), _get(level, "ilvl")] = form
            elif name == "num":
                self._abstract[_get(element, "numId")] = next(map(_val, _named(element, "abstractNumId")), "")
            elif name == "style":
                self._styles[_get(element, "styleId")] = element

    def paragraphs(self, root: etree._Element) -> int:
        """How many have a number, not only a mark."""
        return sum(self._is_numbered(one) for one in root.iter() if local(one) == "p")

    def _is_numbered(self, paragraph: etree._Element) -> bool:
        number = self._number_of(paragraph)
        if number is None or number[0] in ("", "0") or not any(local(one) in ("t", "sym") for one in paragraph.iter()):
            return False
        abstract = self._abstract.get(number[0])
        # A list of Word's own style gallery is defined by its style alone: it counts as numbered.
        return abstract is not None and self._format.get((abstract, number[1]), "decimal") not in _MARKS

    def _number_of(self, holder: etree._Element) -> Level | None:
        """The list and the level of a paragraph, its own or its style's."""
        seen: set[str] = set()
        level = None
        while True:
            properties = next(_named(holder, "pPr"), None)
            found = None if properties is None else next(_named(properties, "numPr"), None)
            if found is not None:
                level = level or next(map(_val, _named(found, "ilvl")), None)
                if (number := next(map(_val, _named(found, "numId")), None)) is not None:
                    return number, level or "0"
            style = self._style_above(holder, properties)
            if style is None or style in seen or style not in self._styles:
                return None
            seen.add(style)
            holder = self._styles[style]

    def _style_above(self, holder: etree._Element, properties: etree._Element | None) -> str | None:
        """The style of a paragraph, or the one that a style is based on."""
        if local(holder) == "style":
            return next(map(_val, _named(holder, "basedOn")), None)
        return None if properties is None else next(map(_val, _named(properties, "pStyle")), None)


def _named(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (child for child in element if local(child) == name)


def _get(element: etree._Element, name: str) -> str:
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")


def _val(element: etree._Element) -> str:
    return _get(element, "val")
