"""What styles of Word say of characters: whether they are hidden, above the line or struck out, and their font."""

from typing import NamedTuple

from lxml import etree

from core.documents.extraction.office import get, local, named, switched_on, val

_DEEPEST_CHAIN = 50


class Said(NamedTuple):
    """None: it is not said."""

    hidden: bool | None = None
    font: str | None = None
    raised: bool | None = None
    struck: bool | None = None


_NOTHING = Said()
_STRUCK = ("strike", "dstrike")


class Styles:
    def __init__(self, roots: list[etree._Element]) -> None:
        self._styles = {get(one, "styleId"): one for root in roots for one in root if local(one) == "style"}
        self._known: dict[str, Said] = {}

    def of_run(self, run: etree._Element, of_paragraph: Said) -> Said:
        for properties in named(run, "rPr"):
            style = next(map(val, named(properties, "rStyle")), "")
            return _first(said(properties), _first(self.of(style), of_paragraph) if style else of_paragraph)
        return of_paragraph

    def of_paragraph(self, paragraph: etree._Element) -> Said:
        style = (val(one) for properties in named(paragraph, "pPr") for one in named(properties, "pStyle"))
        return self.of(next(style, ""))

    def of(self, name: str) -> Said:
        chain: list[str] = []
        while name in self._styles and name not in self._known and len(chain) < _DEEPEST_CHAIN:
            chain.append(name)
            name = next(map(val, named(self._styles[name], "basedOn")), "")
        found = self._known.get(name, _NOTHING)
        for one in reversed(chain):
            properties = next(named(self._styles[one], "rPr"), None)
            found = found if properties is None else _first(said(properties), found)
            self._known[one] = found
        return found


def said(properties: etree._Element) -> Said:
    hidden, font, is_raised, struck = _NOTHING
    for one in properties:
        if local(one) == "vanish":
            hidden = switched_on(one)
        elif local(one) == "rFonts":
            font = get(one, "ascii") or get(one, "hAnsi") or None
        elif local(one) == "vertAlign":
            is_raised = val(one) == "superscript"
        elif local(one) in _STRUCK:  # a line, or two: either may be switched off
            struck = struck or switched_on(one)
    return Said(hidden, font, is_raised, struck)


def _first(nearer: Said, farther: Said) -> Said:
    return Said(
        farther.hidden if nearer.hidden is None else nearer.hidden,
        farther.font if nearer.font is None else nearer.font,
        farther.raised if nearer.raised is None else nearer.raised,
        farther.struck if nearer.struck is None else nearer.struck,
    )
