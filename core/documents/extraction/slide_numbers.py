"""Numbers of a list on a slide, which PowerPoint counts."""

import re
from collections.abc import Sequence

from lxml import etree

from core.documents.extraction import counted
from core.documents.extraction.office import local, named

_TYPE = re.compile(r"(arabicDb|arabic|alphaLc|alphaUc|romanLc|romanUc|circleNumDb|ea1Chs|ea1Cht|ea1JpnKor)(\w*)")
_FORMS = {
    "arabic": "decimal",
    "arabicDb": "decimalFullWidth",
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
    "circleNumDb": "decimalEnclosedCircle",
    "ea1Chs": "chineseCounting",
    "ea1Cht": "chineseCounting",
    "ea1JpnKor": "japaneseCounting",
}
_AROUND = {"ParenBoth": "({})", "ParenR": "{})", "Period": "{}.", "Minus": "{} -", "Plain": "{}", "": "{}"}


class Numbers:
    """Of one box. A list goes on until a paragraph of its level, or of one above, has no number or another kind."""

    def __init__(self, body: etree._Element, inherited: Sequence[etree._Element] = ()) -> None:
        """`inherited`: what layout and master say of the levels of its lists, nearest first."""
        self._styles = [*named(body, "lstStyle"), *inherited]
        self._open: dict[int, tuple[str, int]] = {}
        self.unread = 0

    def next(self, paragraph: etree._Element) -> str:
        properties = next(named(paragraph, "pPr"), None)
        level = _whole(properties.get("lvl") if properties is not None else None, 0)
        self._open = {at: one for at, one in self._open.items() if at <= level}
        bullet = self._bullet(properties, level)
        if bullet is None:
            self._open.pop(level, None)
            return ""
        kind, start = bullet.get("type", ""), _whole(bullet.get("startAt"), 1)
        known, number = self._open.get(level, ("", 0))
        number = number + 1 if known == f"{kind} {start}" else start
        self._open[level] = f"{kind} {start}", number
        text = written(number, kind)
        self.unread += not text
        return f"{text} " if text else ""

    def _bullet(self, properties: etree._Element | None, level: int) -> etree._Element | None:
        """Said by the paragraph, by its box for the level, or by what the box stands for."""
        styles = [one for style in self._styles for one in named(style, f"lvl{level + 1}pPr")]
        for place in (*([] if properties is None else [properties]), *styles):
            for one in place:
                if local(one) in ("buNone", "buChar", "buBlip"):
                    return None
                if local(one) == "buAutoNum":
                    return one
        return None


def written(number: int, kind: str) -> str:
    """Empty where the kind is not known."""
    found = _TYPE.fullmatch(kind)
    if found is None or found[2] not in _AROUND:
        return ""
    shown = counted.shown(number, _FORMS[found[1]])
    return "" if shown is None else _AROUND[found[2]].format(shown)


def _whole(value: str | None, default: int) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 6 else default
