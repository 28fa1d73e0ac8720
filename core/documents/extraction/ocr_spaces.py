"""Spaces that the model overlooks in a line: where the picture has a gap between two characters that is as wide as at
the line's other spaces."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np

# Spaces of the line that tell how wide one is there, how much of that a gap must have, and how often it must be as wide
# as nearly all gaps within words.
FEWEST, SHARE, TIMES = 3, 0.75, 1.5
# Pixels: in lower lines gaps are too few pixels wide to tell one from the other.
LOWEST = 36
# Of 255: what differs from the ground by more is ink; of a column's height, how much of it is more than a speck.
INK, SPECK = 60, 0.06
_BEFORE_NONE = ".,;:!?%)]}»”’'\"-–/"
_AFTER_NONE = "([{«„“‘'\"-–/"

Array = np.ndarray[Any, np.dtype[Any]]


def with_spaces(text: str, columns: Sequence[float], picture: Array) -> str:
    """`columns`: where the middle of each character but spaces stands, from 0 to 1 of the picture's width."""
    places = [number for number, character in enumerate(text) if not character.isspace()]
    if len(places) != len(columns) or picture.shape[0] < LOWEST:
        return text
    gaps = _gaps(columns, picture)
    spaced = [second - first > 1 for first, second in pairwise(places)]
    known = [gap for gap, is_space in zip(gaps, spaced, strict=True) if is_space]
    if len(known) < FEWEST:
        return text
    within = [gap for gap, is_space in zip(gaps, spaced, strict=True) if not is_space] or [0]
    least = max(SHARE * float(np.median(known)), TIMES * float(np.percentile(within, 90)))
    missing = {
        second
        for (first, second), gap, is_space in zip(pairwise(places), gaps, spaced, strict=True)
        if not is_space and gap >= least and _may_part(text[first], text[second])
    }
    return "".join(f" {one}" if number in missing else one for number, one in enumerate(text))


def _may_part(one: str, other: str) -> bool:
    """A figure stays whole: there is much room around a 1."""
    if one.isdecimal() and other.isdecimal():
        return False
    return max(one, other) < "\u2e80" and one not in _AFTER_NONE and other not in _BEFORE_NONE


def _gaps(columns: Sequence[float], picture: Array) -> list[int]:
    """Between each two characters the longest run of columns without ink, in pixels."""
    gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.int16)
    height, width = gray.shape
    inked = (np.abs(gray - int(np.median(gray))) > INK).sum(axis=0) > SPECK * height
    return [_longest(inked[int(first * width) : int(second * width) + 1]) for first, second in pairwise(columns)]


def _longest(inked: Array) -> int:
    edges = np.flatnonzero(np.concatenate(([True], inked, [True])))
    return int(np.diff(edges).max()) - 1
