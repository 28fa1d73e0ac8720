"""The pieces of a page in the order a person reads them: columns one after the other, tables row by row.

A *gutter* is an upright strip that few pieces reach into. Between two pieces that do (headings, paragraphs across the
page) it makes a *zone* with something on both of its sides: columns of running text, or a table. Each column may have
gutters of its own.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from core.documents.extraction.pdf_hyphens import Line
from core.documents.extraction.pdf_rulings import Rulings
from core.documents.extraction.pdf_table import rows_of, table
from core.documents.extraction.pdf_words import Piece, together

# A drawing with more words than this, strewn over a page, has no reading order that is worth the time.
MOST_PIECES = 2000
MOST_DEPTH = 12
# In heights of a line: the narrowest gutter, and the gap between words in which a line may be cut at one.
NARROWEST = 0.55
# So much further down than the next line would be, and a line is no part of a column any more.
APART = 1.7
# In heights of a line: a gap that is more than a wide space, where nothing else shows what stands side by side.
TAB = 3
# In heights of a line: what follows nearer than the next line would stands beside.
BESIDE = 0.8
# Lines from one that has something side by side to the next, in one table.
ROWS_APART = 3
BIN = 0.5
MOST_GUTTERS, MOST_TRIED = 8, 4
# Points: two gutters are one.
NEAR = 1.5
# Of running text: what a line has at least, how many lines are nearly as wide as their column, and how many begin in
# the middle of a sentence.
FEWEST_LETTERS, MOSTLY_WIDE, WIDE, GOES_ON = 14, 0.5, 0.72, 0.25
FEWEST_LINES = 3
# Lines of a text that has notes in its margin.
MARGIN = 4
_MIDDLE = re.compile(r"[^\W\d_A-Z]|[,;)]")


def lines_of(pieces: Sequence[Piece], rulings: Callable[[], Rulings]) -> list[Line]:
    """`rulings` are asked for once something stands side by side."""
    if len(pieces) > MOST_PIECES or not _stand_side_by_side(pieces):
        return _plain(rows_of(pieces))
    return _region(list(pieces), rulings(), 0)


def _stand_side_by_side(pieces: Sequence[Piece]) -> bool:
    """In two lines near one another, or nearly in one line: a single line with a gap is none of a column."""
    last, before = -ROWS_APART - 1, None
    for number, row in enumerate(rows_of(pieces)):
        beside = len(row) > 1
        if before is not None and not beside and before.middle - row[0].middle < BESIDE * row[0].height:
            beside = before.right <= row[0].left or row[0].right <= before.left
        if beside and number - last <= ROWS_APART:
            return True
        last, before = number if beside else last, row[0]
    return False


def _plain(rows: list[list[Piece]]) -> list[Line]:
    lines = []
    for row in rows:
        text = ""
        for before, piece in itertools.pairwise(row):
            text += before.written + ("\t" if piece.left - before.right > TAB * piece.height else " ")
        lines.append(Line(text + row[-1].text, row[-1].broken))
    return lines


def _region(pieces: list[Piece], rulings: Rulings, depth: int) -> list[Line]:
    if depth > MOST_DEPTH or not _stand_side_by_side(pieces):
        return _plain(rows_of(pieces))
    height = median(piece.height for piece in pieces)
    zones = max(
        (_zones(pieces, gutter, height) for gutter in _gutters(pieces, height)),
        key=lambda found: sum(zone.weight for zone in found),
        default=[],
    )
    if not any(zone.right for zone in zones):
        return _plain(rows_of(pieces))
    lines: list[Line] = []
    for zone in zones:
        if not zone.right:
            lines += _region(zone.left, rulings, depth + 1)
        elif _are_columns(zone, rulings):
            lines += _region(zone.left, rulings, depth + 1) + _region(zone.right, rulings, depth + 1)
        else:
            lines += table([*zone.left, *zone.right], height, rulings)
    return lines


def _gutters(pieces: list[Piece], height: float) -> list[float]:
    """Where they end: where many pieces begin, and strips of which fewer take hold than on both sides of them."""
    lefts = Counter(round(one.left) for one in pieces)
    often = [place - 0.5 for place, number in lefts.most_common(MOST_GUTTERS) if number >= FEWEST_LINES]
    places = sorted([*often, *_strips(pieces, height)])
    apart = [b for a, b in itertools.pairwise([places[0] - 9, *places]) if b - a > NEAR] if places else []
    return sorted(apart, key=lambda place: _promise(pieces, place), reverse=True)[:MOST_TRIED]


def _promise(pieces: list[Piece], gutter: float) -> float:
    """The more on both sides, and the fewer across, the better."""
    after = sum(one.left >= gutter - BIN for one in pieces)
    before = sum(one.right <= gutter for one in pieces)
    return min(before, after) - (len(pieces) - before - after) / 4


def _strips(pieces: list[Piece], height: float) -> list[float]:
    left, right = min(one.left for one in pieces), max(one.right for one in pieces)
    bins = int((right - left) / BIN) + 2
    if not 2 < bins < 40_000:
        return []
    marks = np.zeros(bins + 1, dtype=np.int32)
    np.add.at(marks, [int((one.left - left) / BIN) for one in pieces], 1)
    np.add.at(marks, [int((one.right - left) / BIN) + 1 for one in pieces], -1)
    covered = np.cumsum(marks)
    changes = np.flatnonzero(np.diff(covered)) + 1
    begins = np.concatenate([[0], changes])
    ends = np.concatenate([changes, [len(covered)]])
    values = covered[begins]
    found = []
    for at in range(1, len(values) - 1):
        if values[at - 1] > values[at] < values[at + 1] and (ends[at] - begins[at]) * BIN >= NARROWEST * height:
            found.append((int(values[at]), left + float(ends[at]) * BIN))
    return [place for _, place in sorted(found)[:MOST_GUTTERS]]


@dataclass
class _Zone:
    """Without `right`: pieces that a gutter does not part."""

    left: list[Piece]
    right: list[Piece]

    @property
    def weight(self) -> int:
        return min(len(self.left), len(self.right))


def _zones(pieces: list[Piece], gutter: float, height: float) -> list[_Zone]:
    """From the top of the page. What stands beside a piece across the gutter stays with it."""
    zones = [_Zone([], [])]
    was_across = False
    for row in rows_of([part for piece in pieces for part in _cut(piece, gutter, height)]):
        across = any(piece.left < gutter - BIN < piece.right - 2 * BIN for piece in row)
        if across != was_across:
            zones.append(_Zone([], []))
            was_across = across
        for piece in row:
            (zones[-1].right if piece.left >= gutter - BIN and not across else zones[-1].left).append(piece)
    return [part for zone in zones if zone.left or zone.right for part in _settled(zone, height)]


def _cut(piece: Piece, gutter: float, height: float) -> list[Piece]:
    """At the gutter, where there is a gap between its words that is wider than between most."""
    if piece.right <= gutter or piece.left >= gutter - BIN:
        return [piece]
    number = next((n for n, word in enumerate(piece.words) if word[0] >= gutter - BIN), 0)
    if not number:
        return [piece]
    end, begin = piece.words[number - 1][1], piece.words[number][0]
    if begin - end < NARROWEST * height or end > gutter:
        return [piece]
    origin = piece.words[0][2]
    first = piece.text[: int(piece.words[number - 1][3] - origin)]
    second = piece.text[int(piece.words[number][2] - origin) :]
    return [
        Piece(first, piece.left, end, piece.bottom, piece.top, False, piece.words[:number]),
        Piece(second, begin, piece.right, piece.bottom, piece.top, piece.broken, piece.words[number:]),
    ]


def _settled(zone: _Zone, height: float) -> list[_Zone]:
    """Without what stands above or below by itself, and none where nothing stands side by side."""
    if not zone.left or not zone.right:
        return [zone if zone.left else _Zone(zone.right, [])]
    above, below = _edge_row(zone, height, from_top=True), _edge_row(zone, height, from_top=False)
    for side, other in ((zone.left, zone.right), (zone.right, zone.left)):
        if side and other:
            above += _taken(side, max(one.top for one in other), height, from_top=True)
        if side and other:
            below += _taken(side, min(one.bottom for one in other), height, from_top=False)
    if not zone.left or not zone.right or not _is_apart(zone, height):
        return [_Zone([*above, *zone.left, *zone.right, *below], [])]
    return [one for one in (_Zone(above, []), zone, _Zone(below, [])) if one.left]


def _is_apart(zone: _Zone, height: float) -> bool:
    """A single piece beside others is what a wide space leaves of a line, unless it is far from them."""
    if zone.weight > 1:
        return True
    gap = min(one.left for one in zone.right) - max(one.right for one in zone.left)
    return len(zone.left) + len(zone.right) > 2 and gap > TAB * height


def _edge_row(zone: _Zone, height: float, *, from_top: bool) -> list[Piece]:
    """Takes the first or last row where it is far from the rest, as a page's header and footer are."""
    if len(zone.left) < FEWEST_LINES or len(zone.right) < FEWEST_LINES:
        return []
    ordered = sorted([*zone.left, *zone.right], key=lambda one: -one.middle if from_top else one.middle)
    row = [one for one in ordered if abs(one.middle - ordered[0].middle) < height / 2]
    if len(row) < 2 or len(row) == len(ordered) or abs(ordered[len(row)].middle - row[-1].middle) < APART * height:
        return []
    zone.left[:] = [one for one in zone.left if one not in row]
    zone.right[:] = [one for one in zone.right if one not in row]
    return row


