"""Which sentences matter: TextRank, BM25 and redundancy, over a sparse sentence-by-term matrix.

The matrix is three arrays with an entry per word of a sentence, so every product is one `bincount`. The similarity of
all sentences to all others is never formed: its product with a vector is X (X'v), which keeps time and memory linear.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAMPING = 0.85
ITERATIONS = 30
CONVERGED = 1e-9
# BM25's usual constants.
K1, B = 1.2, 0.75
# Redundancy: how much a sentence's own weight counts against its likeness to what was chosen before.
OWN_WEIGHT = 0.7
SAME = 0.8
CHOSEN_WITH_CARE = 150


@dataclass(frozen=True)
class TermMatrix:
    """Entry k says: sentence `rows[k]` has term `columns[k]` `counts[k]` times. Sorted by row."""

    rows: Ints
    columns: Ints
    counts: Floats
    sentences: int
    terms: dict[str, int]

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]]) -> "TermMatrix":
        terms: dict[str, int] = {}
        lengths: list[int] = []
        columns: list[int] = []
        for words in sentences:
            lengths.append(len(words))
            columns.extend(terms.setdefault(word, len(terms)) for word in words)
        keys = np.repeat(np.arange(len(lengths)), lengths) * max(1, len(terms)) + np.array(columns, dtype=np.int64)
        entries, counts = np.unique(keys, return_counts=True)
        rows, cells = np.divmod(entries, max(1, len(terms)))
        return cls(rows, cells, counts.astype(np.float64), len(lengths), terms)

    @cached_property
    def rarity(self) -> Floats:
        """Inverse document frequency of each term, a sentence being the document."""
        frequency = np.bincount(self.columns, minlength=len(self.terms))
        return np.log1p((self.sentences - frequency + 0.5) / (frequency + 0.5))

    @cached_property
    def weights(self) -> Floats:
        """tf-idf of each entry, every sentence scaled to length 1."""
        weights = (1 + np.log(self.counts)) * self.rarity[self.columns]
        lengths = np.sqrt(_sums(self.rows, weights**2, self.sentences))
        return weights / lengths[self.rows]

    def to_sentences(self, term_values: Floats) -> Floats:
        return _sums(self.rows, self.weights * term_values[self.columns], self.sentences)

    def to_terms(self, sentence_values: Floats) -> Floats:
        return _sums(self.columns, self.weights * sentence_values[self.rows], len(self.terms))

    def likeness(self, sentence: int) -> Floats:
        """Cosine of one sentence to all."""
        alone = np.zeros(self.sentences)
        alone[sentence] = 1.0
        return self.to_sentences(self.to_terms(alone))


def _sums(places: Ints, values: Floats, length: int) -> Floats:
    # Without entries bincount gives integers.
    return np.bincount(places, values, length).astype(np.float64, copy=False)


def centrality(matrix: TermMatrix) -> Floats:
    """TextRank: PageRank over sentences tied by their likeness. Sums to 1."""
    if not matrix.sentences:
        return np.zeros(0)
    ones = np.ones(matrix.sentences)
    own = _sums(matrix.rows, matrix.weights**2, matrix.sentences)
    ties = matrix.to_sentences(matrix.to_terms(ones)) - own
    tied = ties > CONVERGED
    shares = np.where(tied, 1 / np.where(tied, ties, 1.0), 0.0)
    rank = ones / matrix.sentences
    for _ in range(ITERATIONS):
        given = rank * shares
        received = np.maximum(matrix.to_sentences(matrix.to_terms(given)) - own * given, 0.0)
        unspent = 1.0 - received.sum()
        renewed = DAMPING * (received + unspent / matrix.sentences) + (1 - DAMPING) / matrix.sentences
        moved = float(np.abs(renewed - rank).sum())
        rank = renewed
        if moved < CONVERGED:
            break
    return rank


def bm25(matrix: TermMatrix, query: Iterable[str]) -> Floats:
    """How well each sentence matches the words of the query."""
    wanted = np.zeros(len(matrix.terms))
    for word in query:
        if word in matrix.terms:
            wanted[matrix.terms[word]] = 1.0
    lengths = _sums(matrix.rows, matrix.counts, matrix.sentences)
    usual = max(1.0, float(lengths.mean())) if matrix.sentences else 1.0
    damped = matrix.counts + K1 * (1 - B + B * lengths[matrix.rows] / usual)
    gain = wanted[matrix.columns] * matrix.rarity[matrix.columns] * matrix.counts * (K1 + 1) / damped
    return _sums(matrix.rows, gain, matrix.sentences)


@dataclass(frozen=True)
class Presence:
    """Which words of a query each sentence has, and what share of the query each word is. Unknown words are rarest."""

    found: NDArray[np.bool_]
    shares: Floats

    @classmethod
    def of(cls, matrix: TermMatrix, query: Iterable[str]) -> "Presence":
        words = sorted(set(query))
        found = np.zeros((matrix.sentences, len(words)), dtype=np.bool_)
        shares = np.full(len(words), np.log1p((matrix.sentences + 0.5) / 0.5))
        for i, word in enumerate(words):
            term = matrix.terms.get(word)
            if term is not None:
                found[matrix.rows[matrix.columns == term], i] = True
                shares[i] = matrix.rarity[term]
        return cls(found, shares / (shares.sum() or 1.0))

    def covered(self) -> Floats:
        covered: Floats = self.found @ self.shares
        return covered


def diverse(matrix: TermMatrix, scores: Floats, candidates: Sequence[int]) -> Iterable[int]:
    """Candidates by score, those that repeat an earlier one later or never (maximal marginal relevance)."""
    pool = np.array(candidates, dtype=np.int64)
    if not len(pool):
        return
    worth = scores[pool] / (float(scores[pool].max()) or 1.0)
    alike = np.zeros(len(pool))
    open_ = np.ones(len(pool), dtype=bool)
    for _ in range(min(len(pool), CHOSEN_WITH_CARE)):
        merit = np.where(open_ & (alike < SAME), OWN_WEIGHT * worth - (1 - OWN_WEIGHT) * alike, -np.inf)
        best = int(merit.argmax())
        if not np.isfinite(merit[best]):
            return
        yield int(pool[best])
        open_[best] = False
        alike = np.maximum(alike, matrix.likeness(int(pool[best]))[pool])
    rest = np.flatnonzero(open_ & (alike < SAME))
    yield from (int(pool[i]) for i in rest[np.argsort(-worth[rest], kind="stable")])
