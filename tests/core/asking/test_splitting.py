import random
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.asking.splitting import Part, levels, split
from core.runtime import tokens

SENTENCE = "The northern plant lost eleven percent of its output in March. "
PARAGRAPH = SENTENCE * 6 + "\n\n"


def texts(text: str, most_tokens: int) -> list[str]:
    return [text[part.start : part.end] for part in split(text, most_tokens)]


def test_parts_end_where_paragraphs_do_and_are_of_a_size() -> None:
    draw = random.Random(1)
    text = "".join(SENTENCE * draw.randint(6, 12) + "\n\n" for _ in range(97))
    most = tokens.count(text) // 3
    found = texts(text, most)
    assert "".join(found) == text
    assert len(found) == 4
    assert all(part.endswith("\n\n") for part in found)
    sizes = [tokens.count(part) for part in found]
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) < most / 10


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        (SENTENCE * 400, ". "),
        (SENTENCE.replace("March. ", "March.\n") * 400, ".\n"),
        (SENTENCE.replace(". ", "。") * 400, "。"),
        ('He said "no." ' * 2000, '" '),
        (SENTENCE.replace(".", "").strip() + "\n" * 1, "\n"),
        ((SENTENCE.replace(". ", "") + "\n") * 400, "\n"),
        (SENTENCE.replace(". ", " ") * 400, " "),
    ],
)
def test_a_paragraph_that_is_too_long_is_cut_at_sentences_then_lines_then_words(text: str, ends: str) -> None:
    found = texts(text, 1000)
    assert "".join(found) == text
    assert all(part.endswith(ends) for part in found)


def test_a_long_paragraph_takes_no_other_with_it() -> None:
    text = PARAGRAPH * 20 + SENTENCE * 100 + "\n\n" + PARAGRAPH * 20
    assert all(part.endswith(("\n\n", ". ")) for part in texts(text, 700))


FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f3fd"


@pytest.mark.parametrize("character", ["e\u0301\u0323", FAMILY])
def test_nothing_is_cut_inside_of_what_is_read_as_one_character(character: str) -> None:
    text = "x" + character * 3000
    found = texts(text, 800)
    assert len(found) > 1
    assert "".join(found) == text
    assert all(len(part.removeprefix("x")) % len(character) == 0 for part in found)


def test_accents_without_end_are_cut_all_the_same() -> None:
    text = "a" + "\u0301" * 100_000
    assert max(tokens.count(part) for part in texts(text, 1000)) <= 1100


def test_white_space_is_no_part() -> None:
    text = PARAGRAPH * 20 + "\n \n" * 20_000 + PARAGRAPH * 20
    assert all(part.strip() for part in texts(text, 500))
    assert split(" \n" * 5000, 100) == []


def test_what_fits_is_one_part() -> None:
    assert split(SENTENCE, 1000) == [Part(0, len(SENTENCE), tokens.count(SENTENCE))]


ALPHABET = st.sampled_from(
    ["a", "word ", "Zürich", ". ", "\n", "\n\n", " ", "é", "漢字", "。", "\u0301", FAMILY, "1,5 ", "\t"]
)


@given(st.lists(ALPHABET, max_size=400).map("".join), st.integers(1, 400), st.integers(1, 60))
@example("a" * 5000, 1, 1)
@example("\n" * 5000, 7, 1)
def test_parts_hold_all_that_is_written_in_order_and_fit(text: str, most: int, times: int) -> None:
    text = text * times
    found = split(text, most)
    end = 0
    for part in found:
        assert text[end : part.start].strip() == ""
        assert part.start < part.end
        end = part.end
    assert text[end:].strip() == ""
    if most >= 4 * len(FAMILY) * 8:
        assert all(part.tokens <= most for part in found)
    # A cut between two pieces makes or takes a token at times.
    assert all(tokens.count(text[p.start : p.end]) <= p.tokens * 1.05 + 5 for p in found)


def test_a_text_of_ten_million_characters_is_cut_without_waiting() -> None:
    """Quadratic work would take hours, far beyond the test's time limit."""
    draw = random.Random(1)
    long = "".join(draw.choice(["pump ", "März ", ". ", "\n", "x"]) for _ in range(3_000_000))
    for text in (long, "\n" * 3_000_000, "x" * 3_000_000, ". " * 3_000_000, ("\n" + " " * 5000) * 600):
        assert all(unicodedata.category(text[part.start]) for part in split(text, 100_000))


@pytest.mark.parametrize(
    ("parts", "at_once", "expected"),
    [
        (1, 5, []),
        (2, 5, [[0, 0]]),
        (5, 5, [[0, 0, 0, 0, 0]]),
        (6, 5, [[0, 0, 0, 1, 1, 1], [0, 0]]),
        (3, 2, [[0, 0, 1], [0, 0]]),
        (5, 2, [[0, 0, 1, 1, 2], [0, 0, 1], [0, 0]]),
    ],
)
def test_how_answers_become_one(parts: int, at_once: int, expected: list[list[int]]) -> None:
    assert levels(parts, at_once) == expected


@given(st.integers(1, 3000), st.integers(2, 40))
def test_no_merge_takes_more_than_fits_and_all_answers_end_in_one(parts: int, at_once: int) -> None:
    width = parts
    for above in levels(parts, at_once):
        assert len(above) == width
        assert above == sorted(above)
        assert set(above) == set(range(above[-1] + 1))
        assert max(above.count(merge) for merge in set(above)) <= at_once
        width = above[-1] + 1
    assert width == 1
