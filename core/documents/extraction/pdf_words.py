"""The words of a page of a PDF and where they stand, put together to pieces: words of one line with no wide gap.

pdfium gives a text in the order it was drawn, and a box for each of its characters. Two boxes are asked for each word,
at its start and at its end: asking for all of them would take longer than all else.
"""

import ctypes
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from core.documents.extraction.pdf_calls import boxes
from core.documents.extraction.pdf_raised import with_raised

# pdfium leaves this in the place of a hyphen at a line's end, and the next line goes on behind it.
BROKEN = "\ufffe"
# A list's item with its number or sign. A dash before a figure is a cell without one.
_ITEM = re.compile(
    r"(?:\(?(?:\d{1,3}|[a-zA-Z]|[ivxlcIVXLC]{1,5})[.)]|\d{1,2}(?:\.\d{1,2}){1,4}\.?|§+|[•·▪◦●○■□▶►➢*]) |[-–—] [^\W\d_]"
)
# Gaps, in heights of a line: words that are justified stand nearer to one another than this, and a list's item to its
# number.
WIDE = 1.0
BLANKS = (" ", "\xa0", BROKEN)  # and those from the tab to the return
AFTER_MARKER = 3.0
# A share of a word's height: less of it in common, and two words are on different lines.
_SAME_LINE = 0.3
# Hebrew, Arabic and their neighbours.
FIRST_FROM_RIGHT, LAST_FROM_RIGHT = 0x590, 0x8FF
# Glyphs of which the file does not tell the character, at codes that are blanks elsewhere.
_NO_BLANK = re.compile(r"[\t\v\f]|\r(?!\n)")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")

Floats = NDArray[np.float32]


@dataclass(slots=True)
class Piece:
    """`broken`: it ends with a hyphen that is not in `text`. `words`: left and right of each, and its begin and end in
    a text in which that of the piece begins with its first word. Points, y upwards."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    broken: bool = False
    words: Sequence[Sequence[float]] = ()

    @property
    def written(self) -> str:
        """As it stands there, where what goes on from it is not known."""
        return f"{self.text}-" if self.broken else self.text

    @property
    def height(self) -> float:
        return self.top - self.bottom

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


@dataclass(frozen=True)
class Words:
    """`upright` are read by where they stand; `others` run across the page and stay in the order they were drawn.
    `quarters`: how far all were turned, clockwise."""

    upright: list[Piece]
    others: list[Piece]
    quarters: int


def words_of(text: str, text_page: pypdfium2.PdfTextPage, rotation: int) -> Words | None:
    """`text` as pdfium gives it, `rotation` of the page in quarters, clockwise. None where words do not tell a
    line's direction, or run from the right."""
    if len(text) != text_page.count_chars() or len(_RIGHT_TO_LEFT.findall(text)) * 4 > len(text):
        return None
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    inside = np.zeros(len(codes) + 2, dtype=bool)
    # A character below a blank that is no blank is a glyph of which the file does not tell the character.
    blank = (codes >= ord("\t")) & (codes <= ord("\r"))
    for one in BLANKS:
        blank |= codes == ord(one)
    inside[1:-1] = ~blank
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return Words([], [], rotation)
    first, last = boxes(text_page, starts.tolist()), boxes(text_page, (ends - 1).tolist())
    quarters = _quarters(first, last, ends - starts, rotation)
    for _ in range(quarters):
        first, last = _turned(first), _turned(last)

    def box(place: int) -> Floats:
        found = boxes(text_page, [place])
        for _ in range(quarters):
            found = _turned(found)
        one: Floats = found[0]
        return one

    def line(place: int) -> float:
        x, y = ctypes.c_double(), ctypes.c_double()
        pdfium.FPDFText_GetCharOrigin(text_page.raw, place, x, y)
        return (y.value, -x.value, -y.value, x.value)[quarters]

    text = with_raised(_NO_BLANK.sub(" ", text), starts, ends, first, last, box, line)
    upright, others = _pieces(text, codes, starts, ends, first, last)
    return Words(_with_markers(upright), others, quarters)


def _turned(boxes: Floats) -> Floats:
    """By a quarter, clockwise."""
    left, top, right, bottom = boxes.T
    return np.stack([bottom, -left, top, -right], axis=1)


def _quarters(first: Floats, last: Floats, lengths: NDArray[np.int_], rotation: int) -> int:
    """How far to turn so that most words run from the left to the right."""
    long = lengths > 2
    if not long.any():
        return rotation
    across = last[long, 0] - first[long, 0]
    up = last[long, 3] - first[long, 3]
    ways = [across > abs(up), up > abs(across), -across > abs(up), -up > abs(across)]
    return int(np.argmax([way.sum() for way in ways]))


