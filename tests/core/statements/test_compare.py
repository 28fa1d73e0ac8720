"""Two statements side by side: conflict, over time, what differs, and why a merge is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.statements.canonical import canonical
from core.statements.compare import Relation, relation
from core.statements.differences import Reason, differences, refuses

PAIRS: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("pairs.jsonl").read_text(encoding="utf-8").splitlines()
]


def compared(one: str, other: str, language: str = "en") -> Relation | None:
    return relation(canonical(one, language), canonical(other, language))


@pytest.mark.parametrize("row", [row for row in PAIRS if row["label"] != "same"], ids=lambda row: row["id"])
def test_a_conflict_is_shown_where_both_cannot_be_true(row: dict[str, Any]) -> None:
    found = compared(row["a"], row["b"], row["lang"])
    # Names and roles are not masked: most statements that differ in them are no conflict.
    shown = row["label"] == "contradict" and "missed" not in row
    assert (found == "conflict") == shown
    assert found == compared(row["b"], row["a"], row["lang"])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("The 2020 survey had 400 responses.", "The 2021 survey had 650 responses.", "over_time"),
        ("Rents rose in 2018.", "Rents fell in 2020.", "over_time"),
        ("Exports grew in March.", "Exports grew in May.", "over_time"),
        ("The mine closed in 1990 with 80 workers.", "The mine closed in 1991 with 80 workers.", "over_time"),
        ("The firm was founded in 1990.", "The firm was founded in 1991.", "conflict"),
        ("The permit is valid until May 2026.", "The permit is valid until June 2026.", "conflict"),
        ("About 800 people came.", "About 820 people came.", None),
        ("About 800 people came.", "About 8,000 people came.", "conflict"),
        ("More than 10 firms bid.", "Fewer than 8 firms bid.", "conflict"),
        ("More than 10 firms bid.", "Fewer than 12 firms bid.", None),
        ("Loads must be at least 5 kg.", "Loads must be at least 7 kg.", "conflict"),
        ("The door is safe.", "The door is not dangerous.", None),
        ("The door is not safe.", "The door is dangerous.", None),
        ("Some staff were paid.", "Some staff were not paid.", None),
        ("The dam might fail.", "The dam might not fail.", None),
        ("The pool opens at 7 a.m.", "The pool closes at 7 a.m.", None),
        ("The director resigned.", "The directors resigned.", None),
        ("The pump failed to start.", "The pump started.", "conflict"),
        ("Staff may leave early.", "Staff must not leave early.", "conflict"),
        ("The bank leaks.", "The bank leaks.", "same"),
        ("BWV 565 was lost.", "BWV 566 was lost.", None),
        ("Cold rooms are cheap.", "Warm rooms are cheap.", None),
        ("The rooms are cold.", "The rooms are warm.", "conflict"),
        ("The lowest bid was 5 euros.", "The highest bid was 5 euros.", None),
    ],
)
def test_what_two_statements_are_to_one_another(one: str, other: str, expected: Relation | None) -> None:
    assert compared(one, other) == expected
    assert compared(other, one) == expected


@pytest.mark.parametrize(
    ("one", "other", "reasons"),
    [
        ("Two guards were hurt.", "Guards were injured, 2 of them.", ()),
        ("The ship carries 20 cars.", "Twenty-one cars fit on the ship.", ("figures",)),
        ("The rod is 5 mm thick.", "The rod has 5 cm across.", ("units",)),
        ("It costs 5 euros.", "Its price is 5 dollars.", ("units",)),
        ("The vote was held on 3 May 2020.", "People voted on 4 May 2020.", ("dates",)),
        ("Oslo pays.", "Bergen pays.", ("names",)),
        ("Ibuprofen was well tolerated.", "People tolerated naproxen well.", ("names",)),
        ("Staff like Oslo most.", "Staff prefer Bergen.", ("names",)),
        ("The door was locked.", "Nobody had left the door unlocked.", ("negation",)),
        ("Nobody paid.", "Someone paid.", ("negation",)),
        ("Turnover rose.", "Turnover fell.", ("negation",)),
        ("The EU pays.", "It is paid by the European Union.", ()),
        ("In 2020 Oslo had 5 trams.", "Bergen never had 6 trams in 2021.", ("figures", "dates", "names", "negation")),
        ("The fan failed because of dust.", "Dust led to the failure of the fan.", ()),
    ],
)
def test_why_a_merge_by_hand_is_refused(one: str, other: str, reasons: tuple[Reason, ...]) -> None:
    a, b = canonical(one, "en"), canonical(other, "en")
    assert set(refuses(a, b)) == set(reasons)
    assert set(refuses(b, a)) == set(reasons)


def test_nothing_is_refused_for_statements_of_one_key() -> None:
    for row in PAIRS:
        a, b = canonical(row["a"], row["lang"]), canonical(row["b"], row["lang"])
        if a.words == b.words:
            assert refuses(a, b) == (), row["id"]
            assert differences(a, b) == (), row["id"]


@pytest.mark.parametrize(
    ("one", "other", "marked"),
    [
        ("Sales rose by 5 % in 2020.", "Sales fell by 7% in 2021.",
         [("direction", "rose", "fell"), ("figure", "5 %", "7%"), ("date", "2020", "2021")]),
        ("The rod is 5 mm long.", "The rod is 5 cm long.", [("unit", "5 mm", "5 cm")]),
        ("The lease was signed.", "The lease wasn't signed.", [("negation", "", "wasn't")]),
        ("The Oslo office closed.", "The Bergen office closed.", [("name", "Oslo", "Bergen")]),
        ("The plant will close.", "The plant might close.", [("hedge", "will", "might")]),
        ("The roof is red.", "The roof is leaky.", [("word", "red", "leaky")]),
    ],
)  # fmt: skip
def test_the_words_that_differ_are_marked(one: str, other: str, marked: list[tuple[str, str, str]]) -> None:
    found = differences(canonical(one, "en"), canonical(other, "en"))
    assert [(d.kind, d.a, d.b) for d in found] == marked
    for difference in found:
        assert " ".join(one[start:end] for start, end in difference.a_spans) == difference.a
        assert " ".join(other[start:end] for start, end in difference.b_spans) == difference.b


def test_words_in_another_order_are_told_as_order() -> None:
    found = differences(canonical("Alpha sued Beta.", "en"), canonical("Beta sued Alpha.", "en"))
    assert {difference.kind for difference in found} == {"order"}
