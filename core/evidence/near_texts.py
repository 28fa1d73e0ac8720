"""Which texts are nearly the same: an article that two sites print, a report with one typing error mended.

A text is the set of its shingles: five words in a row, or five characters where words are written without spaces.
Texts are the same where they share four fifths of what they hold together (`jaccard`). Candidates are found without
comparing all pairs: they are equal in one of their `bands`. A pair of 0.8 is found in 9,998 of 10,000 cases, of 0.5 in
64 of 100, of 0.2 in 3 of 100; so what is found is compared before anything is said of it.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from core.evidence.folding import DROPPED, UNSPACED

# Raise it whenever a band or a shingle of any text may change. Bands of two versions are never equal.
VERSION = 1
SAME = 0.8
WORDS = 5
BANDS = 16
ROWS = 4
# Read in pieces, so that a text of any length needs the memory of one.
PIECE = 1 << 15
# Of a longer text (1.5 MB of English) each second shingle is kept, of a still longer one each fourth, told by its hash:
# jaccard is then off by less than 0.005.
MOST = 1 << 18

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Signature:
    """`minima`: for each of BANDS x ROWS orders of all shingles the first of this text; none for a text without words.

    The same on every machine, in every process and release, as long as VERSION stays.
    """

    minima: tuple[int, ...]


@dataclass(frozen=True)
class Shingles:
    """`hashes`: sorted, each once. `halvings`: how often half of them were left out."""

    hashes: Hashes
    halvings: int


def signature(text: str) -> Signature:
    minima = np.full(BANDS * ROWS, np.iinfo(np.uint64).max, dtype=np.uint64)
    some = False
    for hashes in _shingles(text):
        some = True
        for number, (factor, term) in enumerate(_orders()):
            minima[number] = min(minima[number], (hashes * factor + term).min())
    return Signature(tuple(minima.tolist()) if some else ())


def bands(one: Signature) -> tuple[int, ...]:
    """For a column of bigint[]: two texts are candidates where any is in both. None for a text without words."""
    if not one.minima:
        return ()
    rows = np.array(one.minima, dtype=np.uint64).reshape(BANDS, ROWS)
    found = np.arange(BANDS, dtype=np.uint64) + np.uint64(VERSION << 32)
    for row in rows.T:
        found = _mixed(found + row)
    return tuple(found.view(np.int64).tolist())


def shingles(text: str) -> Shingles:
    kept = Shingles(np.empty(0, dtype=np.uint64), 0)
    pieces: list[Hashes] = []
    for hashes in _shingles(text):
        pieces.append(_halved(hashes, kept.halvings))
        if sum(piece.size for piece in pieces) > MOST:
            kept = _with(kept, pieces)
            pieces.clear()
    return _with(kept, pieces)


def _with(kept: Shingles, pieces: Sequence[Hashes]) -> Shingles:
    hashes, halvings = np.sort(np.concatenate((kept.hashes, *pieces))), kept.halvings
    hashes = hashes[np.diff(hashes, prepend=~hashes[:1]) != 0]
    while hashes.size > MOST:
        halvings += 1
        hashes = _halved(hashes, halvings)
    return Shingles(hashes, halvings)


def jaccard(one: Shingles, other: Shingles) -> float:
    """Shared shingles / all shingles of both; 0 where a text has no words."""
    halvings = max(one.halvings, other.halvings)
    a, b = _halved(one.hashes, halvings), _halved(other.hashes, halvings)
    shared = np.intersect1d(a, b, assume_unique=True).size
    return float(shared / (a.size + b.size - shared)) if shared else 0.0


def same(one: Shingles, other: Shingles) -> bool:
    return jaccard(one, other) >= SAME


def _halved(hashes: Hashes, times: int) -> Hashes:
    return hashes if times == 0 else hashes[hashes < np.uint64(1 << (64 - times))]


def _shingles(text: str) -> Iterator[Hashes]:
    """Piece by piece; one that stands in two pieces comes twice."""
    before = np.empty(0, dtype=np.uint64)
    count = 0
    for piece in _pieces(text):
        words = _words(piece)
        count += words.size
        words = np.concatenate((before, words))
        if words.size >= WORDS:
            yield _rows(words)
        before = words[-(WORDS - 1) :]
    if 0 < count < WORDS:
        # Too short for a shingle: the whole text is one.
        yield _rows(np.concatenate((before, np.zeros(WORDS - count, dtype=np.uint64))))


def _rows(words: Hashes) -> Hashes:
    length = words.size - WORDS + 1
    found = words[:length]
    for at in range(1, WORDS):
        found = _mixed(found) + words[at : at + length]
    return _mixed(found)


def _pieces(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = start + PIECE
        if end < len(text):
            # No word is cut, where there are words.
            cut = max(text.rfind(" ", start, end), text.rfind("\n", start, end))
            end = cut + 1 if cut > start else end
        yield text[start:end]
        start = end


HYPHENATED = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010][ \t]*\r?\n[ \t]*(?=[^\W\d_])")
GAP, LETTER, ALONE, INVISIBLE = range(4)
# Behind it no words are written.
LAST = np.uint32(0x40000)


def _words(piece: str) -> Hashes:
    """A hash of each word, without case, punctuation and hyphens at line ends."""
    if "\n" in piece:
        piece = HYPHENATED.sub("", piece)
    if not piece.isascii():
        piece = unicodedata.normalize("NFKC", piece)
    codes = np.frombuffer(piece.casefold().encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32)
    kinds = _kinds()[np.minimum(codes, LAST)]
    seen = kinds != INVISIBLE
    codes, kinds = codes[seen], kinds[seen]
    within = np.zeros(kinds.size, dtype=bool)
    within[1:] = (kinds[1:] == LETTER) & (kinds[:-1] == LETTER)
    letters = kinds != GAP
    codes, begins = codes[letters].astype(np.uint64), ~within[letters]
    starts = np.flatnonzero(begins)
    if not starts.size:
        return np.empty(0, dtype=np.uint64)
    places = (np.arange(codes.size) - starts[np.cumsum(begins) - 1]).astype(np.uint64)
    return np.add.reduceat(_mixed(codes + (places << np.uint64(21))), starts)


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """By code point. Vowel signs of Indian scripts are no letters to Python, and belong to their word."""
    every = "".join(map(chr, range(int(LAST))))
    kinds = np.zeros(len(every) + 1, dtype=np.uint8)
    for kind, signs in ((LETTER, r"[^\W_]+"), (ALONE, f"[{UNSPACED}]+"), (INVISIBLE, f"[{DROPPED}]+")):
        for run in re.finditer(signs, every):
            kinds[run.start() : run.end()] = kind
    marks = np.array([code for code in range(0x300, 0x20000) if unicodedata.category(chr(code)) in ("Mn", "Mc")])
    kinds[marks[kinds[marks] == GAP]] = LETTER
    return kinds


@cache
def _orders() -> tuple[tuple[np.uint64, np.uint64], ...]:
    """Factors, which are odd, and terms: drawn by counting, so that they are the same for ever."""
    drawn = _mixed(np.arange(1, 2 * BANDS * ROWS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    return tuple(zip(drawn[::2] | np.uint64(1), drawn[1::2], strict=True))


def _mixed(values: Hashes) -> Hashes:
    """Each bit of a value decides each bit of its hash (splitmix64)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
