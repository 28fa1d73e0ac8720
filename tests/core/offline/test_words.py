import pytest

from core.offline.words import Cleaner, word_count, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop, Café_Noir 42!", ["don", "t", "stop", "café", "noir", "42"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("日本語Debian", ["日本", "本語", "debian"]),
        ("猫", ["猫"]),
        ("...", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("infor-\nmation", "information"),
        ("the  end\n\tof  it", "the end of it"),
        ("Vor-\nund Nachteile", "Vor- und Nachteile"),
        ("Non-\nMaintainer Uploads", "Non-Maintainer Uploads"),
        ("long-\nterm plans are long-term", "long-term plans are long-term"),
        ("a long-\nterm plan for a long school term", "a long-term plan for a long school term"),
        ("an in-\nform, in a form", "an inform, in a form"),
        ("cooper-\nation, or cooperation", "cooperation, or cooperation"),
        ("devel\u0002oper, exam\u00adple", "developer, example"),
        ("he wrote\n> this\n>> and that", "he wrote this and that"),
        ("a - b", "a - b"),
    ],
)
def test_the_clean_form_is_one_line_without_divided_words(text: str, shown: str) -> None:
    assert Cleaner(text).clean(text) == shown


def test_words_are_counted_where_no_spaces_part_them() -> None:
    assert word_count("three plain words") == 3
    assert word_count("今日は良い天気です") == 5
