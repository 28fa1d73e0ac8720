import numpy as np
import pytest

from core.offline.ranking import SAME, Presence, TermMatrix, bm25, centrality, diverse

SENTENCES = [
    ["cat", "sits", "mat"],
    ["cat", "eats", "fish"],
    ["dog", "eats", "bone"],
    ["cat", "dog", "fish", "mat"],
    ["rain"],
]


def dense(matrix: TermMatrix) -> np.ndarray:
    cells = np.zeros((matrix.sentences, len(matrix.terms)))
    cells[matrix.rows, matrix.columns] = matrix.weights
    return cells


def test_products_are_those_of_the_dense_matrix() -> None:
    matrix = TermMatrix.of(SENTENCES)
    x = dense(matrix)
    values = np.arange(1.0, 6.0)
    assert np.allclose(matrix.to_terms(values), x.T @ values)
    assert np.allclose(matrix.to_sentences(matrix.to_terms(values)), x @ (x.T @ values))
    assert np.allclose(matrix.likeness(3), x @ x[3])
    assert np.allclose((x**2).sum(axis=1), 1)


def test_centrality_is_pagerank_over_the_similarities() -> None:
    matrix = TermMatrix.of(SENTENCES)
    similarity = dense(matrix) @ dense(matrix).T
    np.fill_diagonal(similarity, 0)
    sums = similarity.sum(axis=1)
    steps = np.divide(similarity, sums[:, None], out=np.full_like(similarity, 1 / 5), where=sums[:, None] > 0)
    expected = np.full(5, 1 / 5)
    for _ in range(200):
        expected = 0.85 * (expected @ steps) + 0.15 / 5
    rank = centrality(matrix)
    assert np.allclose(rank, expected, atol=1e-4)
    assert rank.argmax() == 3
    assert rank.argmin() == 4


def test_memory_grows_with_the_words_and_not_with_the_square_of_the_sentences() -> None:
    sentences = [[f"word{i % 500}", f"word{(i * 7) % 500}", "all"] for i in range(20_000)]
    matrix = TermMatrix.of(sentences)
    assert len(matrix.rows) == len(matrix.columns) == len(matrix.counts) <= 3 * len(sentences)
    assert centrality(matrix).shape == (20_000,)


def test_bm25_prefers_rare_words_and_short_sentences() -> None:
    matrix = TermMatrix.of([["tax", "law"], ["tax", "law", "of", "all", "kinds"], ["law"], ["law", "rare"], ["other"]])
    scores = bm25(matrix, ["tax", "rare", "unknown"])
    assert scores[0] > scores[1] > 0
    assert scores[3] > scores[0]
    assert scores[2] == scores[4] == 0


def test_coverage_counts_unknown_words_as_the_rarest() -> None:
    matrix = TermMatrix.of([["tax", "law"], ["law"], ["law"], ["law"]])
    assert Presence.of(matrix, ["tax", "law"]).covered()[0] == pytest.approx(1)
    assert Presence.of(matrix, ["tax", "law"]).covered()[1] < 0.5
    assert Presence.of(matrix, ["law", "moon"]).covered()[1] < 0.2
    assert Presence.of(matrix, []).covered().tolist() == [0, 0, 0, 0]


def test_repetitions_come_late_or_never() -> None:
    matrix = TermMatrix.of([["a", "b", "c"], ["a", "b", "c"], ["a", "b", "d"], ["x", "y"]])
    chosen = list(diverse(matrix, np.array([1.0, 0.99, 0.95, 0.9]), [0, 1, 2, 3]))
    assert chosen == [0, 3, 2]
    assert matrix.likeness(0)[1] > SAME > matrix.likeness(0)[2]


@pytest.mark.parametrize("sentences", [[], [[]], [[], []]])
def test_nothing_to_rank(sentences: list[list[str]]) -> None:
    matrix = TermMatrix.of(sentences)
    assert centrality(matrix).sum() == pytest.approx(min(1, len(sentences)))
    assert bm25(matrix, ["word"]).sum() == 0
    assert list(diverse(matrix, np.zeros(len(sentences)), [])) == []
