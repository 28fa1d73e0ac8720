"""Texts that are nearly the same: their signature, its bands, and how much they share."""

import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evidence import near_texts
from core.evidence.near_texts import BANDS, MOST, PIECE, ROWS, SAME, Shingles, bands, jaccard, same, shingles, signature

WORDS = ["".join(random.Random(number).choices("abcdefghiklmnoprstuvw", k=2 + number % 8)) for number in range(4000)]
TEXTS = st.text(max_size=300) | st.lists(st.sampled_from(WORDS[:40]), max_size=60).map(" ".join)


def text(words: int, seed: int = 0) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def changed(one: str, words: int, seed: int = 1) -> str:
    every = one.split(" ")
    for at in random.Random(seed).sample(range(len(every)), words):
        every[at] += "x"
    return " ".join(every)


def shared(one: str, other: str) -> float:
    return jaccard(shingles(one), shingles(other))


def meet(one: str, other: str) -> bool:
    return bool({*bands(signature(one))} & {*bands(signature(other))})


@pytest.mark.parametrize(
    ("of_a_thousand", "expected"), [(5, 0.95), (10, 0.905), (20, 0.82), (50, 0.63)], ids=["0.5 %", "1 %", "2 %", "5 %"]
)
def test_changed_words_cost_the_shingles_that_hold_them(of_a_thousand: int, expected: float) -> None:
    one = text(4000)
    other = changed(one, 4 * of_a_thousand)
    assert shared(one, other) == pytest.approx(expected, abs=0.01)
    assert same(shingles(one), shingles(other)) == (expected >= SAME)
    assert meet(one, other)


def test_equal_texts_are_the_same_and_unrelated_ones_share_nothing() -> None:
    one, other = text(2000), text(2000, seed=2)
    assert shared(one, one) == 1.0
    assert signature(one) == signature(str(one))
    assert shared(one, other) == 0.0
    assert not meet(one, other)


