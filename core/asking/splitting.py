"""A text that is longer than a model's context, in parts that fit, and the plan by which their answers are merged.

A part ends where a paragraph ends; a paragraph that is too long alone is cut where a sentence ends, then a line, then
anywhere but inside of what is read as one character.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from core.runtime import tokens

# Where a piece may end, the best places first.
ENDS = (
    re.compile(r"\n[^\S\n]*\n\s*"),
    re.compile(r"[.!?…][\"'”’»)\]]*\s+|[。！？]"),
    re.compile(r"\n"),
)
# Code points. No end is looked for before the shortest, as very many pieces are slow.
SHORTEST_PIECE = 300
LONGEST_PIECE = 1000
# A character has no more tokens than bytes.
BYTES_OF_A_CHARACTER = 4
# A character with more combining marks than this is cut.
LONGEST_CHARACTER = 32
JOINER = "\u200d"


@dataclass(frozen=True)
class Part:
    """Code point offsets; `end` is exclusive. `tokens` is a count of its pieces, off by a few at most."""

    start: int
    end: int
    tokens: int


def split(text: str, most_tokens: int) -> list[Part]:
    """As few parts as fit, of about the same size, in order. Only white space lies between them."""
    pieces = list(_pieces(text, 0, len(text), most_tokens, 0))
    total = sum(piece.tokens for piece in pieces)
    fair = total / max(1, -(-total // most_tokens))
    parts: list[Part] = []
    for piece in pieces:
        last = parts[-1] if parts else None
        if last is not None and last.tokens < fair and last.tokens + piece.tokens <= most_tokens:
            parts[-1] = Part(last.start, piece.end, last.tokens + piece.tokens)
        else:
            parts.append(piece)
    return [part for part in parts if not text[part.start : part.end].isspace()]


def _pieces(text: str, start: int, end: int, most_tokens: int, level: int) -> Iterator[Part]:
    anywhere = level == len(ENDS)
    cuts = _anywhere(text, start, end, most_tokens) if anywhere else _ends(text, start, end, ENDS[level])
    for cut in cuts:
        counted = tokens.count(text[start:cut])
        if counted <= most_tokens or anywhere:
            yield Part(start, cut, counted)
        else:
            yield from _pieces(text, start, cut, most_tokens, level + 1)
        start = cut


def _ends(text: str, start: int, end: int, places: re.Pattern[str]) -> Iterator[int]:
    while found := places.search(text, start + SHORTEST_PIECE, end):
        start = found.end()
        yield start
    if start < end:
        yield end


def _anywhere(text: str, start: int, end: int, most_tokens: int) -> Iterator[int]:
    longest = max(1, min(LONGEST_PIECE, most_tokens // BYTES_OF_A_CHARACTER))
    while (at := start + longest) < end:
        space = text.rfind(" ", at - longest // 10, at)
        start = space + 1 if space >= 0 else _whole_character(text, at, end)
        yield start
    if start < end:
        yield end


def _whole_character(text: str, at: int, end: int) -> int:
    """The next place from `at` on that is not inside of a character: its accents, its joined or coloured parts."""
    last = min(end, at + LONGEST_CHARACTER)
    while at < last and _goes_on(text[at - 1], text[at]):
        at += 1
    return at


def _goes_on(before: str, after: str) -> bool:
    return (
        unicodedata.category(after).startswith("M")
        or JOINER in (before, after)
        or "\U0001f3fb" <= after <= "\U0001f3ff"
    )


def levels(parts: int, most_at_once: int) -> list[list[int]]:
    """The merges from `parts` answers to one. For each level, from the parts up: the merge that takes each answer."""
    found = []
    while parts > 1:
        merges = -(-parts // most_at_once)
        found.append([number * merges // parts for number in range(parts)])
        parts = merges
    return found