def _taken(side: list[Piece], limit: float, height: float, *, from_top: bool) -> list[Piece]:
    """Takes those beyond `limit` that are further from the rest than a line is from the next."""
    ordered = sorted(side, key=lambda one: -one.middle if from_top else one.middle)
    beyond = [one for one in ordered if (one.bottom >= limit if from_top else one.top <= limit)]
    if len(beyond) == len(side):
        side.clear()
        return beyond
    for number in range(len(beyond), 0, -1):
        last, after = beyond[number - 1], ordered[number]
        if abs(last.middle - after.middle) > APART * max(height, after.height):
            for one in beyond[:number]:
                side.remove(one)
            return beyond[:number]
    return []


def _are_columns(zone: _Zone, rulings: Rulings) -> bool:
    """Of text that runs on below, not beside. Beside it may stand a column with a table in it, or notes."""
    pieces = [*zone.left, *zone.right]
    bottom, top = min(one.bottom for one in pieces), max(one.top for one in pieces)
    end, begin = max(one.right for one in zone.left), min(one.left for one in zone.right)
    if rulings.across(end - 1, begin + 1, bottom, top):
        return False
    if _runs(zone.left):
        return _runs(zone.right) or _holds_running(zone.right) or len(zone.left) >= max(MARGIN, 2 * len(zone.right))
    return _holds_running(zone.left) and _runs(zone.right)


def _holds_running(side: list[Piece]) -> bool:
    """Whether whole lines of it are running text."""
    width = max(one.right for one in side) - min(one.left for one in side)
    whole = [row[0] for row in rows_of(side) if len(row) == 1 and row[0].right - row[0].left >= WIDE * width]
    return len(whole) >= FEWEST_LINES and _runs(whole)


def _runs(side: list[Piece]) -> bool:
    """Whether it is running text, line for line."""
    lines = [together(row) for row in rows_of(side)]
    if len(lines) < 2:
        return False
    if sum(sum(map(str.isalpha, one.text)) for one in side) < FEWEST_LETTERS * len(side):
        return False
    widest = max(one.right - one.left for one in side)
    wide = sum(one.right - one.left >= WIDE * widest for one in side)
    if wide < MOSTLY_WIDE * len(side):
        return False
    going_on = sum(bool(_MIDDLE.match(one.text)) for one in lines[1:])
    cased = any(one.isupper() or one.islower() for line in lines for one in line.text)
    return not cased or going_on >= GOES_ON * (len(lines) - 1)
