"""Fields of a form and what was typed onto a page, among the page's own words: each value beside its label."""

from core.documents.extraction.pdf_annotations import BOXES, FREE_TEXT, VALUES, Annotation, Rectangle
from core.documents.extraction.pdf_words import Piece, together

SIGNS = dict(zip(BOXES, ("\u2610\u2611", "\u25cb\u25c9"), strict=True))
# Points: how tall a line of a value is that is not drawn.
LINE = 12.0
# In heights of its label: how far a box is from it.
NEAR_LABEL = 1.6


def with_fields(upright: list[Piece], found: list[Annotation], text: str, quarters: int) -> list[Piece]:
    """`text` of the page, and how far its pieces were turned. What is not in it is put where it stands."""
    fields = [one for one in found if not one.hidden and (one.field in (*BOXES, *VALUES) or one.subtype == FREE_TEXT)]
    if not fields:
        return upright
    words = "".join(text.split())
    places = [(one, _turned(one.place, quarters)) for one in fields]
    boxes = [(one, place) for one, place in places if one.field in BOXES]
    pieces = [piece for piece in upright if not any(_is_sign(piece, place) for _, place in boxes)]
    for one, place in places:
        said = one.value if one.field in VALUES else one.words if one.subtype == FREE_TEXT else ""
        if "".join(said.split()) not in words:
            pieces += _lines(said.splitlines(), place)
    for one, place in places:
        if one.field in VALUES:
            _move_beside_label(pieces, place)
    return [*pieces] if not boxes else _with_signs(pieces, boxes)


def _turned(place: Rectangle, quarters: int) -> Rectangle:
    left, bottom, right, top = place
    for _ in range(quarters):
        left, bottom, right, top = bottom, -right, top, -left
    return left, bottom, right, top


def _is_in(piece: Piece, place: Rectangle) -> bool:
    return place[0] <= (piece.left + piece.right) / 2 <= place[2] and place[1] <= piece.middle <= place[3]


def _is_sign(piece: Piece, box: Rectangle) -> bool:
    """Whether the box is drawn with it."""
    return len(piece.text) <= 2 and _is_in(piece, box)


def _lines(said: list[str], place: Rectangle) -> list[Piece]:
    """One below the other, a single one in the middle."""
    left, bottom, right, top = place
    height = (top - bottom) if len(said) == 1 else min(LINE, (top - bottom) / max(1, len(said)))
    places = [(left, top - (n + 1) * height, right, top - n * height) for n in range(len(said))]
    return [_piece(text, at) for text, at in zip(said, places, strict=True) if text.strip()]


def _piece(text: str, place: Rectangle) -> Piece:
    left, bottom, right, top = place
    return Piece(text, left, right, bottom, top, words=((left, right, 0, len(text)),))


def _move_beside_label(pieces: list[Piece], place: Rectangle) -> None:
    """A value may stand higher or lower in its field than the label that stands before it."""
    inside = [one for one in pieces if _is_in(one, place)]
    before = [one for one in pieces if one.right <= place[0] + 1 and place[1] <= one.middle <= place[3]]
    if len(inside) != 1 or not before:
        return
    label = max(before, key=lambda one: one.right)
    inside[0].bottom, inside[0].top = label.bottom, label.top


def _with_signs(pieces: list[Piece], boxes: list[tuple[Annotation, Rectangle]]) -> list[Piece]:
    """The state of each box, before its label where that comes after it."""
    for one, place in boxes:
        sign = _piece(SIGNS[one.field][one.ticked], place)
        after = [
            piece
            for piece in pieces
            if place[1] <= piece.middle <= place[3] and 0 <= piece.left - place[2] < NEAR_LABEL * piece.height
        ]
        if after:
            label = min(after, key=lambda piece: piece.left)
            sign.bottom, sign.top = label.bottom, label.top
            pieces = [together([sign, piece]) if piece is label else piece for piece in pieces]
        else:
            pieces.append(sign)
    return pieces