def test_a_text_within_a_longer_one_is_another_text() -> None:
    one = text(3000)
    assert shared(one[: len(one) // 2], one) == pytest.approx(0.5, abs=0.01)
    assert not same(shingles(one[: len(one) // 2]), shingles(one))


@pytest.mark.parametrize("empty", ["", " \n\t", "... -- !", "\u200b\u00ad"])
def test_texts_without_words_are_the_same_as_nothing(empty: str) -> None:
    assert bands(signature(empty)) == ()
    assert jaccard(shingles(empty), shingles(empty)) == 0.0
    assert jaccard(shingles(empty), shingles("One")) == 0.0


def test_a_text_shorter_than_a_shingle_counts_as_a_whole() -> None:
    assert shared("Pay now.", "pay NOW") == 1.0
    assert meet("Pay now.", "pay NOW")
    for other in ("Pay later.", "Pay", "now pay", "Pay now please", "Pay now or pay much later"):
        assert shared("Pay now.", other) == 0.0
        assert not meet("Pay now.", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The pump, as built in 2020, failed.", "the PUMP as built \u2013 in 2020 \u2013 failed"),
        ("A long para-\ngraph breaks its words at line ends", "A long paragraph breaks\nits  words at line ends"),
        ("The of\ufb01ce caf\u00e9 was closed on Sundays", "The office cafe\u0301 was closed on Sundays"),
        ("So\u00adft hyph\u00adens in a text a\u200bre not se\u200ben", "Soft hyphens in a text are not seen"),
        ("\uff21\uff22 costs \uff15 euros each \u2026", "AB costs 5 euros each"),
    ],
)
def test_case_punctuation_and_forms_of_letters_do_not_count(one: str, other: str) -> None:
    assert shared(one, other) == 1.0
    assert signature(one) == signature(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The pump failed in 2020 twice", "The pump failed in 2021 twice"),
        ("\u0915\u093f\u0924\u093e\u092c", "\u0915\u0941\u0924\u093e\u092c"),
        ("listen to me now please", "silent to me now please"),
        ("\u4f1a\u8b70\u306f\u5ef6\u671f", "\u4f1a\u8b70\u306f\u5ef6\u9577"),
    ],
    ids=["digits", "vowel signs", "anagrams", "characters"],
)
def test_every_letter_and_digit_counts(one: str, other: str) -> None:
    assert shared(one, other) == 0.0


@pytest.mark.parametrize("alphabet", [(0x4E00, 0x9FFF), (0x3041, 0x3096), (0x0E01, 0x0E2E)], ids=["zh", "ja", "th"])
def test_where_words_have_no_spaces_between_them_characters_count(alphabet: tuple[int, int]) -> None:
    # No space in it, and longer than a piece.
    one = "".join(chr(code) for code in random.Random(3).choices(range(*alphabet), k=PIECE + 5000))
    other = one[:900] + "\u4e00\u3042\u0e01" + one[900:]
    assert shared(one, other) > 0.99
    assert meet(one, other)
    assert not meet(one, one[::-1])


def test_pieces_end_between_words_and_shingles_go_on_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    one = text(30_000)
    assert len(one) > 3 * PIECE
    in_pieces = shingles(one), signature(one)
    assert in_pieces[0].hashes.size == pytest.approx(30_000 - 4, abs=2)
    monkeypatch.setattr(near_texts, "PIECE", len(one))
    assert signature(one) == in_pieces[1]
    assert jaccard(shingles(one), in_pieces[0]) == 1.0


def test_of_a_very_long_text_a_sample_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    one = text(60_000)
    others = [changed(one, 600), text(60_000, seed=4), one[: len(one) // 3]]
    exact = [shared(one, other) for other in others]
    monkeypatch.setattr(near_texts, "MOST", 4000)
    sampled = shingles(one)
    assert 2000 < sampled.hashes.size <= 4000
    assert sampled.halvings == 4
    # The third is a shorter text, of which more is kept.
    assert [shared(one, other) for other in others] == pytest.approx(exact, abs=0.03)
    assert MOST > 50 * 4000


@given(TEXTS, TEXTS)
@settings(max_examples=60)
def test_what_two_texts_share_is_what_their_sets_share(one: str, other: str) -> None:
    a, b = shingles(one), shingles(other)
    assert jaccard(a, b) == jaccard(b, a)
    sets = [{*side.hashes.tolist()} for side in (a, b)]
    assert jaccard(a, b) == (len(sets[0] & sets[1]) / len(sets[0] | sets[1]) if sets[0] & sets[1] else 0.0)
    for side, found in ((a, one), (b, other)):
        assert (np.diff(side.hashes.astype(object)) > 0).all()
        assert bool(side.hashes.size) == bool(bands(signature(found)))
        assert jaccard(side, side) == float(bool(side.hashes.size))
    if jaccard(a, b) == 1.0:
        assert signature(one) == signature(other)


@given(st.integers(1, 60), st.integers(0, 1000))
@settings(max_examples=60)
def test_candidates_of_four_fifths_are_found(words: int, seed: int) -> None:
    """The share of minima that are equal is what the texts share, so that bands find what the docstring says."""
    one = text(1200, seed)
    other = changed(one, words, seed)
    sides = [signature(side).minima for side in (one, other)]
    equal = sum(a == b for a, b in zip(*sides, strict=True)) / (BANDS * ROWS)
    assert equal == pytest.approx(shared(one, other), abs=0.25)
    assert meet(one, other) or shared(one, other) < 0.7


def test_a_band_is_met_by_the_same_band_only_and_fits_a_bigint() -> None:
    found = bands(signature(text(500)))
    assert len({*found}) == BANDS
    assert all(-(2**63) <= band < 2**63 for band in found)
    assert any(band < 0 for band in found)
    assert 1 - (1 - SAME**ROWS) ** BANDS > 0.9997
    # One minimum for all: bands differ by their number alone.
    assert len({*bands(near_texts.Signature((7,) * (BANDS * ROWS)))}) == BANDS


def test_signatures_are_the_same_in_every_process_and_release() -> None:
    """Bands are stored. If this fails, VERSION must be raised and stored bands made again."""
    one = "The quick brown fox jumps over the lazy dog. \u4f1a\u8b70\u306f\u6765\u9031\u306b\u5ef6\u671f"
    code = f"from core.evidence.near_texts import *; print(*bands(signature({one!r})))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = bands(signature(one))
    assert other.stdout.split() == [str(band) for band in found]
    assert (near_texts.VERSION, found[0], found[-1]) == (1, -2106087771899987415, -3809249768418139258)


def test_shingles_are_kept_sorted_and_once() -> None:
    assert shingles("a b c d e a b c d e a b c d e").hashes.size == 5
    assert isinstance(shingles(""), Shingles)
