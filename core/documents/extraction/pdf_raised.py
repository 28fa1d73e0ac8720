"""Figures of a page of a PDF that stand above the line, such as exponents and the numbers of notes.

pdfium gives them like all others: 10⁷ as 107. Boxes of characters are as tall as their font, so a word whose last
figure has a lower box that begins higher up than that of its first character ends in one.
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


def with_raised(
    text: str, starts: NDArray[np.int_], ends: NDArray[np.int_], first: Floats, last: Floats, box: Box
) -> str:
    """The text with figures above the line written as such, as long as it was. They end a word, or begin one, as
    the numbers of sentences in a law do."""
    characters = list(text)
    for word in _found(first, last):
        begin = end = int(ends[word])
        while begin - 1 > starts[word] and text[begin - 1] in _SIGNS and _is_raised(box(begin - 1), first[word]):
            begin -= 1
        characters[begin:end] = signs(text[begin:end])
    for word in _found(last, first):
        begin = end = int(starts[word])
        while end < ends[word] - 1 and text[end] in _SIGNS and _is_raised(box(end), last[word]):
            end += 1
        characters[begin:end] = signs(text[begin:end])
    return "".join(characters)


def _found(beside: Floats, raised: Floats) -> list[int]:
    tall = beside[:, 1] - beside[:, 3]
    found = (raised[:, 1] - raised[:, 3] < SMALLER * tall) & (raised[:, 3] - beside[:, 3] > HIGHER * tall)
    return [int(one) for one in np.flatnonzero(found)]


def _is_raised(box: Floats, beside: Floats) -> bool:
    tall = beside[1] - beside[3]
    return bool(box[1] - box[3] < SMALLER * tall and box[3] - beside[3] > HIGHER * tall)
