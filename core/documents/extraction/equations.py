"""Equations in one line: a fraction's parts side by side would be another figure, 34 for 3/4.

Of Office (OMML, ECMA-376 part 1, 22.1) and of HTML (MathML), by local names.
"""

import re
from collections.abc import Callable, Iterator

from lxml import etree

from core.documents.extraction.office import get, local, named
from core.documents.extraction.raised import raised

# Deeper ones are no person's: they are told as the text that is in them.
MOST_DEEP = 60
_ROOTS = {"": "\u221a", "2": "\u221a", "3": "\u221b", "4": "\u221c"}
# How it looks, and what it is in another language.
_UNSHOWN = ("annotation", "annotation-xml", "mphantom")


def in_a_line(equation: etree._Element) -> str:
    """Of an `oMath` or a `math`."""
    return re.sub(" {2,}", " ", "".join(_said(child, 1) for child in equation)).strip(" ")


def _said(element: etree._Element, depth: int) -> str:
    if depth > MOST_DEEP:
        return "".join(map(str, element.itertext()))
    name = local(element)
    if not name or name in _UNSHOWN or name.endswith("Pr"):
        return ""
    if not len(element):
        return " ".join((element.text or "").split()) if name.startswith("m") else element.text or ""
    parts = [_Part(local(child), _said(child, depth + 1)) for child in element]
    if write := _OFFICE.get(name):
        return write(element, {one.name: one.text for one in parts}, [one.text for one in parts if one.name == "e"])
    texts = [one.text for one in parts if one.name and one.name not in _UNSHOWN]
    return _PAGES[name](texts) if name in _PAGES else "".join(texts)


class _Part:
    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text


Parts = dict[str, str]


def _whole(text: str) -> str:
    """In brackets where it is more than a figure or a word."""
    text = text.strip()
    return text if text.replace(".", "").replace(",", "").isalnum() or len(text) < 2 else f"({text})"


def _over(above: str, below: str) -> str:
    return f" {_whole(above)}/{_whole(below)} "  # apart from figures beside it: 2 3/4


def _up(text: str) -> str:
    text = text.strip()
    figure = raised(text)
    return figure if figure != text else f"^{_whole(text)}" if text else ""


def _down(text: str) -> str:
    return f"_{_whole(text)}" if text.strip() else ""


def _root(inside: str, degree: str = "") -> str:
    degree = degree.strip()
    return (_ROOTS.get(degree) or f"{_up(degree)}\u221a") + _whole(inside)


def _property(element: etree._Element, name: str, default: str) -> str:
    found = [one for kind in element if local(kind).endswith("Pr") for one in named(kind, name)]
    return get(found[0], "val") if found else default


def _enclosed(element: etree._Element, parts: Parts, inside: list[str]) -> str:
    between = _property(element, "sepChr", "|")
    return _property(element, "begChr", "(") + between.join(inside) + _property(element, "endChr", ")")


def _summed(element: etree._Element, parts: Parts, inside: list[str]) -> str:
    sign = _property(element, "chr", "\u222b")
    return f"{sign}{_down(parts.get('sub', ''))}{_up(parts.get('sup', ''))} {parts.get('e', '')}"


def _rows(rows: list[str]) -> str:
    return f"[{'; '.join(rows)}]"


_OFFICE: dict[str, Callable[[etree._Element, Parts, list[str]], str]] = {
    "f": lambda element, parts, inside: _over(parts.get("num", ""), parts.get("den", "")),
    "sSup": lambda element, parts, inside: parts.get("e", "") + _up(parts.get("sup", "")),
    "sSub": lambda element, parts, inside: parts.get("e", "") + _down(parts.get("sub", "")),
    "sSubSup": lambda element, parts, inside: (
        parts.get("e", "") + _down(parts.get("sub", "")) + _up(parts.get("sup", ""))
    ),
    "sPre": lambda element, parts, inside: _up(parts.get("sup", "")) + _down(parts.get("sub", "")) + parts.get("e", ""),
    "rad": lambda element, parts, inside: _root(parts.get("e", ""), parts.get("deg", "")),
    "nary": _summed,
    "d": _enclosed,
    "func": lambda element, parts, inside: f"{parts.get('fName', '')} {parts.get('e', '')}",
    "limLow": lambda element, parts, inside: parts.get("e", "") + _down(parts.get("lim", "")),
    "limUpp": lambda element, parts, inside: parts.get("e", "") + _up(parts.get("lim", "")),
    "mr": lambda element, parts, inside: " ".join(inside),
    "m": lambda element, parts, inside: _rows(list(_of_rows(element))),
    "eqArr": lambda element, parts, inside: "; ".join(inside),
}


def _of_rows(matrix: etree._Element) -> Iterator[str]:
    return (_said(row, MOST_DEEP // 2) for row in named(matrix, "mr"))


def _at(parts: list[str], number: int) -> str:
    return parts[number] if number < len(parts) else ""


_PAGES: dict[str, Callable[[list[str]], str]] = {
    "mfrac": lambda parts: _over(_at(parts, 0), _at(parts, 1)),
    "msup": lambda parts: _at(parts, 0) + _up(_at(parts, 1)),
    "mover": lambda parts: _at(parts, 0) + _up(_at(parts, 1)),
    "msub": lambda parts: _at(parts, 0) + _down(_at(parts, 1)),
    "munder": lambda parts: _at(parts, 0) + _down(_at(parts, 1)),
    "msubsup": lambda parts: _at(parts, 0) + _down(_at(parts, 1)) + _up(_at(parts, 2)),
    "munderover": lambda parts: _at(parts, 0) + _down(_at(parts, 1)) + _up(_at(parts, 2)),
    "msqrt": lambda parts: _root("".join(parts)),
    "mroot": lambda parts: _root(_at(parts, 0), _at(parts, 1)),
    "mfenced": lambda parts: f"({', '.join(parts)})",
    "mtr": " ".join,
    "mtable": _rows,
}
