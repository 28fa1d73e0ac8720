"""A text as words that can be compared, each with its place in the text as it is.

Folding takes away what people, models and file formats write differently without meaning anything else: quotation
marks, kinds of dashes, invisible and direction marks, composed letters, ligatures, full width, hyphens at line ends,
Markdown marks and case. It keeps what means something: every letter, digit, sign before a number, and unit. Plain NFKC
takes away too much (m² is not m2, ① is not 1).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

# Written without spaces between words: each character is compared like a word.
UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003ffff"
)
UNSPACED_SIGN = re.compile(f"[{UNSPACED}]")
LETTER = rf"[^\W_{UNSPACED}]"
# Forms of a letter that mean the letter: Latin ligatures, Arabic presentation forms, full and half width.
FORMS = r"\ufb00-\ufdff\ufe70-\ufefe\uff01-\uff9f\uffe0-\uffe6"
# Invisible: soft hyphen, zero width, direction marks, variation selectors. Points and strokes of Arabic and Hebrew.
DROPPED = (
    r"\u00ad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    r"\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
)
COMBINING = r"\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u3099\u309a\u0653-\u0655"
# Letters whose lower case may have another length, and characters that stand for another one (the Kelvin sign).
UNEVEN = (
    r"\u00df\u0130\u0149\u01f0\u0374\u037e\u0387\u0390\u03b0\u0587\u0958-\u095f\u1e96-\u1e9f\u1f00-\u1fff\u2126\u212a"
    r"\u212b\uf900-\ufaff"
)
SPECIAL = re.compile(
    # A hyphen at a line's end, Markdown's marks, an escaped sign, marks of a quoted mail, a line under a heading, the
    # mark of a footnote.
    r"(?P<gone>(?<=[^\W\d_])-[ \t]*\r?\n[ \t]*(?=[^\W\d_])|\*+|__|~~|\\(?=[^\w\s])|(?m:^[ \t]*(?:>[ \t]?)+)|={3,}"
    rf"|\[\^[^\]\s]{{1,6}}\](?!\w)|[{DROPPED}])"
    rf"|(?P<cluster>.[{COMBINING}{DROPPED}]*[{COMBINING}][{COMBINING}{DROPPED}]*|[{FORMS}{UNEVEN}])",
    re.DOTALL,
)
EVEN = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63", "-")
    | dict.fromkeys("\u2018\u2019\u201b\u02bc\u02b9\u2032\u00b4`", "'")
    | {"\u00b5": "\u03bc"}
)
WORD = re.compile(
    # A number with its sign, separators, range or date: no digit can be cut from it.
    rf"(?P<number>(?<![\w.,])-?\d+(?:(?:[.,:/'\u00b7\u066b\u066c-]|[\u00a0\u202f\u2009 ](?=\d{{3}}(?!\d)))\d+)*"
    rf"(?!{LETTER}))"
    # Signs that mean something by themselves.
    r"|(?P<sign>[%\u2030\u00a7&@+=<>\u00d7\u00f7\u00b1\u00b0\u00a2-\u00a5\u20a0-\u20cf\u2190-\u22ff$])"
    rf"|(?P<character>[{UNSPACED}])"
    rf"|(?P<word>{LETTER}+(?:['-]{LETTER}+)*)"
)
GROUPING = re.compile(r"[\u00a0\u202f\u2009 ']")


class Word(NamedTuple):
    """`text` folded; `start`, `end`: code points in the text as it is. `kind`: number, sign, character or word."""

    text: str
    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Folded:
    """All words of a text, in order."""

    text: str
    words: tuple[Word, ...]

    @cached_property
    def positions(self) -> dict[str, list[int]]:
        """Where each word stands, as indices of `words`."""
        found: dict[str, list[int]] = {}
        for number, word in enumerate(self.words):
            found.setdefault(word.text, []).append(number)
        return found


def fold(text: str) -> Folded:
    """Linear in the text's length: fold a text once for all its quotes."""
    return _fold_short(text) if len(text) <= SHORT else _fold(text)


# A statement is folded for its key, and again where its quotes are looked up.
SHORT = 1_000


@lru_cache(maxsize=4_096)
def _fold_short(text: str) -> Folded:
    return _fold(text)


def _fold(text: str) -> Folded:
    if text.isascii() and not SPECIAL.search(text):
        return Folded(text, tuple(_as_they_stand(text)))
    clean, places = _cleaned(text)
    return Folded(text, tuple(_words(clean, places, text)))


def _as_they_stand(text: str) -> Iterator[Word]:
    """Of a text in which every character is one of its clean form: as English mostly is."""
    for match in WORD.finditer(text.translate(EVEN).lower()):
        kind = match.lastgroup or ""
        yield Word(_folded(match[0], kind), match.start(), match.end(), kind)


def _cleaned(text: str) -> tuple[str, list[int]]:
    """The text with one form for each letter, and for each character of it its place in the text as it is."""
    pieces: list[str] = []
    places: list[int] = []
    done = 0
    for match in SPECIAL.finditer(text):
        _add(pieces, places, text[done : match.start()].translate(EVEN).casefold(), done)
        done = match.end()
        if match["cluster"]:
            folded = _one_form(match["cluster"])
            pieces.append(folded)
            places.extend([match.start()] * len(folded))
    _add(pieces, places, text[done:].translate(EVEN).casefold(), done)
    return "".join(pieces), places


def _add(pieces: list[str], places: list[int], run: str, start: int) -> None:
    pieces.append(run)
    places.extend(range(start, start + len(run)))


MARKS = re.compile(f"[{DROPPED}]")
FORM = re.compile(f"[{FORMS}]")


def _one_form(cluster: str) -> str:
    plain = FORM.sub(lambda form: unicodedata.normalize("NFKC", form[0]), MARKS.sub("", cluster))
    # What was dropped after the form was taken apart: Arabic presentation forms hold their points.
    return MARKS.sub("", unicodedata.normalize("NFC", plain)).translate(EVEN).casefold()


def _words(clean: str, places: list[int], text: str) -> Iterator[Word]:
    for match in WORD.finditer(clean):
        kind = match.lastgroup or ""
        yield Word(_folded(match[0], kind), places[match.start()], _end(text, places[match.end() - 1]), kind)


def _folded(word: str, kind: str) -> str:
    if kind == "number":
        return GROUPING.sub("", word)
    return word.replace("-", "") if kind == "word" else word


TAIL = re.compile(f"[{COMBINING}{DROPPED}]*")


def _end(text: str, last: int) -> int:
    """Behind the last letter and the marks that belong to it."""
    tail = TAIL.match(text, last + 1)
    return tail.end() if tail else last + 1
