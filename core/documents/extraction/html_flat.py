"""HTML that is nested deeper than libxml2 goes, made flat enough: elements below a depth go, their text stays.

What is hidden, and what shows no text, keeps its element, so that it stays out of the text.
"""

import re
from collections import Counter

# libxml2 ends at 2,048.
MOST_DEEP = 1_500
_TAG = re.compile(r"""<(/?)([a-zA-Z][^\s/<>"']*)((?:"[^"]*"|'[^']*'|[^'"<>])*)>""")
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
# What is in them is no HTML.
_RAW = frozenset("script style textarea title xmp noframes".split())
_KEPT = frozenset("script style template noscript svg iframe object canvas audio video select datalist".split())
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd label mark q ruby s samp small span strike "
    "strong sub sup time tt u var".split()
)
_CLOSED_BY_ITSELF = frozenset("p li td th tr dt dd option".split())
_HIDDEN = re.compile(r"\bhidden\b|display\s*:\s*none", re.I)


def flattened(html: str) -> str:
    return "".join(_Flat().of(html))


class _Flat:
    def __init__(self) -> None:
        # Name, whether the element is kept, and whether it hides what is in it.
        self._open: list[tuple[str, bool, bool]] = []
        self._hiding = 0
        self._names: Counter[str] = Counter()
        self._kept = 0

    def of(self, html: str) -> list[str]:
        pieces: list[str] = []
        at = 0
        while (tag := _TAG.search(html, at)) is not None:
            pieces.append(html[at : tag.start()])
            name, at = tag[2].lower(), tag.end()
            if tag[1]:
                pieces.append(self._end(name, tag[0]))
                continue
            pieces.append(self._start(name, tag))
            if name in _RAW:
                end = re.compile(f"</{name}", re.I).search(html, at)
                pieces.append(html[at : end.start() if end else None])
                at = end.start() if end else len(html)
        pieces.append(html[at:])
        return pieces

    def _start(self, name: str, tag: re.Match[str]) -> str:
        if name in _VOID or tag[3].endswith("/"):
            return tag[0]
        if name in _CLOSED_BY_ITSELF and self._open and self._open[-1][0] == name:
            self._pop()
        hides = name in _KEPT or name in _RAW or _HIDDEN.search(tag[3]) is not None
        keep = self._kept < MOST_DEEP or (hides and not self._hiding)
        self._open.append((name, keep, keep and hides))
        self._names[name] += 1
        self._kept += keep
        self._hiding += keep and hides
        return tag[0] if keep else _edge(name)

    def _end(self, name: str, tag: str) -> str:
        if not self._names[name]:
            return tag
        while True:
            popped, kept = self._pop()
            if popped == name:
                return tag if kept else _edge(name)

    def _pop(self) -> tuple[str, bool]:
        name, kept, hides = self._open.pop()
        self._names[name] -= 1
        self._kept -= kept
        self._hiding -= hides
        return name, kept


def _edge(name: str) -> str:
    """What parts its text from the text around it."""
    return "" if name in _INLINE else "<br>"
