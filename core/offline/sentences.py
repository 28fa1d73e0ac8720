"""Sentences of a text as spans, without a model: fit for English, German, French and scripts without case.

A sentence keeps its exact span, so that a quote is a slice of the text, and has a clean form to be shown and counted.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.offline.abbreviations import ends_sentence
from core.offline.lines import CLOSING, SENTENCE_STOPS, TextBlock, blocks
from core.offline.words import Cleaner, word_count

LONGEST_SENTENCE = 1000
WHOLE_WORDS = range(6, 61)
# Above this share of signs a line is code, a path or an address.
MOST_SIGNS = 0.06

_CLOSERS = re.escape(CLOSING)
_STOP = re.compile(rf"(?<![.!?…])[.!?…]++[{_CLOSERS}]*+(?:[ \u00a0\u202f]»)?(?=\s)|[。！？｡।॥؟۔]++[{_CLOSERS}]*+")
_SIGNS = re.compile(r"[{}<>|\\=_@#~^`/$]")
_NOT_SPACE = re.compile(r"\S")
_OPENING = " \u00a0\u202f\n\"'“‘„«»([¿¡「『（*_-–—"


class Sentence(NamedTuple):
    """`whole`: reads as a sentence by itself. `junk`: nothing that an answer should be made of."""

    start: int
    end: int
    text: str
    words: int
    whole: bool
    junk: bool


def split(text: str) -> list[Sentence]:
    cleaner = Cleaner(text)
    # As with lines: what reads the same is looked at once.
    looks: dict[str, tuple[str, int, bool]] = {}
    sentences = []
    for block in blocks(text):
        for start, end in _spans(text, block):
            passage = text[start:end]
            look = looks.get(passage)
            if look is None:
                look = looks[passage] = _look(cleaner.clean(passage))
            clean, words, whole = look
            whole = whole and not block.junk and not block.alone
            sentences.append(Sentence(start, end, clean, words, whole, block.junk))
    return sentences


def _look(clean: str) -> tuple[str, int, bool]:
    """The text, its number of words, and whether it may be a whole sentence."""
    words = word_count(clean)
    return clean, words, words in WHOLE_WORDS and _reads_whole(clean)


def _reads_whole(clean: str) -> bool:
    begins = clean.lstrip(_OPENING)[:1]
    ends = clean.rstrip(CLOSING)[-1:]
    signs = len(_SIGNS.findall(clean))
    if clean.isupper():
        return False
    return begins.isalnum() and not begins.islower() and ends in SENTENCE_STOPS and signs < MOST_SIGNS * len(clean)


def _spans(text: str, block: TextBlock) -> list[tuple[int, int]]:
    start, spans = block.start, []
    for stop in _STOP.finditer(text, start, block.end) if not block.junk else ():
        if _is_end(text, start, stop, block.end):
            spans.append((start, stop.end()))
            following = _NOT_SPACE.search(text, stop.end(), block.end)
            start = following.start() if following else block.end
    if start < block.end:
        spans.append((start, block.end))
    if block.end - block.start <= LONGEST_SENTENCE:
        return spans
    return [part for start, end in spans for part in _chopped(text, start, end)]


def _is_end(text: str, start: int, stop: re.Match[str], limit: int) -> bool:
    following = _NOT_SPACE.search(text, stop.end(), limit)
    if following is None:
        return True
    if stop.group()[0] not in ".!?…":
        return True
    begins = text[following.start() : min(following.start() + 8, limit)].lstrip(_OPENING)[:1]
    if not begins.isalnum() or begins.islower():
        return False
    return stop.group() != "." or ends_sentence(text, start, stop.start(), stop.end())


def _chopped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > LONGEST_SENTENCE:
        limit = start + LONGEST_SENTENCE
        cut = max(text.rfind(" ", start, limit), text.rfind("\n", start, limit))
        cut = cut if cut > start else limit
        yield start, cut
        following = _NOT_SPACE.search(text, cut, end)
        start = following.start() if following else end
    if start < end:
        yield start, end
