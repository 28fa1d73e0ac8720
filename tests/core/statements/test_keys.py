"""What makes two statements one: on labelled pairs, and on whatever statement hypothesis makes."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from core.statements import keys as keys_module
from core.statements.canonical import canonical
from core.statements.keys import Keys, keys, version_of
from tests.bench import pairs as bench

PAIRS: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("pairs.jsonl").read_text(encoding="utf-8").splitlines()
]


def key(statement: str, language: str | None = "en") -> str:
    made = keys("ws_default", language, None, statement)
    assert made is not None
    return made.exact


def masked(statement: str, language: str | None = "en") -> str:
    made = keys("ws_default", language, None, statement)
    assert made is not None
    return made.masked


@pytest.mark.parametrize("row", PAIRS, ids=[row["id"] for row in PAIRS])
def test_a_labelled_pair_has_one_key_only_where_both_say_the_same(row: dict[str, Any]) -> None:
    one = key(row["a"], row["lang"]) == key(row["b"], row["lang"])
    expected = row["label"] == "same" and "missed" not in row
    assert one == expected, (canonical(row["a"], row["lang"]).words, canonical(row["b"], row["lang"]).words)


def test_few_labelled_pairs_are_missed() -> None:
    assert sum("missed" in row for row in PAIRS) <= 10


def test_statements_of_different_pairs_share_a_key_only_where_they_are_meant_to() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for row in PAIRS:
        for side in "ab":
            found[key(row[side], row["lang"])].add(row["id"])
    together = {frozenset(ids) for ids in found.values() if len(ids) > 1}
    # One statement stands in both.
    meant = [{"p266", "p267"}, {"p285", "p286"}, {"p019", "p302"}, {"p172", "p382"}, {"p457", "p458"}]
    assert together == {frozenset(ids) for ids in meant}


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "In 2019, sales fell.", "Sales fell in 2019."),
        ("en", "The fee is two hundred and fifty thousand dollars.", "The fee is $250k."),
        ("en", "Between 5 and 7 kg of salt were lost.", "Between 5,000 and 7,000 g of salt were lost."),
        ("en", "The cafe hasn't reopened.", "The cafe has not reopened."),
        ("en", "Profits rose by 3 per cent in Q1 2024.", "Profits rose by 3% in the first quarter of 2024."),
        ("en", "The bill was paid by two sponsors.", "Two sponsors paid the bill."),
        ("en-GB", "The tram stops here.", "The tram stops here"),
        ("de", "Der Preis stieg auf 1.234,50 Euro.", "Der Preis stieg auf 1234,50 \u20ac."),
        ("fr", "Le budget est de 3 millions d'euros.", "Le budget est de 3 millions d\u2019euros."),
        ("ar", "\u0627\u0644\u0639\u0645\u0627\u0644 \u0661\u0662.", "\u0627\u0644\u0639\u0645\u0627\u0644 12"),
        (None, "Der Preis.", "der preis"),
    ],
)  # fmt: skip
def test_one_statement_in_two_ways_of_writing(language: str | None, one: str, other: str) -> None:
    assert key(one, language) == key(other, language)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "The price was reduced by half.", "Half reduced the price."),
        ("en", "The shop was painted by May.", "May painted the shop."),
        ("en", "A few trains ran.", "Few trains ran."),
        ("en", "A number of trains ran late.", "The number of trains ran late."),
        ("en", "Users want new doors and windows.", "Users want windows and new doors."),
        ("en", "Rust and frost, respectively, were found.", "Frost and rust, respectively, were found."),
        ("en", f"The key weighs {'1' * 40} kg.", f"The key weighs {'1' * 39}2 kg."),
        ("en", "Files in C# were lost.", "Files in C were lost."),
        ("en", "The plant is closed.", "Is the plant closed?"),
        ("en", "The board cuts the budget.", "The board cut the budget."),
        ("en", "The court did not rule on 5 claims.", "The court ruled on 5 claims."),
        ("en", "The bridge is 5.0 m wide.", "The bridge is 50 m wide."),
        ("de", "Der Preis betr\u00e4gt 1,500 kg.", "Der Preis betr\u00e4gt 1500 kg."),
        (None, "The value is 1,500.", "The value is 1500."),
    ],
)
def test_two_statements_that_look_alike(language: str | None, one: str, other: str) -> None:
    assert key(one, language) != key(other, language)


def test_a_key_belongs_to_its_workspace_language_and_question() -> None:
    scopes = [
        ("ws_default", "en", None), ("ws_other", "en", None), ("ws_default", "de", None), ("ws_default", None, None),
        ("ws_default", "en", "Is it insured?"), ("ws_default", "en", "Is it heated?"), ("ws_default", "en", ""),
        ("ws_defaulten", "", None),
    ]  # fmt: skip
    made = [keys(*scope, "Yes.") for scope in scopes]
    assert all(made)
    for kind in ("exact", "masked"):
        assert len({getattr(one, kind) for one in made}) == len(scopes)
    asked = [keys("ws", "en", question, "Yes.") for question in ("Is it insured?", " is it  INSURED")]
    assert asked[0] is not None
    assert asked[1] is not None
    assert asked[0].exact == asked[1].exact


def test_a_key_knows_its_version_and_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key("The dam leaks.")
    assert version_of(before) == keys_module.VERSION
    assert re.fullmatch(r"\d+\.[0-9a-f]{32}", before)
    monkeypatch.setattr(keys_module, "VERSION", keys_module.VERSION + 1)
    assert version_of(key("The dam leaks.")) == version_of(before) + 1


@pytest.mark.parametrize("statement", ["", " ", "...", "\u201c\u201d", "the"])
def test_a_statement_without_words_has_no_key(statement: str) -> None:
    assert keys("ws", "en", None, statement) is None


SUBJECTS = ("the inspector", "a tenant", "Northwind", "the EU", "nurses", "the new bridge", "Dr. Meyer", "every user")
VERBS = ("rejected", "supports", "will close", "has repaired", "may cover", "wants", "is testing")
OBJECTS = ("the weld", "bread and soup", "the A7 tunnel", "two pumps", "a long-term plan", "costs")
ENDS = ("", "in March 2024", "by 12,500 euros", "at 7 a.m.", "after 90 minutes", "in Oslo", "with 25 % less dust")
STATEMENTS = st.builds(
    lambda *parts: " ".join(filter(None, parts)) + ".",
    *(st.sampled_from(words) for words in (SUBJECTS, VERBS, OBJECTS, ENDS)),
) | st.sampled_from([row[side] for row in PAIRS if row["lang"] == "en" for side in "ab"])  # fmt: skip

VARIANTS = {
    "quotation marks": lambda text: text.replace("'", "\u2019"),
    "no full stop": lambda text: text.removesuffix("."),
    "two spaces": lambda text: text.replace(" ", "  "),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "soft hyphens": lambda text: re.sub(r"(?<=[a-z]{3})(?=[a-z]{3})", "\u00ad", text),
    "hyphens": lambda text: re.sub(r"(?<=[a-z])-(?=[a-z])", "\u2010", text),
    "emphasis": lambda text: re.sub(r"\b(the|a) (\w+)", r"\1 **\2**", text),
    "full width digits": lambda text: re.sub(r"[0-9]", lambda m: chr(ord(m[0]) + 0xFEE0), text),
    "first letter": lambda text: text[:1].upper() + text[1:],
    "white space around": lambda text: f"\n {text}\t",
}


@example("The data are incomplete.", ["soft hyphens"])
@given(STATEMENTS, st.lists(st.sampled_from(sorted(VARIANTS)), min_size=1, max_size=3))
@settings(max_examples=150)
def test_typography_changes_no_key(statement: str, names: list[str]) -> None:
    written = statement
    for name in names:
        written = VARIANTS[name](written)
    assert canonical(written, "en").words == canonical(statement, "en").words
    assert (key(written), masked(written)) == (key(statement), masked(statement))


@given(STATEMENTS, st.data())
@settings(max_examples=150)
def test_any_changed_digit_changes_the_key(statement: str, data: st.DataObject) -> None:
    places = [at for at, c in enumerate(statement) if c.isdigit()]
    assume(places)
    at = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from([d for d in "123456789" if d != statement[at]]))
    assert key(statement[:at] + digit + statement[at + 1 :]) != key(statement)


@given(STATEMENTS, st.data())
@settings(max_examples=150)
def test_any_inserted_negation_changes_the_key(statement: str, data: st.DataObject) -> None:
    gaps = [m.end() for m in re.finditer(r"(?<=\w) (?=\w)", statement)]
    at = data.draw(st.sampled_from(gaps))
    word = data.draw(st.sampled_from(["not", "never", "no"]))
    assert key(f"{statement[:at]}{word} {statement[at:]}") != key(statement)


NAMES = ("Alpha", "Boreal", "Cetus", "Doric", "Ems")


@given(
    st.permutations(NAMES),
    st.sampled_from(["{} sued {}.", "{} was bought by {}.", "{} lent {} money.", "{} is larger than {}."]),
)
@settings(max_examples=60)
def test_who_did_what_to_whom_stays(names: list[str], frame: str) -> None:
    assert key(frame.format(names[0], names[1])) != key(frame.format(names[1], names[0]))
    assert key(frame.format(names[0], names[1])) != key(frame.format(names[0], names[2]))
    assert masked(frame.format(names[0], names[1])) != masked(frame.format(names[1], names[0]))


@given(st.text(max_size=60) | STATEMENTS, st.sampled_from(["en", "de", "fr", "ja", "ar", "xx", None]))
@settings(max_examples=300)
def test_any_text_has_keys_and_every_word_its_place(statement: str, language: str | None) -> None:
    form = canonical(statement, language)
    assert all(0 <= token.start < token.end <= len(statement) for token in form.tokens)
    made = keys("ws", language, None, statement)
    again = keys("ws", language, None, statement)
    assert made == again
    assert isinstance(made, Keys) == bool(form.words)


def test_the_bench_says_what_merged_and_which_conflicts_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    bench.report(Path(__file__).with_name("pairs.jsonl"))
    printed = capsys.readouterr().out
    contradictions = sum(row["label"] == "contradict" for row in PAIRS)
    assert f"contradictions merged 0 of {contradictions}" in printed
    assert "merged precision 1.000" in printed
    assert "conflicts precision 1.000" in printed
    assert "statements per CPU second" in printed
