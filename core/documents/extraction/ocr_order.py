"""Lines of words that were found in a picture, in the order in which a person reads them, as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import atan2, cos, sin
from statistics import median

# In heights of a line. What is further apart in a line are cells of a table.
CELL_GAP = 1.2
# What is further apart from line to line are paragraphs.
PARAGRAPH_GAP = 0.75
# A column is of running text: of so many lines at least, half of which are this wide.
COLUMN_LINES, COLUMN_WIDTH = 4, 8
MOST_COLUMNS = 8
# A box tells how far a page is turned if it is so many times wider than high.
LONG = 5


@dataclass(frozen=True)
class Words:
    """In pixels, down from the top left corner; the box is straight once `straightened` has turned it."""

    left: float
    top: float
    right: float
    bottom: float
    text: str

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def straightened(corners: Sequence[Sequence[Sequence[float]]], texts: Sequence[str]) -> list[Words]:
    """`corners`: of each box the upper left one, then clockwise. A page that lies askew is turned back."""
    angles = [
        atan2(b[1] - a[1], b[0] - a[0])
        for a, b, _, d in corners
        if b[0] - a[0] > LONG * max(1.0, ((d[0] - a[0]) ** 2 + (d[1] - a[1]) ** 2) ** 0.5)
    ]
    angle = -median(angles) if angles else 0.0
    found = []
    for box, text in zip(corners, texts, strict=True):
        turned = [(x * cos(angle) - y * sin(angle), x * sin(angle) + y * cos(angle)) for x, y in box]
        # The mean of two corners: of a box that is still a little askew its height stays that of the line.
        top, bottom = (turned[0][1] + turned[1][1]) / 2, (turned[2][1] + turned[3][1]) / 2
        found.append(Words(min(x for x, _ in turned), top, max(x for x, _ in turned), bottom, text))
    return found


def text_of(words: Sequence[Words]) -> str:
    """Columns of running text one after the other, cells of a row beside one another, a blank line between
    paragraphs."""
    if not words:
        return ""
    return "\n\n".join(_paragraphs(block) for block in _blocks(list(words), 0))


def _blocks(words: list[Words], depth: int) -> list[list[Words]]:
    """In reading order; none holds columns."""
    gutter = _gutter(words) if depth < MOST_COLUMNS else None
    if gutter is None:
        return [words] if words else []
    across = sorted((one for one in words if one.left < gutter < one.right), key=lambda one: one.top)
    blocks: list[list[Words]] = []
    rest = [one for one in words if not one.left < gutter < one.right]
    for until in [*(one.middle for one in across), float("inf")]:
        band = [one for one in rest if one.middle < until]
        rest = [one for one in rest if one.middle >= until]
        sides = [one for one in band if one.right <= gutter], [one for one in band if one.left >= gutter]
        if all(map(_is_running, sides)):
            blocks += [block for side in sides for block in _blocks(side, depth + 1)]
        elif band:
            blocks.append(band)
        if across and until != float("inf"):
            blocks.append([across.pop(0)])
    return _joined(blocks)


def _joined(blocks: list[list[Words]]) -> list[list[Words]]:
    """Two lines across the page that follow one another are one block."""
    joined: list[list[Words]] = []
    for block in blocks:
        if joined and len(block) == len(joined[-1]) == 1:
            joined[-1] = [*joined[-1], *block]
        else:
            joined.append(block)
    return joined


def _is_running(side: list[Words]) -> bool:
    if len(side) < COLUMN_LINES:
        return False
    return median(one.right - one.left for one in side) >= COLUMN_WIDTH * median(one.height for one in side)


def _gutter(words: list[Words]) -> float | None:
    """Where most lines have a gap, if it parts running text."""
    ends: list[tuple[float, int]] = []
    for line in _lines(words):
        for a, b in pairwise(line):
            if b.left - a.right > 0:
                ends += [(a.right, 1), (b.left, -1)]
    best, at, here = 0, 0.0, 0
    ends.sort()
    for number, (x, change) in enumerate(ends):
        here += change
        if here > best and number + 1 < len(ends):
            best, at = here, (x + ends[number + 1][0]) / 2
    if best < COLUMN_LINES:
        return None
    sides = [one for one in words if one.right <= at], [one for one in words if one.left >= at]
    return at if all(map(_is_running, sides)) else None


def _lines(words: Sequence[Words]) -> list[list[Words]]:
    """Each from left to right."""
    lines: list[list[Words]] = []
    for one in sorted(words, key=lambda one: one.middle):
        line = next((line for line in lines[-3:] if _is_beside(one, line)), None)
        if line is None:
            lines.append([one])
        else:
            line.append(one)
    return [sorted(line, key=lambda one: one.left) for line in lines]


def _is_beside(one: Words, line: list[Words]) -> bool:
    last = line[-1]
    near = abs(one.middle - last.middle) < 0.5 * min(one.height, last.height)
    return near and all(one.left >= other.right - 2 or one.right <= other.left + 2 for other in line)


def _paragraphs(words: Sequence[Words]) -> str:
    lines = _lines(words)
    columns = _columns(lines)
    said: list[str] = []
    bottom = 0.0
    for line in lines:
        height = median(one.height for one in line)
        if said and min(one.top for one in line) - bottom > PARAGRAPH_GAP * height:
            said.append("")
        said.append(_row(line, columns) if columns else _line(line, height))
        bottom = max(one.bottom for one in line)
    return "\n".join(said)


def _columns(lines: list[list[Words]]) -> list[tuple[float, float]]:
    """Of a table: from where to where each lies, by the rows in which all are filled in. Empty where there is none."""
    full = max((len(line) for line in lines), default=0)
    rows = [line for line in lines if len(line) == full and _are_apart(line)]
    if full < 2 or len(rows) < 2:
        return []
    columns = [(min(row[at].left for row in rows), max(row[at].right for row in rows)) for at in range(full)]
    return columns if all(a[1] < b[0] for a, b in pairwise(columns)) else []


def _are_apart(line: list[Words]) -> bool:
    gap = CELL_GAP * median(one.height for one in line)
    return all(b.left - a.right > gap for a, b in pairwise(line))


def _row(line: list[Words], columns: list[tuple[float, float]]) -> str:
    """An empty cell keeps its place."""
    cells = [""] * len(columns)
    for one in line:
        place = [at for at, (left, right) in enumerate(columns) if one.left < right and left < one.right]
        if len(place) != 1 or cells[place[0]]:
            return _line(line, median(other.height for other in line))
        cells[place[0]] = one.text
    return "\t".join(cells).rstrip("\t") if len(line) > 1 else line[0].text


def _line(line: list[Words], height: float) -> str:
    said = line[0].text
    for before, one in pairwise(line):
        gap = one.left - before.right
        said += ("\t" if gap > CELL_GAP * height else "" if _is_han(said[-1:] + one.text[:1]) else " ") + one.text
    return said


def _is_han(around: str) -> bool:
    """Characters of Chinese and Japanese, between which no space stands."""
    return len(around) == 2 and all("\u2e80" <= one <= "\u9fff" or "\uff00" <= one <= "\uffef" for one in around)
