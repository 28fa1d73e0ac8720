"""Figures of a page of a PDF that stand above the line, such as exponents and the numbers of notes.

pdfium gives them like all others: 10⁷ as 107. Boxes of characters are as tall as their font, so a word whose last
figure has a lower box that begins higher up than that of its first character may end in one. Of fonts that do not say
how tall they are, a box is as tall as its character, and old-style figures have such boxes, too: raised is what also
stands on a line of its own, higher up.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.documents.extraction.raised import signs

# Shares of the height of the word's other characters: at most so tall, and begun at least so far up.
SMALLER, HIGHER = 0.85, 0.15
_SIGNS = "0123456789+-\u2212,"

Floats = NDArray[np.float32]
# Left, top, right and bottom of the character at a place.
Box = Callable[[int], Floats]
# How high up the line is on which it stands.
Line = Callable[[int], float]


def with_raised(
    text: str, starts: NDArray[np.int_], ends: NDArray[np.int_], first: Floats, last: Floats, box: Box, line: Line
) -> str:
    """The text with figures above the line written as such, as long as it was. They end a word, or begin one, as
    the numbers of sentences in a law do."""

    def is_raised(place: int, beside: int, of_beside: Floats) -> bool:
        tall = float(of_beside[1] - of_beside[3])
        return _is_smaller(box(place), of_beside) and line(place) - line(beside) > HIGHER * tall

    characters = list(text)
    for word in _found(first, last):
        begin = end = int(ends[word])
        start = int(starts[word])
        while begin - 1 > start and text[begin - 1] in _SIGNS and is_raised(begin - 1, start, first[word]):
            begin -= 1
        characters[begin:end] = signs(text[begin:end])
    for word in _found(last, first):
        begin = end = int(starts[word])
        behind = int(ends[word]) - 1
        while end < behind and text[end] in _SIGNS and is_raised(end, behind, last[word]):
            end += 1
        characters[begin:end] = signs(text[begin:end])
    return "".join(characters)


def _found(beside: Floats, raised: Floats) -> list[int]:
    tall = beside[:, 1] - beside[:, 3]
    found = (raised[:, 1] - raised[:, 3] < SMALLER * tall) & (raised[:, 3] - beside[:, 3] > HIGHER * tall)
    return [int(one) for one in np.flatnonzero(found)]


def _is_smaller(box: Floats, beside: Floats) -> bool:
    tall = beside[1] - beside[3]
    return bool(box[1] - box[3] < SMALLER * tall and box[3] - beside[3] > HIGHER * tall)
