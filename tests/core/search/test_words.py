"""Each word of a statement is looked for in the forms in which people write it."""

import pytest

from core.search import index, query
from core.search.query import parse, tsquery


def lexemes(text: str, language: str | None = "en") -> set[str]:
    return {one.rpartition(":")[0].strip("'") for one in index.vector([text], language).split()}


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("1,234.50", {"1234.5"}),
        ("1.234,50", {"1234.5"}),
        ("1'234.50", {"1234.5"}),
        ("1 234,50", {"1", "1234.5", "234.5"}),
        ("1\u202f234", {"1", "1234", "234"}),
        ("1,234", {"1234", "1.234"}),
        ("1,234,567", {"1234567"}),
        ("12,34,567", {"1234567"}),
        ("3,5", {"3.5"}),
        ("0,125", {"0.125"}),
        ("05.01.2024", {"05", "01", "2024"}),
        ("10.0.0.1", {"10", "0", "1"}),
        ("\u0663\u0664", {"34"}),
        ("5kg", {"5", "kg"}),
        ("Q3", {"q3"}),
    ],
)
def test_a_figure_is_one_however_it_is_grouped_and_a_date_is_several(written: str, found: set[str]) -> None:
    assert lexemes(written) == found


def test_scripts_without_spaces_are_cut_into_overlapping_pairs_also_inside_a_mixed_word() -> None:
    assert index.vector(["iPhoneの売上"], "ja") == "'iphone':1 'の売':2 '売上':3 '上':4"


def test_a_statement_and_how_it_is_shown_are_found_and_no_phrase_across_them() -> None:
    assert index.vector(["It works.", "Runs."], "en") == "'it':1 'work':2 'run':13"


def test_a_text_of_any_length_is_taken() -> None:
    assert index.vector(["pump " * 20_000], "en").endswith(",16000")
    assert lexemes("x" * 5_000) == {"x" * 80}


def test_nothing_that_people_type_breaks_out_of_its_word() -> None:
    for written in ("'", "\\", "a'b", "a:*", "a & !b | (c)", "<->", "''); --", "\0x"):
        text = tsquery(parse(written), ["en"], {}) or ""
        assert text.count("'") % 2 == 0
        for sign in "\\\0;":
            assert sign not in text


def test_a_query_is_words_phrases_alternatives_and_what_is_left_out() -> None:
    found = parse('pumps "in March" or „valves“ -oslo -"two words" --- -')
    assert [[(one.text, one.quoted) for one in group] for group in found.groups] == [
        [("pumps", False), ("in March", True)],
        [("valves", True)],
    ]
    assert [one.text for one in found.without] == ["oslo", "two words"]
    assert parse('*** - ""') == query.Query((), ())


def test_a_word_that_says_nothing_is_left_out_unless_there_is_no_other() -> None:
    silent = {"en": {"the", "who"}}
    assert tsquery(parse("the pump"), ["en"], silent) == "('pump')"
    assert tsquery(parse("the who"), ["en"], silent) == "('the' & 'who')"
    assert tsquery(parse('"the pump"'), ["en"], silent) == "(('the' <-> 'pump'))"
    assert tsquery(parse("..."), ["en"], silent) is None


def test_a_query_is_read_in_each_language_and_a_minus_holds_in_all() -> None:
    text = tsquery(parse("pumps -bombas"), ["en", "nl", "fr"], {})
    assert text == "('pump') & !('bomb' | 'bomba' | 'bombas')"
