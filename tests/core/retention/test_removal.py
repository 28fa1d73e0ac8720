"""What is kept no longer goes as if a person had deleted it, and only that."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.documents import deletion as documents_deletion
from core.errors import InvalidInput, NotFound, Unavailable
from core.jobs import deletion as jobs_deletion
from core.requests import expansion
from core.retention import removal, report, rules
from core.retention.rules import Kind, RetentionRule
from core.runtime import db
from core.settings import store
from tests import databases
from tests.local_provider import LocalProvider
from tests.pipeline import PATIENCE_S, TEXT, add_document, make_job, ready_documents, rows, run_job, states, until_now

pytestmark = pytest.mark.usefixtures("database")
MODEL = "gpt-5-mini"
# Of what a document's text was made into; usage records are not among them.
MADE_OF_TEXT = ("document", "document_text", "blob", "blob_chunk", "request_body", "response", "evidence", "insight")


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def keep(kind: Kind, days: int, *excepted: str) -> None:
    rules.change(kind, RetentionRule(days, excepted))


def left(*tables: str) -> dict[str, int]:
    counted = {table: rows(f"SELECT count(*)::int AS n FROM {table}")[0]["n"] for table in tables or MADE_OF_TEXT}
    return {table: number for table, number in counted.items() if number}


def audit() -> list[dict[str, Any]]:
    found = (
        "SELECT action, subject, after - 'run' AS after FROM audit_entry WHERE subject LIKE 'retention:%' ORDER BY id"
    )
    return rows(found)


def points(document: str, **spec: Any) -> str:
    made = make_job([document], params={"count": 2}, **spec)
    run_job(made)
    return made


def test_everything_is_kept_for_ever_unless_something_else_is_set() -> None:
    points(add_document())
    before = left()
    removal.run(later(4000))
    assert left() == before
    assert left("job") == {"job": 1}
    assert (rules.rule("documents"), rules.document_ends(later(0), "default")) == (None, None)


def test_a_document_goes_with_all_that_was_made_of_it_when_its_time_is_over() -> None:
    points(add_document())
    keep("documents", 30)
    before = left()
    removal.run(later(29.9))
    assert left() == before
    removal.run(later(30.1))
    assert left() == {}
    assert left("usage_record", "job") == {"usage_record": 1, "job": 1}
    size = len(TEXT.encode())
    (entry,) = audit()
    assert (entry["action"], entry["subject"]) == ("retention.run", "retention:documents")
    assert entry["after"] == {
        "days": 30,
        "documents": 1,
        "size_bytes": size,
        "responses": 1,
        "evidence": 2,
        "insights": 2,
    }
    removal.run(later(30.1))
    assert len(audit()) == 1


def test_what_several_documents_support_is_recounted() -> None:
    old = add_document(f"{TEXT} One.", "one.txt")
    with db.transaction() as session:
        db.execute(session, "UPDATE document SET created_at = now() - interval '40 days'")
    new = add_document(f"{TEXT} Two.", "two.txt")
    for document in (old, new):
        points(document)
    assert {row["documents"] for row in rows("SELECT documents FROM insight")} == {2}
    keep("documents", 30)
    removal.run(later(0.1))
    assert rows("SELECT id FROM document") == [{"id": new}]
    assert {row["documents"] for row in rows("SELECT documents FROM insight")} == {1}
    assert audit()[0]["after"]["insights"] == 0


def test_an_excepted_collection_is_kept() -> None:
    add_document(collection="samples")
    add_document(collection="others")
    keep("documents", 1, "samples")
    assert report.preview("documents", RetentionRule(1, ("samples",)), later(2)).number == 1
    removal.run(later(2))
    (kept,) = rows("SELECT c.name FROM document d JOIN collection c ON c.id = d.collection_id")
    assert kept["name"] == "samples"
    # The same bytes stand in both: they stay with the one that is left, and none are counted as removed.
    assert audit()[0]["after"]["size_bytes"] == 0
    assert left("blob") == {"blob": 1}
    assert rules.document_ends(later(0), "samples") is None


def test_an_answer_that_two_documents_share_goes_with_the_last_of_them(openai: LocalProvider) -> None:
    one, other = add_document(collection="one"), add_document(collection="other")
    for document in (one, other):
        points(document, provider="openai", model=MODEL)
    assert len(openai.asked) == 1
    with db.transaction() as session:
        db.execute(session, "UPDATE document SET created_at = now() - interval '10 days' WHERE id = :id", id=one)
    keep("documents", 5)
    removal.run(later(0.1))
    assert left("document", "response") == {"document": 1, "response": 1}
    removal.run(later(6))
    assert left() == {}


def test_an_answer_whose_job_went_first_goes_with_its_document() -> None:
    job = points(add_document())
    jobs_deletion.delete(job)
    assert left("response", "evidence") == {"response": 1, "evidence": 2}
    keep("documents", 5)
    removal.run(later(6))
    assert left() == {}


def test_an_answer_stays_that_evidence_of_another_document_stands_on() -> None:
    one, other = add_document(collection="one"), add_document(collection="other")
    points(one)
    jobs_deletion.delete(points(other))
    documents_deletion.delete(one)
    assert left("response", "evidence") == {"response": 1, "evidence": 2}
    documents_deletion.delete(other)
    assert left() == {}


def test_an_answer_that_two_jobs_share_goes_with_the_last_of_them() -> None:
    document = add_document()
    first, second = (make_job([document], "summarize") for _ in range(2))
    for job in (first, second):
        run_job(job)
    assert left("response") == {"response": 1}
    jobs_deletion.delete(first)
    assert left("response") == {"response": 1}
    assert jobs_deletion.removal(second).responses == 1
    jobs_deletion.delete(second)
    assert left("response") == {}


def test_what_is_being_asked_is_cancelled_with_its_document() -> None:
    ready_documents(3)
    job = make_job([row["id"] for row in rows("SELECT id FROM document")], "summarize")
    expansion.expand_job(job)
    assert states(job) == {"pending": 3}
    assert report.preview("documents", RetentionRule(1), later(2)).busy == 3
    keep("documents", 1)
    removal.run(later(2))
    assert states(job) == {"cancelled": 3}
    run_job(job)
    assert rows("SELECT state FROM job") == [{"state": "completed"}]


def test_ended_jobs_go_and_those_at_work_and_drafts_stay() -> None:
    document = add_document()
    ended = points(document)
    made = make_job([document], "summarize")
    with db.transaction() as session:
        db.execute(session, "UPDATE job SET state = 'draft' WHERE id = :job", job=made)
    waiting = make_job([document], "questions")
    with db.transaction() as session:
        db.execute(session, "UPDATE job SET finished_at = now() WHERE id = :job", job=waiting)
    keep("jobs", 7)
    assert report.preview("jobs", RetentionRule(7), later(8)).number == 1
    removal.run(later(6.9))
    assert left("job") == {"job": 3}
    removal.run(later(7.1))
    assert {row["id"] for row in rows("SELECT id FROM job")} == {made, waiting}
    # What it found and what it cost stay.
    assert left("insight", "usage_record", "document") == {"insight": 2, "usage_record": 1, "document": 1}
    assert audit()[0]["after"] == {"days": 7, "jobs": 1, "requests": 1, "responses": 0, "provider_batches": 0}
    assert rows("SELECT 1 FROM request WHERE job_id = :job", job=ended) == []


def test_what_somebody_holds_is_left_for_the_next_run() -> None:
    first, second = ready_documents(2)
    keep("documents", 1)
    with db.transaction() as session:
        db.execute(session, "SELECT 1 FROM document WHERE id = :id FOR KEY SHARE", id=first)
        removal.run(later(2))
        assert rows("SELECT id FROM document") == [{"id": first}]
    removal.run(later(2))
    assert left("document") == {}
    assert [entry["after"]["documents"] for entry in audit()] == [1, 1]
    assert second


def test_blocks_of_a_run_are_told_as_one() -> None:
    ready_documents(120)
    keep("documents", 1)
    removal.run(later(2))
    assert [entry["after"]["documents"] for entry in audit()] == [50, 50, 20]
    (told,) = report.runs()
    assert (told.kind, told.counts["documents"], told.counts["days"]) == ("documents", 120, 1)


def test_two_runs_at_once_remove_and_count_each_document_once() -> None:
    ready_documents(300)
    keep("documents", 1)
    with ThreadPoolExecutor(2) as both:
        list(both.map(removal.run, [later(2)] * 2))
    assert left("document") == {}
    assert sum(entry["after"]["documents"] for entry in audit()) == 300


def test_a_block_that_fails_removes_and_tells_nothing(database: str) -> None:
    ready_documents(60)
    keep("documents", 1)
    (last,) = rows("SELECT max(id) AS id FROM document")
    with databases.as_owner() as connection:
        # The second block meets a document that cannot go.
        connection.execute(
            f"""CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN
                 RAISE EXCEPTION 'gone' USING ERRCODE = '57P01'; END $$ LANGUAGE plpgsql;
                CREATE TRIGGER refuse BEFORE DELETE ON document FOR EACH ROW WHEN (old.id = '{last["id"]}')
                EXECUTE FUNCTION refuse()"""
        )
    try:
        with pytest.raises(Unavailable):
            removal.run(later(2))
        assert left("document") == {"document": 10}
        assert [entry["after"]["documents"] for entry in audit()] == [50]
    finally:
        with databases.as_owner() as connection:
            connection.execute("DROP FUNCTION refuse CASCADE")
    removal.run(later(2))
    assert [entry["after"]["documents"] for entry in audit()] == [50, 10]


def test_a_rule_counts_an_hour_after_it_was_set() -> None:
    ready_documents(1)
    with db.transaction() as session:
        db.execute(session, "UPDATE document SET created_at = now() - interval '40 days'")
    keep("documents", 30)
    removal.run(later(0.9 / 24))
    assert left("document") == {"document": 1}
    removal.run(later(1.1 / 24))
    assert left("document") == {}


def test_what_is_switched_off_meanwhile_removes_nothing_more() -> None:
    """Also where this process has not heard of it yet."""
    ready_documents(1)
    keep("documents", 1)
    with db.transaction() as session:
        store.put(session, rules.name("documents"), None)
    assert rules.rule("documents") == RetentionRule(1)
    removal.run(later(2))
    assert left("document") == {"document": 1}


def test_where_the_environment_locks_settings_nothing_is_removed(setting: Any) -> None:
    ready_documents(1)
    keep("documents", 1)
    setting(SETTINGS_LOCKED="true")
    removal.run(later(2))
    assert (left("document"), rules.rule("documents")) == ({"document": 1}, None)
    setting(SETTINGS_LOCKED="false")
    removal.run(later(2))
    assert left("document") == {}


def test_a_rule_is_changed_between_two_blocks_and_never_within_one() -> None:
    ready_documents(1)
    keep("documents", 1)
    with ThreadPoolExecutor(2) as threads:
        with db.transaction() as session:
            db.execute(session, "LOCK TABLE blob IN SHARE MODE")
            removing = threads.submit(removal.run, later(2))
            until_now(lambda: len(rows(WAITING)) == 1)
            switching_off = threads.submit(rules.change, "documents", None)
            until_now(lambda: len(rows(WAITING)) == 2)
        removing.result(PATIENCE_S)
        switching_off.result(PATIENCE_S)
    assert (left("document"), rules.rule("documents")) == ({}, None)


WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("documents", RetentionRule(0)),
        ("documents", RetentionRule(3651)),
        ("documents", RetentionRule(True)),
        ("documents", RetentionRule(1.5)),  # type: ignore[arg-type]
        ("jobs", RetentionRule(5, ("samples",))),
        ("usage", RetentionRule(5)),
    ],
)
def test_a_rule_that_cannot_be_set(kind: Any, rule: RetentionRule) -> None:
    with pytest.raises(InvalidInput):
        rules.change(kind, rule)
    assert store.history() == []


@pytest.mark.parametrize("value", [{}, {"days": "1"}, {"days": 0}, {"days": 1, "excepted": 3}])
def test_a_stored_rule_that_cannot_be_read_removes_nothing(value: dict[str, Any]) -> None:
    ready_documents(1)
    with db.transaction() as session:
        store.put(session, "retention:documents", value)
    store.load()
    assert rules.rule("documents") is None
    removal.run(later(4000))
    assert left("document") == {"document": 1}


def test_a_rule_is_taken_back_and_its_change_undone() -> None:
    keep("jobs", 7)
    rules.change("jobs", None)
    assert rules.rule("jobs") is None
    with db.transaction() as session:
        store.undo(session, store.history()[0].id)
    store.load()
    assert rules.rule("jobs") == RetentionRule(7)


def test_everybody_knows_when_the_next_run_is() -> None:
    at = datetime(2026, 5, 3, 10, 20, tzinfo=UTC)
    assert rules.next_run(at) == datetime(2026, 5, 3, 11, tzinfo=UTC)
    assert rules.next_run(datetime(2026, 5, 3, 11, tzinfo=UTC)) == datetime(2026, 5, 3, 12, tzinfo=UTC)
    # A rule that was set just now does not count in the next one yet.
    assert rules.next_run(at, changed_at=at) == datetime(2026, 5, 3, 12, tzinfo=UTC)
    assert rules.next_run(at, changed_at=at - timedelta(hours=3)) == datetime(2026, 5, 3, 11, tzinfo=UTC)
    now = later(0)
    assert report.next_run("documents", now) == rules.next_run(now, now)
    keep("documents", 3)
    assert report.next_run("documents", now + timedelta(days=1)) == rules.next_run(now + timedelta(days=1))


def test_what_was_removed_is_listed() -> None:
    ready_documents(2)
    keep("documents", 1)
    removal.run(later(2))
    (run,) = report.runs()
    assert (run.kind, run.counts["documents"]) == ("documents", 2)


def test_a_person_may_delete_at_the_same_time() -> None:
    ids = ready_documents(200)
    keep("documents", 1)
    begun = threading.Event()

    def by_hand() -> None:
        for one in reversed(ids):
            begun.set()
            try:
                documents_deletion.delete(one)
            except NotFound:
                return

    with ThreadPoolExecutor(1) as person:
        deleting = person.submit(by_hand)
        begun.wait(PATIENCE_S)
        removal.run(later(2))
        deleting.result(PATIENCE_S)
    removal.run(later(2))
    assert left("document") == {}