def rising(first: Floats, last: Floats) -> NDArray[np.bool_]:
    """Words that end on another line than they begin on. A raised figure may have a box as small as itself: then it
    lies beside that of the begin."""
    height = np.maximum(np.minimum(first[:, 1] - first[:, 3], last[:, 1] - last[:, 3]), 1)
    beside = np.minimum(first[:, 1], last[:, 1]) - np.maximum(first[:, 3], last[:, 3])
    found: NDArray[np.bool_] = (abs(last[:, 3] - first[:, 3]) > height) & (beside <= height / 2)
    return found


def _pieces(
    text: str,
    codes: NDArray[np.uint32],
    starts: NDArray[np.int_],
    ends: NDArray[np.int_],
    first: Floats,
    last: Floats,
) -> tuple[list[Piece], list[Piece]]:
    left, right = np.minimum(first[:, 0], last[:, 0]), np.maximum(first[:, 2], last[:, 2])
    top, bottom = np.maximum(first[:, 1], last[:, 1]), np.minimum(first[:, 3], last[:, 3])
    height = np.minimum(first[:, 1] - first[:, 3], last[:, 1] - last[:, 3])
    backward = (last[:, 0] < first[:, 0]) & ((codes[starts] < FIRST_FROM_RIGHT) | (codes[starts] > LAST_FROM_RIGHT))
    across = (ends - starts > 2) & (backward | rising(first, last))
    shared = np.minimum(top[1:], top[:-1]) - np.maximum(bottom[1:], bottom[:-1])
    same_line = shared > _SAME_LINE * np.minimum(height[1:], height[:-1])
    gap = left[1:] - right[:-1]
    wide = (gap > WIDE * np.minimum(height[1:], height[:-1])) | (gap < -height[1:])
    line_of = np.cumsum(codes == ord("\n"))
    cut = wide | ~same_line | (line_of[starts[1:]] != line_of[starts[:-1]]) | (across[1:] != across[:-1])
    hyphen = codes[np.minimum(ends, len(codes) - 1)] == ord(BROKEN)
    begins = np.concatenate([[0], np.flatnonzero(cut) + 1])
    bounds = [*begins.tolist(), len(starts)]
    _flatten_signs(text, starts, ends, begins, bottom, top)
    places = zip(
        np.minimum.reduceat(left, begins).tolist(),
        np.maximum.reduceat(right, begins).tolist(),
        np.minimum.reduceat(bottom, begins).tolist(),
        np.maximum.reduceat(top, begins).tolist(),
        strict=True,
    )
    upright: list[Piece] = []
    others: list[Piece] = []
    firsts, stops = starts.tolist(), ends.tolist()
    words = list(zip(left.tolist(), right.tolist(), firsts, stops, strict=True))
    for (begin, end), place in zip(itertools.pairwise(bounds), places, strict=True):
        said = text[firsts[begin] : stops[end - 1]]
        said = said.replace(BROKEN, "-") if BROKEN in said else said
        piece = Piece(said, *place, bool(hyphen[end - 1]), words[begin:end])
        (others if across[begin] else upright).append(piece)
    return upright, others


def _flatten_signs(
    text: str,
    starts: NDArray[np.int_],
    ends: NDArray[np.int_],
    begins: NDArray[np.int_],
    bottom: NDArray[np.float32],
    top: NDArray[np.float32],
) -> None:
    """A list's sign that begins a piece may be of a font whose boxes reach into the next line: the others count."""
    several = np.diff(begins, append=len(starts)) > 1
    for word in begins[several & (ends[begins] - starts[begins] == 1)].tolist():
        if not text[starts[word]].isalnum():
            bottom[word], top[word] = np.inf, -np.inf


def _with_markers(pieces: list[Piece]) -> list[Piece]:
    """The number or dot of a list's item belongs to its first line."""
    joined: list[Piece] = []
    for piece in pieces:
        before = joined[-1] if joined else None
        if (
            before is not None
            and 0 <= piece.left - before.right < AFTER_MARKER * piece.height
            and abs(before.middle - piece.middle) < _SAME_LINE * piece.height
            and len(before.words) == 1
            and _ITEM.match(f"{before.text} {piece.text}")
        ):
            joined[-1] = replace(together([before, piece]), bottom=piece.bottom, top=piece.top)
        else:
            joined.append(piece)
    return joined


def together(pieces: list[Piece], between: str = " ") -> Piece:
    """Of one line, from the left."""
    if len(pieces) == 1:
        return pieces[0]
    words, text = [], ""
    for piece in pieces:
        text += between if text else ""
        moved = len(text) - piece.words[0][2]
        words += [(left, right, begin + moved, end + moved) for left, right, begin, end in piece.words]
        text += piece.text
    return Piece(
        text,
        min(one.left for one in pieces),
        max(one.right for one in pieces),
        min(one.bottom for one in pieces),
        max(one.top for one in pieces),
        pieces[-1].broken,
        words,
    )
