"""Numbers of lists in HTML, as a browser counts them: `start`, `reversed`, `value`, `type` and the list's own style."""

import re

from lxml import etree

from core.documents.extraction import counted

_LISTS = ("ol", "ul", "menu", "dir")
_FORMS = {"1": "decimal", "a": "alpha", "A": "upper-alpha", "i": "lower-roman", "I": "upper-roman"}
_STYLE = re.compile(r"list-style(?:-type)?\s*:\s*([\w\s-]+)", re.I)
_WRITTEN = {
    "decimal-leading-zero": "decimalZero",
    "lower-roman": "lowerRoman",
    "upper-roman": "upperRoman",
    "cjk-decimal": "ideographDigital",
}
_ALPHABETIC = ("alpha", "lower-alpha", "upper-alpha", "lower-latin", "upper-latin")
_UNMARKED = ("none", "disc", "circle", "square")
_MOST_ROMAN = 3999
_WHOLE = re.compile(r"\s*([+-]?\d{1,9})(?!\d)")


class Lists:
    """Of a walk through a page: which lists it is in, and where they count."""

    def __init__(self) -> None:
        self._open: list[_List | None] = []

    def begin(self, element: etree._Element) -> str:
        """What stands before this element: the number of an item, else nothing."""
        if element.tag in _LISTS:
            self._open.append(_List(element) if element.tag == "ol" else None)
        elif element.tag == "li" and self._open and (inside := self._open[-1]) is not None:
            return inside.next(element)
        return ""

    def end(self, element: etree._Element) -> None:
        if element.tag in _LISTS:
            self._open.pop()


class _List:
    def __init__(self, element: etree._Element) -> None:
        backwards = element.get("reversed") is not None
        self._step = -1 if backwards else 1
        self._form = _form(element, "decimal")
        first = sum(child.tag == "li" for child in element) if backwards else 1
        self._number = _whole(element.get("start"), first) - self._step

    def next(self, item: etree._Element) -> str:
        self._number = _whole(item.get("value"), self._number + self._step)
        form = _form(item, self._form)
        return "" if form in _UNMARKED else f"{_shown(self._number, form)}."


def _form(element: etree._Element, above: str) -> str:
    styled = _STYLE.search(element.get("style", ""))
    known = (*_FORMS.values(), *_WRITTEN, *_ALPHABETIC, *_UNMARKED)
    said = next((word for word in styled[1].lower().split() if word in known), "") if styled else ""
    return said or _FORMS.get(element.get("type", ""), above)


def _shown(number: int, form: str) -> str:
    if form in _ALPHABETIC and number > 0:
        letters = counted.alphabetic(number)
        return letters.upper() if form.startswith("upper") else letters
    known = number <= _MOST_ROMAN or not form.endswith("roman")
    return (counted.shown(number, _WRITTEN[form]) if known and form in _WRITTEN else None) or str(number)


def _whole(value: str | None, default: int) -> int:
    found = _WHOLE.match(value or "")
    return int(found[1]) if found else default
