"""Words that a hyphen breaks at a line's end: "agree-" and "ment" are one, "long-" and "term" are two."""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

# Pages before the one at hand whose words tell how a word is written.
PAGES_KEPT = 8
_LAST_PART = re.compile(r"[^\W_](?:[\w'’.-]*[^\W_])?$")
_FIRST_PART = re.compile(r"[^\W_][\w'’-]*")
LOOKED_AT = 80
HYPHENS = ("-", "\u2010", "\u00ad")
# "Haupt- und Nebenkosten", "short- and long-term": what follows is a word of its own.
_JOINING = frozenset("and or to und oder bzw sowie bis et ou y o e en of als".split())
# What stands before a hyphen of its own more often than not, and how words go on that only begin like it: "short-age".
_NUMBERS = "two three four five six seven eight nine ten twenty thirty forty fifty sixty seventy eighty ninety"
_HEADS: dict[str, str] = {
    "long": "er est ing ings itude evity",
    "short": "age ages en ens ened ening er est ly fall falls hand cut cuts",
    "high": "er est ly light lights lighted lighting way ways land lands ness",
    "low": "er est ers ered ering land lands ly",
    "well": "ness",
    "self": "less ish ishness same",
    "mid": "dle night st way day summer",
    "non": "sense etheless e",
    "half": "way",
    "full": "er est y ness",
    "cross": "ing ings es ed road roads word",
    "third": "s ly",
    "second": "s ary ly ed hand",
    "first": "ly hand",
    "year": "s ly ling",
    "month": "s ly",
    "week": "s ly day days end ends",
    **dict.fromkeys(_NUMBERS.split(), "th some fold teen ty een"),
}
_CLOSED = {head: frozenset(ends.split()) for head, ends in _HEADS.items()}
# What stands after one, whatever is before.
_TAILS = frozenset(
    """term based known oriented driven related specific friendly owned funded linked weighted called level scale
    owner owners founder founders author authors""".split()
)
# Of a word that has a hyphen already: "long-stand-ing".
LONGEST_ENDING = 3
_PAIRS = frozenset("part-time real-time so-far all-time e-mail third-party world-wide tax-free duty-free".split())


@dataclass(frozen=True)
class Line:
    """`broken`: a hyphen was left out at its end. `running`: of a text whose next line goes on where it ends."""

    text: str
    broken: bool = False
    running: bool = True


class Hyphens:
    """Of one document: how it writes a word elsewhere counts most."""

    def __init__(self) -> None:
        self._said: deque[str] = deque(maxlen=PAGES_KEPT + 1)

    def see(self, text: str) -> None:
        """The text of the page at hand."""
        self._said.append(text.lower())

    def joined(self, lines: Iterable[Line]) -> str:
        text, is_open = "", False
        for number, line in enumerate(lines):
            between = self._between(text[-LOOKED_AT:], line.text) if is_open else "\n" if number else ""
            text += ("-\n" if between is None else between) + line.text
            is_open = line.broken or (line.running and text.endswith(HYPHENS) and text[-2:-1].isalnum())
            if is_open and not line.broken:
                text = text[:-1]
        return text + "-" if is_open else text

    def _between(self, line: str, following: str) -> str | None:
        """What stands between the parts of a word whose hyphen is left out at the end of `line`: nothing, or the
        hyphen. None: it is no one word, and the hyphen ends the line."""
        before, after = _LAST_PART.search(line), _FIRST_PART.match(following)
        if before is None or after is None:
            return None
        head, tail = before[0], after[0]
        if tail.lower() in _JOINING:
            return None
        if not head[-1].isalpha() or not tail[0].islower():
            return "-"
        head, tail = head.lower(), tail.lower()
        if self._is_said(head + tail):
            return ""
        if "-" in tail or self._is_said(f"{head}-{tail}"):
            return "-"
        nearest = head.rpartition("-")[2]
        keeps = tail in _TAILS or f"{nearest}-{tail}" in _PAIRS or len(nearest) == 1
        return "-" if keeps or ("-" in head and len(tail) > LONGEST_ENDING) or _is_head(nearest, tail) else ""

    def _is_said(self, word: str) -> bool:
        found = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        return any(word in text and found.search(text) for text in self._said)


def _is_head(head: str, tail: str) -> bool:
    return head in _CLOSED and tail not in _CLOSED[head]
