"""Boxes of a slide in the order in which a reader takes them: a file keeps them in the order they were drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

# A slide is cut along its gaps, across and down in turn. Boxes that take more cuts are no layout of a person's.
MOST_CUTS = 12
_DRAWN = 2


@dataclass(frozen=True)
class Box:
    """In EMU, or in whatever unit its group has."""

    shape: etree._Element
    left: int
    top: int
    right: int
    bottom: int


def in_order(boxes: Sequence[Box], cuts: int = 0, stuck: int = 0) -> list[Box]:
    """Rows from the top, and within a row columns from the left, each with the same done inside."""
    if len(boxes) < 2:
        return list(boxes)
    if cuts >= MOST_CUTS or stuck >= _DRAWN:
        return sorted(boxes, key=lambda box: (box.top, box.left))
    down = cuts % 2 == 0
    pieces = _cut(boxes, down=down)
    stuck = 0 if len(pieces) > 1 else stuck + 1
    return [box for piece in pieces for box in in_order(piece, cuts + 1, stuck)]


def _cut(boxes: Sequence[Box], *, down: bool) -> list[list[Box]]:
    """Where a straight line passes between boxes. What overlaps by less than a tenth is beside one another."""
    spans = sorted(boxes, key=lambda box: box.top if down else box.left)
    pieces: list[list[Box]] = []
    end = 0
    for box in spans:
        begins, ends = (box.top, box.bottom) if down else (box.left, box.right)
        if pieces and begins < end - (ends - begins) // 10:
            pieces[-1].append(box)
            end = max(end, ends)
        else:
            pieces.append([box])
            end = ends
    return pieces
