"""Which elements of an HTML page have a line through their words: by their name, their own style, or a rule of the page
for a class or for all elements of a name. Rules of other forms, and those for printing, are not known."""

import re
from collections.abc import Iterator

from lxml import etree

_ELEMENTS = frozenset("s strike del".split())
_DECORATION = re.compile(r"(?<![\w-])text-decoration(?:-line)?\s*:([^;]*)", re.I)
_SELECTOR = re.compile(r"([a-z][a-z0-9]*)?(?:\.([\w-]+))?", re.I)
_SCREENS = ("", "all", "screen")


class Struck:
    """Of a walk through a page: whether what it meets is struck out."""

    def __init__(self, root: etree._Element) -> None:
        # By name and class, either of which may be empty.
        self._rules: dict[tuple[str, str], bool] = {}
        for style in root.iter("style"):
            if style.get("media", "").strip().lower() in _SCREENS:
                self._rules |= _rules(style.text or "")
        self._open: list[etree._Element] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    def begin(self, element: etree._Element) -> None:
        if self._is_struck(element):
            self._open.append(element)

    def end(self, element: etree._Element) -> None:
        if self._open and self._open[-1] is element:
            self._open.pop()

    def _is_struck(self, element: etree._Element) -> bool:
        said = _said(element.get("style", ""))
        if said is None and self._rules:
            names = element.get("class", "").split()
            kinds = [*((element.tag, one) for one in names), *(("", one) for one in names), (element.tag, "")]
            said = next((self._rules[kind] for kind in kinds if kind in self._rules), None)
        return element.tag in _ELEMENTS if said is None else said


def _said(style: str) -> bool | None:
    found = _DECORATION.findall(style)
    return "line-through" in found[-1].lower() if found else None


def _rules(sheet: str) -> Iterator[tuple[tuple[str, str], bool]]:
    """What stands in a block of another (@media) is left out."""
    depth = 0
    without_comments = "".join(part.partition("*/")[2] if at else part for at, part in enumerate(sheet.split("/*")))
    for piece in without_comments.split("}"):
        blocks = piece.split("{")
        if depth == 0 and len(blocks) == 2 and (said := _said(blocks[1])) is not None:
            for selector in blocks[0].split(","):
                if found := _SELECTOR.fullmatch(selector.strip()):
                    yield ((found[1] or "").lower(), found[2] or ""), said
        depth = max(0, depth + len(blocks) - 2)
