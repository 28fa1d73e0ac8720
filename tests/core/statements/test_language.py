"""Which language a statement is in, where its document says another one or nothing."""

import json
from pathlib import Path

import pytest

from core.statements.language import language_of

STATEMENTS = [
    (row[side], row["lang"])
    for row in map(json.loads, Path(__file__).with_name("pairs.jsonl").read_text(encoding="utf-8").splitlines())
    for side in "ab"
]


def test_english_is_known_by_its_words() -> None:
    english = [statement for statement, language in STATEMENTS if language == "en"]
    known = sum(language_of(statement, None) == "en" for statement in english)
    assert known >= 0.8 * len(english)


def test_no_other_language_is_taken_for_english() -> None:
    others = [(statement, language) for statement, language in STATEMENTS if language != "en"]
    assert [language_of(statement, language) for statement, language in others] == [lang for _, lang in others]


@pytest.mark.parametrize("document", ["de", "en", None])
def test_a_statement_whose_words_tell_nothing_is_in_its_documents_language(document: str | None) -> None:
    assert language_of("Exports grew in March.", document) == document


@pytest.mark.parametrize(
    "statement",
    [
        "Was will er in Rom?",
        "De bank is in Gent.",
        "On a fini.",
        "La casa no es a vender.",
        "Hij was in april in Gent.",
        "",
    ],
)
def test_short_words_of_several_languages_are_not_enough(statement: str) -> None:
    assert language_of(statement, "xx") == "xx"
