"""What stands beside an insight, the documents behind it, and the tags that people use."""

import pytest

from core.insights import evidence_report, history, life, merging, relations, report
from core.insights.life import Change
from core.insights.report import Filters
from core.runtime import workspace
from tests.pages import made
from tests.pipeline import TEXT, add_document, change

pytestmark = pytest.mark.usefixtures("database")
QUOTE = "Repairs took nine days and cost 48,000 euros."


def insights(*statements: str, documents: list[str] | None = None) -> list[str]:
    return made.insights(*statements, documents=documents or [add_document()], quote=QUOTE)


def test_what_an_insight_is_paired_with_is_told_once_for_each_head() -> None:
    one, other, third, merged = insights("Nine days.", "Ten days.", "Eleven days.", "About ten days.")
    made.pair(one, other)
    made.pair(one, merged, "merge")
    made.pair(third, one, "merge", "different")
    merging.merge(other, [merged], force=True)
    life.change(third, Change(state="dismissed"))
    found = relations.of_insight(one)
    assert [(each.other, each.kind, each.verdict) for each in found] == [
        (other, "conflict", None),
        (third, "merge", "different"),
    ]
    assert [(each.is_conflict, each.other_dismissed, each.resembles_dismissed) for each in found] == [
        (True, False, False),
        (False, True, False),
    ]
    assert [(each.own, each.theirs) for each in found] == [(one, other), (one, third)]
    # Seen from the head, what was merged into it counts; a pair within one tree does not.
    assert [each.other for each in relations.of_insight(other)] == [one]
    merging.merge(other, [one], force=True)
    assert [each.other for each in relations.of_insight(other)] == [third]


def test_what_is_settled_as_something_else_is_no_conflict() -> None:
    one, other = insights("Nine days.", "Ten days.")
    made.pair(one, other, "conflict", "different")
    assert [each.is_conflict for each in relations.of_insight(one)] == [False]


def test_pairs_of_another_workspace_are_not_told() -> None:
    one, other = insights("Nine days.", "Ten days.")
    made.pair(one, other)
    with workspace.bound("ws_other"):
        assert relations.of_insight(one) == []
        assert evidence_report.sources(one) == []


def test_sources_say_which_documents_count() -> None:
    other = "The harbour was closed for the winter, and the ferries stayed away until April."
    documents = [add_document(), add_document(f"{TEXT} Signed.", "copy.txt"), add_document(other, "c.txt")]
    (insight,) = insights("Repairs took nine days.", documents=documents)
    found = evidence_report.sources(insight)
    assert [(one.name, one.quotes, one.supported, one.repeats) for one in found] == [
        ("report.txt", 1, 1, False),
        ("copy.txt", 1, 1, True),
        ("c.txt", 1, 0, False),
    ]
    assert evidence_report.sources(insight, most=1) == found[:1]
    change(
        "INSERT INTO sighting (evidence_id, response_id) SELECT id, 77 FROM evidence WHERE document_id = :document",
        document=documents[0],
    )
    assert [one.answers for one in evidence_report.sources(insight)] == [2, 1, 1]


def test_tags_that_were_given_of_late_are_known() -> None:
    (insight,) = insights("Nine days.")
    assert history.lately_given_tags() == []
    life.change(insight, Change(tags=["b", "a"]))
    life.change(insight, Change(tags=[], pinned=True))
    assert history.lately_given_tags() == ["a", "b"]


def test_a_filter_takes_any_of_several_states() -> None:
    new, confirmed, dismissed = insights("Nine days.", "Ten days.", "Eleven days.")
    life.change(confirmed, Change(state="confirmed"))
    life.change(dismissed, Change(state="dismissed"))
    assert {row.id for row in report.find(Filters(state=("new", "confirmed"))).items} == {new, confirmed}
    assert [row.id for row in report.find(Filters(state="dismissed")).items] == [dismissed]
    assert report.count(Filters(state=())).count == 0
