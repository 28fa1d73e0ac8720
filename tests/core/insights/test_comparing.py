"""Pairs are proposed from four sources, once, and never in the way of ingest."""

import threading
from typing import Any

import pytest

from core.insight_base import counts, traces, writing
from core.insight_base.writing import Finding, Source
from core.insights import candidates, comparing, merging
from core.insights.comparing import compare_some
from core.runtime import db, workspace
from core.upkeep import tick
from tests.pipeline import PATIENCE_S, add_document, change, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")
TEXT = "The northern plant lost eleven percent of its output in March because two pumps failed. Repairs took nine days."
PUMPS = "The northern plant lost eleven percent of its output in March because two pumps failed."


def say(statement: str, document: str, quote: str = "", question: str | None = None, response: int = 1) -> str:
    with db.transaction(everywhere=True) as session:
        found = Finding(statement, (quote,) if quote else (), {}, question)
        writing.write(session, [(Source(document, response, "key_points"), found)])
    return str(rows("SELECT id FROM insight WHERE statement = :s ORDER BY id DESC LIMIT 1", s=statement)[0]["id"])


def compare() -> None:
    while compare_some():
        pass


def pairs(columns: str = "first, second, kind, found_by") -> list[dict[str, Any]]:
    return rows(f"SELECT {columns} FROM pair ORDER BY first, second")


def test_overlapping_spans_of_one_document() -> None:
    document = add_document(TEXT)
    one = say("Output fell.", document, PUMPS)
    other = say(
        "A tenth less was made.", document, "lost eleven percent of its output in March because two pumps failed"
    )
    say("Repairs were quick.", document, "Repairs took nine days.")
    compare()
    assert pairs() == [{"first": one, "second": other, "kind": "merge", "found_by": "span"}]


def test_equal_quotes_in_other_documents_but_none_that_is_empty_or_too_short() -> None:
    here, there = add_document(TEXT), add_document(TEXT + " It did.", "other.txt")
    one = say("Output fell.", here, PUMPS)
    other = say("A tenth less was made.", there, PUMPS)
    for statement, document in (("Anna left.", here), ("Bernd stayed.", there)):
        say(statement, document)
        say(statement, document, "nine")
        say(statement, document, "This quote stands nowhere in any document at all.")
    compare()
    assert pairs() == [{"first": one, "second": other, "kind": "merge", "found_by": "quote"}]


def test_shared_rare_words_and_nothing_between_what_merely_resembles() -> None:
    (document,) = ready_documents(1)
    one = say("The turbine manifold cracked at the weld.", document)
    other = say("At its weld the manifold of the turbine has cracked.", document)
    for statement in ("Anna moved to Oslo.", "Seven bridges were painted green.", "The harvest starts late this year."):
        say(statement, document)
    compare()
    assert pairs() == [{"first": one, "second": other, "kind": "merge", "found_by": "words"}]
    assert rows("SELECT score FROM pair")[0]["score"] > 0.9


def test_conflicts_halve_both_sides_and_dates_alone_are_no_conflict() -> None:
    here, there = ready_documents(2)
    one = say("The pump costs 300 euros.", here, f"{here} was replaced.")
    other = say("The pump costs 500 euros.", there, f"{there} was replaced.")
    say("Sales were 5 million in 2020.", here, "It works again.")
    say("Sales were 5 million in 2021.", there, "replaced. It works again.")
    compare()
    kinds = {(row["first"], row["second"]): row["kind"] for row in pairs()}
    assert kinds[one, other] == "conflict"
    assert sorted(kinds.values()) == ["conflict", "over_time"]
    found = rows("SELECT statement, open_conflicts, confidence FROM insight ORDER BY id")
    assert [(row["open_conflicts"], row["confidence"]) for row in found] == [(1, 0.25), (1, 0.25), (0, 0.5), (0, 0.5)]


def test_a_mere_difference_of_shape_is_a_candidate_to_merge() -> None:
    (document,) = ready_documents(1)
    say("Some pumps are safe.", document)
    say("Some pumps are not safe.", document)
    compare()
    assert [(row["kind"], row["found_by"]) for row in pairs()] == [("merge", "shape")]


