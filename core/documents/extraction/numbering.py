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
        self._of_styles: dict[str, Level | None] = {}
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

    def _number_of(self, paragraph: etree._Element) -> Level | None:
        """The list and the level of a paragraph, its own or its style's."""
        properties = next(_named(paragraph, "pPr"), None)
        if properties is None:
            return None
        number, level = _numbered(properties)
        style = next(map(_val, _named(properties, "pStyle")), "")
        inherited = self._of_style(style)
        number = number or (inherited[0] if inherited else "")
        return (number, level or (inherited[1] if inherited else "0")) if number else None

    def _of_style(self, name: str) -> Level | None:
        """What a style says, or the one that it is based on; looked up once each."""
        above: dict[str, None] = {}
        found: Level | None = None
        while name and name not in self._of_styles and name in self._styles and name not in above:
            above[name] = None
            properties = next(_named(self._styles[name], "pPr"), None)
            number, level = ("", "") if properties is None else _numbered(properties)
            if number:
                found = number, level or "0"
                break
            name = next(map(_val, _named(self._styles[name], "basedOn")), "")
        found = found or self._of_styles.get(name)
        self._of_styles |= dict.fromkeys(above, found)
        return found


def _numbered(properties: etree._Element) -> tuple[str, str]:
    """Ids of the list and the level; empty where they are not said."""
    found = next(_named(properties, "numPr"), None)
    if found is None:
        return "", ""
    return next(map(_val, _named(found, "numId")), ""), next(map(_val, _named(found, "ilvl")), "")


def _named(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (child for child in element if local(child) == name)


def _get(element: etree._Element, name: str) -> str:
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")


def _val(element: etree._Element) -> str:
    return _get(element, "val")
