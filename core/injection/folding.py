"""A text as a model reads it, in lower case: without characters that nobody sees, and with letters that only look like
Latin ones as these. Each character has its place in the original.
"""

import bisect
import re
import unicodedata
from functools import lru_cache

from core.injection.lexicon import BY_WORD

# Zero width, soft hyphens, bidi controls, variation selectors, tags.
UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f"
    "\ufeff\U000e0000-\U000e01ef]+"
)
_ALIKE = dict(
    zip(
        "аеорсухіјѕԁӏвнкмтαεικνορτυχıɡɩ",
        "aeopcyxijsdlbhkmtaeiknoptuxigi",
        strict=True,
    )
)
_ALIKE_TABLE = str.maketrans(_ALIKE)
_LOOK_ALIKE = frozenset(_ALIKE)
_LEET = str.maketrans("013457", "oieast")
_MIXED = re.compile(r"\b(?=\w{0,30}[a-z])(?=\w{0,30}[^\W\d_a-z])\w{4,30}\b")
_DIGITS = re.compile(r"\b(?=[a-z]{0,20}[013457])(?=[013457]{0,20}[a-z])[a-z013457]{5,20}\b")
_DIGIT_IN_WORD = re.compile(r"[013457](?:(?<=[a-z].)|(?=[a-z]))")
_ONLY_ALIKE = re.compile(f"\\b[{''.join(_ALIKE)}a-z]{{3,30}}\\b")


class Folded:
    """`text`: what is looked at. `origin` gives the place of one of its characters in the original."""

    def __init__(self, original: str):
        pieces: list[str] = []
        self._at: list[int] = []  # where a piece begins in `text`
        self._from: list[int] = []  # and in the original
        length = start = 0
        for unseen in UNSEEN.finditer(original):
            self._add(original, start, unseen.start(), length, pieces)
            length += unseen.start() - start
            start = unseen.end()
        self._add(original, start, len(original), length, pieces)
        self.text = _as_seen("".join(pieces))

    def _add(self, original: str, start: int, end: int, length: int, pieces: list[str]) -> None:
        if end > start:
            self._at.append(length)
            self._from.append(start)
            pieces.append(original[start:end])

    def origin(self, offset: int) -> int:
        piece = max(0, bisect.bisect_right(self._at, offset) - 1)
        return self._from[piece] + offset - self._at[piece] if self._at else offset


def _as_seen(text: str) -> str:
    """As long as before."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(one if len(one.lower()) > 1 else one.lower() for one in text)
    plain = None if lower.isascii() else _Plain(lower)
    return _unmixed(lower.translate(plain) if plain else lower)


class _Plain(dict[int, str]):
    """Full width and styled letters as plain ones, where one character stands for one."""

    def __init__(self, text: str):
        super().__init__({ord(one): plain for one in set(text) if not one.isascii() and (plain := _plain(one)) != one})


@lru_cache(maxsize=20_000)
def _plain(one: str) -> str:
    plain = unicodedata.normalize("NFKC", one)
    return plain.lower() if len(plain) == 1 and len(plain.lower()) == 1 else one


def _unmixed(text: str) -> str:
    """Words of letters of several alphabets, or of digits for letters, as Latin ones."""
    if not text.isascii() and not _LOOK_ALIKE.isdisjoint(text):
        text = _ONLY_ALIKE.sub(_latin_if_known, _MIXED.sub(_latin, text))
    return _DIGITS.sub(_without_digits, text) if _DIGIT_IN_WORD.search(text) else text


def _without_digits(match: re.Match[str]) -> str:
    word = match[0].translate(_LEET)
    return word if word in BY_WORD else match[0]


def _latin(match: re.Match[str]) -> str:
    word = match[0].translate(_ALIKE_TABLE)
    return word if word.isascii() else match[0]


def _latin_if_known(match: re.Match[str]) -> str:
    """A word that has Latin letters' shapes alone, and would be a word of an order."""
    word = match[0].translate(_ALIKE_TABLE)
    return word if word.isascii() and word != match[0] and word in BY_WORD else match[0]