def test_answers_to_different_questions_are_never_paired() -> None:
    document = add_document(TEXT)
    one = say("Yes, the turbine manifold cracked.", document, PUMPS, "Did it crack?")
    say("Yes, the turbine manifold has cracked badly.", document, PUMPS, "Is it cracked?")
    say("The turbine manifold cracked, yes.", document, PUMPS)
    compare()
    assert pairs() == []
    other = say("Yes: cracked was the turbine manifold.", document, PUMPS, "did  it CRACK")
    compare()
    assert [(row["first"], row["second"]) for row in pairs()] == [(one, other)]


def test_nothing_is_paired_with_another_workspace() -> None:
    here, there = add_document(TEXT), add_document(TEXT + " It did.", "other.txt")
    change("INSERT INTO workspace (id, name) VALUES ('ws_other', 'other')")
    change("UPDATE document SET workspace_id = 'ws_other' WHERE id = :id", id=there)
    say("The turbine manifold cracked in 3 places.", here, PUMPS)
    say("The turbine manifold cracked in 4 places.", there, PUMPS)
    say("The manifold of the turbine is cracked.", there, PUMPS)
    compare()
    found = pairs("workspace_id")
    counted = rows("SELECT workspace_id, statements FROM statement_word WHERE word = 'manifold' ORDER BY 1")
    change("UPDATE document SET workspace_id = 'ws_default'")
    change("DELETE FROM workspace WHERE id = 'ws_other'")
    assert found == [{"workspace_id": "ws_other"}]
    assert [tuple(row.values()) for row in counted] == [("ws_default", 1), ("ws_other", 2)]


def test_a_settled_pair_never_returns_and_neither_does_its_mirror() -> None:
    here, there = ready_documents(2)
    one = say("The turbine manifold cracked at the weld.", here)
    other = say("At its weld the manifold of the turbine has cracked.", there)
    compare()
    change("UPDATE pair SET state = 'settled', verdict = 'different', settled_at = now()")
    before = pairs("id, first, second, state")
    change("UPDATE insight SET compared = false")
    compare()
    assert pairs("id, first, second, state") == before
    # Nor does it between what they went into.
    third = say("Cracked at the weld: the turbine manifold.", here)
    merging.merge(third, [other], force=True)
    change("UPDATE insight SET compared = false")
    compare()
    assert pairs("id, first, second, state") == before
    assert one in (before[0]["first"], before[0]["second"])


def test_candidates_are_heads_and_none_is_of_the_same_head() -> None:
    here, there = ready_documents(2)
    head = say("Quite another wording of it.", here)
    member = say("The turbine manifold cracked at the weld.", there)
    merging.merge(head, [member], force=True)
    change("UPDATE insight SET head_id = NULL WHERE id = :id", id=member)
    compare()
    change("UPDATE insight SET head_id = :head WHERE id = :id", id=member, head=head)
    new = say("At its weld the manifold of the turbine has cracked.", here)
    compare()
    assert [(row["first"], row["second"]) for row in pairs()] == [(head, new)]


def test_a_conflict_is_with_the_very_wording_and_counts_for_its_head() -> None:
    here, there = ready_documents(2)
    head = say("It is cheap.", here)
    member = say("The pump costs 300 euros.", there)
    compare()
    merging.merge(head, [member], force=True)
    new = say("The pump costs 500 euros.", here)
    compare()
    assert pairs() == [{"first": member, "second": new, "kind": "conflict", "found_by": "shape"}]
    assert rows("SELECT open_conflicts FROM insight WHERE id = :id", id=head) == [{"open_conflicts": 1}]
    merging.unmerge(insight_id=member)
    assert rows("SELECT open_conflicts FROM insight WHERE id = :id", id=head) == [{"open_conflicts": 0}]
    assert rows("SELECT open_conflicts FROM insight WHERE id = :id", id=member) == [{"open_conflicts": 1}]


def test_of_many_the_best_are_proposed() -> None:
    (document,) = ready_documents(1)
    for number in range(comparing.MOST_PAIRS + 5):
        say(f"The turbine manifold cracked near zone{chr(97 + number)}.", document)
    change("UPDATE insight SET compared = false")
    compare()
    change("DELETE FROM pair")
    last = say("The turbine manifold cracked near zonea, zoneb.", document)
    compare()
    found = pairs("first, second, score")
    assert len(found) == comparing.MOST_PAIRS
    assert {row["second"] for row in found} == {last}
    with db.transaction() as session:
        every = candidates.of(session, workspace.DEFAULT, [last], 100)[last]
    assert min(row["score"] for row in found) >= max(one.score for one in every[comparing.MOST_PAIRS :])


def test_a_dismissed_statement_is_compared_too() -> None:
    (document,) = ready_documents(1)
    dismissed = say("The turbine manifold cracked at the weld.", document)
    change("UPDATE insight SET state = 'dismissed'")
    new = say("At its weld the manifold of the turbine has cracked.", document)
    compare()
    assert [(row["first"], row["second"]) for row in pairs()] == [(dismissed, new)]


def test_two_that_are_compared_at_once_find_one_another() -> None:
    (document,) = ready_documents(1)
    for number in range(8):
        say(f"The turbine manifold cracked near zone{number} at once.", document)
    expected = 8 * 7 // 2
    together = threading.Barrier(2)

    def work() -> None:
        together.wait(PATIENCE_S)
        compare()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE_S)
    compare()
    found = pairs("first, second")
    assert len(found) == expected == len({(row["first"], row["second"]) for row in found})
    assert rows("SELECT statements FROM statement_word WHERE word = 'manifold'") == [{"statements": 8}]


def test_ingest_does_not_wait_for_comparing() -> None:
    here, there = ready_documents(2)
    statements = ("The pump costs 300 euros.", "The pump costs 500 euros.", "The price of the pump is 300 euros.")
    for statement in statements:
        say(statement, here)
    with db.transaction() as session:
        traces.give(session, 10)
    with db.transaction() as session:
        step = comparing.propose(session)
        assert len(step.claimed) == len(step.done) == 3
        assert rows("SELECT 1 FROM pair") == []
        # Pairs are written and not committed: the same statements come again meanwhile, and so does a recount.
        with db.transaction() as ingest:
            db.bound_lock_waits(ingest, 1)
            found = [(Source(there, 2, "key_points"), Finding(s, ("It works again.",), {})) for s in statements]
            writing.write(ingest, found)
        # Another worker is not given them.
        assert compare_some() == 0
    assert [row["support"] for row in rows("SELECT support FROM insight")] == [1, 1, 1]
    compare()
    assert rows("SELECT DISTINCT compared FROM insight") == [{"compared": True}]


def test_what_is_being_deleted_is_compared_later() -> None:
    here, there = ready_documents(2)
    one = say("The turbine manifold cracked at the weld.", here)
    compare()
    other = say("At its weld the manifold of the turbine has cracked.", there)
    with db.transaction() as session:
        db.rows(session, "SELECT 1 FROM insight WHERE id = :id FOR UPDATE", id=one)
        compare_some()
        assert pairs() == []
    assert rows("SELECT compared FROM insight WHERE id = :id", id=other) == [{"compared": False}]
    compare()
    assert [(row["first"], row["second"]) for row in pairs()] == [(one, other)]


def test_words_are_counted_and_counted_down() -> None:
    one, other = ready_documents(2)
    first = say("The turbine manifold cracked.", one)
    say("The manifold leaks 3 litres.", other)
    compare()
    counted = "SELECT word, statements FROM statement_word WHERE word IN ('', 'manifold', 'turbin') ORDER BY word"
    before = [{"word": "", "statements": 2}, {"word": "manifold", "statements": 2}, {"word": "turbin", "statements": 1}]
    assert rows(counted) == before
    with db.transaction() as session:
        db.execute(session, "DELETE FROM evidence WHERE insight_id = :id", id=first)
        assert counts.recount(session, [first]) == 1
    assert rows(counted) == [{"word": "", "statements": 1}, {"word": "manifold", "statements": 1}]
    assert len(rows("SELECT 1 FROM statement_traces")) == 1


def test_a_statement_without_traces_and_a_word_without_end_are_compared() -> None:
    (document,) = ready_documents(1)
    say("It is.", document)
    say("It is " + "x" * 5_000 + ".", document)
    say(" ".join(f"word{n}" for n in range(300)), document)
    compare()
    assert rows("SELECT DISTINCT compared FROM insight") == [{"compared": True}]


def test_the_scheduler_defers_it_while_there_is_something_to_compare() -> None:
    (document,) = ready_documents(1)
    say("The turbine manifold cracked.", document)
    change("DELETE FROM procrastinate_jobs")
    deferred = "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'compare_insights'"
    with db.transaction() as session:
        tick.nudge(session)
    assert len(rows(deferred)) == 1
    compare()
    change("DELETE FROM procrastinate_jobs")
    with db.transaction() as session:
        tick.nudge(session)
    assert rows(deferred) == []
