"""Answers that are known: found quickly, never believed blindly, taken out of use, and counted in money."""

import asyncio
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.access import actor
from core.calls import clients
from core.documents import deletion as documents_deletion
from core.errors import InvalidInput, NotFound
from core.health import sampling
from core.jobs import deletion as jobs_deletion
from core.jobs import launch
from core.jobs.launch import JobSpec
from core.live import single_text
from core.live.single_text import Processed
from core.requests import reuse, savings, single_flight
from core.requests.reuse import Memory, Which
from core.runtime import db
from tests import databases
from tests.callers import by
from tests.databases import IN_THIS_DATABASE
from tests.local_provider import LocalProvider, Reply
from tests.pipeline import PATIENCE_S, TEXT, add_document, make_job, rows, run_batches, run_job, until_now
from tests.processes.running import Process

pytestmark = pytest.mark.usefixtures("database")
MODEL = "gpt-5-mini"
OTHER_MODEL = "gpt-4o"


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> Iterator[None]:
    yield
    reuse.look_up_again()
    clients.forget()


def ask(text: str = TEXT) -> Processed:
    clients.forget()  # a client belongs to the loop it was first used in
    return asyncio.run(single_text.process("summarize", text, {}, "openai", MODEL))


def job(document: str, template: str = "summarize", **spec: Any) -> str:
    clients.forget()
    made = make_job([document], template, **{"provider": "openai", "model": MODEL, **spec})
    (run_batches if spec.get("lane") == "batch" else run_job)(made)
    return made


def reused_in(job_id: str) -> list[bool]:
    return [row["reused"] for row in rows("SELECT reused FROM request WHERE job_id = :job ORDER BY id", job=job_id)]


def test_memory_keeps_what_was_used_last() -> None:
    memory = Memory(2)
    memory.put("a", 1)
    memory.put("b", 2)
    assert memory.get("a") == 1
    memory.put("c", 3)
    assert [memory.get(name) for name in "bca"] == [None, 3, 1]
    memory.put("c", 3)
    memory.put("d", 4)
    assert [memory.get(name) for name in "acd"] == [None, 3, 4]
    memory.forget("d")
    assert (memory.get("d"), memory.size) == (None, 1)


def test_a_text_that_this_process_answered_waits_for_nobodys_claim(openai: LocalProvider, database: str) -> None:
    assert ask().reused is False
    hits = reuse.memory.hits
    plain = database.replace("postgresql+psycopg://", "postgresql://")
    with ThreadPoolExecutor(1) as thread, psycopg.connect(databases.owners(plain)) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (single_flight.CLAIM_LOCK,))
        assert thread.submit(ask).result(PATIENCE_S).reused is True
    assert (len(openai.asked), reuse.memory.hits) == (1, hits + 1)


def test_a_text_that_is_new_waits_for_the_claims_of_others(openai: LocalProvider, database: str) -> None:
    plain = database.replace("postgresql+psycopg://", "postgresql://")
    waiting = f"SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND {IN_THIS_DATABASE}"
    with ThreadPoolExecutor(1) as thread, psycopg.connect(databases.owners(plain)) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (single_flight.CLAIM_LOCK,))
        asking = thread.submit(ask)
        until_now(lambda: rows(waiting) != [])
        other.rollback()
        assert asking.result(PATIENCE_S).reused is False


def test_memory_learns_from_the_table(openai: LocalProvider) -> None:
    ask()
    (row,) = rows("SELECT fingerprint, response_id FROM request")
    reuse.memory.forget(row["fingerprint"])
    assert ask().reused is True
    assert reuse.memory.get(row["fingerprint"]) == row["response_id"]
    assert len(openai.asked) == 1


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM response",
        "UPDATE response SET invalidated_at = now()",
        "UPDATE response SET fingerprint = 'of another question'",
        "UPDATE response SET verdict = 'schema'",
    ],
)
def test_what_memory_says_is_not_believed(openai: LocalProvider, change: str) -> None:
    ask()
    with db.transaction() as session:
        db.execute(session, change)
    assert ask().reused is False
    assert len(openai.asked) == 2
    assert ask().reused is True


@contextmanager
def lookups_broken() -> Iterator[None]:
    """Nothing but looking up an answer names this column."""
    rename = "ALTER TABLE response RENAME COLUMN {} TO {}"
    with db.transaction() as session:
        db.execute(session, rename.format("invalidated_at", "lost"))
    try:
        yield
    finally:
        with db.transaction() as session:
            db.execute(session, rename.format("lost", "invalidated_at"))


@pytest.mark.usefixtures("own_database")
def test_without_lookups_a_text_is_asked_again_and_health_says_so(openai: LocalProvider) -> None:
    ask()
    with lookups_broken():
        assert ask().reused is False
        found = reuse.health()
        assert not found.healthy
        assert "UndefinedColumn" in found.message
        (sample,) = [one for one in sampling.measured(datetime.now(UTC)) if one.component == "reuse"]
        assert (sample.healthy, sample.message) == (False, found.message)
        assert "without reuse" in found.message
    assert len(openai.asked) == 2
    found = reuse.health()
    assert found.healthy
    assert found.latency_ms is not None
    assert "memory" in found.message


@pytest.mark.usefixtures("own_database")
@pytest.mark.parametrize("lane", ["live", "batch"])
def test_without_lookups_a_job_goes_on(lane: str) -> None:
    document = add_document()
    offline: dict[str, Any] = {"provider": "offline", "model": None, "lane": lane}
    assert reused_in(job(document, **offline)) == [False]
    with lookups_broken():
        assert reused_in(job(document, **offline)) == [False]
    reuse.look_up_again()
    assert reused_in(job(document, **offline)) == [True]


def test_another_failure_is_not_taken_for_the_lookups(database: str) -> None:
    seen = []

    @reuse.or_without
    def failing() -> None:
        seen.append(reuse.looks_up())
        with db.transaction() as session:
            db.execute(session, "SELECT 1 FROM there_is_no_such_table")

    with pytest.raises(Exception, match="there_is_no_such_table"):
        failing()
    assert (seen, reuse.looks_up()) == ([True], True)


@pytest.fixture
def three(openai: LocalProvider) -> dict[str, str]:
    """Documents of three jobs: another template, another model and another collection, by what is other about them."""
    openai.plan = lambda asked: Reply(model=f"{asked.body['model']}-2026-11-01")  # as providers name what they ran
    made = {
        name: add_document(f"{TEXT} It is about {name}.", f"{name}.txt", "other" if name == "collection" else "default")
        for name in ("template", "model", "collection")
    }
    for name, document in made.items():
        job(document, **DIFFERENT.get(name, {}))
    return made


DIFFERENT: dict[str, dict[str, Any]] = {
    "template": {"template": "key_points", "params": {"count": 2}},
    "model": {"model": OTHER_MODEL},
}


def reused_again(three: dict[str, str]) -> set[str]:
    return {name for name, document in three.items() if reused_in(job(document, **DIFFERENT.get(name, {}))) == [True]}


ALL = {"template", "model", "collection"}


@pytest.mark.parametrize(
    ("which", "stays"),
    [
        (Which(template="key_points"), {"model", "collection"}),
        (Which(model=OTHER_MODEL), {"template", "collection"}),
        (Which(collection="other"), {"template", "model"}),
        (Which(collection="other", model=OTHER_MODEL), ALL),
        (Which(collection="default", template="summarize"), {"template", "collection"}),
        (Which(everything=True), set()),
    ],
)
def test_what_is_invalidated_is_asked_again_and_stays(three: dict[str, str], which: Which, stays: set[str]) -> None:
    gone = ALL - stays
    assert reuse.count(which) == len(gone)
    with actor.bound(by("ann")):
        assert reuse.invalidate(which) == len(gone)
    assert reuse.count(which) == 0
    assert rows("SELECT count(*) AS n FROM response") == [{"n": 3}]
    assert reused_again(three) == stays
    # What was asked again is reused from now on.
    assert reused_again(three) == ALL
    (entry,) = rows('SELECT "user", action, subject, after FROM audit_entry')
    assert (entry["user"], entry["action"], entry["subject"]) == ("ann", "cache.invalidate", "reuse")
    assert entry["after"]["answers"] == len(gone)
    if which.collection:
        assert entry["after"]["collection"] == which.collection


@pytest.mark.parametrize("which", [Which(template="key_points"), Which(collection="other"), Which(model=MODEL)])
def test_answers_of_deleted_jobs_are_invalidated_as_well(openai: LocalProvider, which: Which) -> None:
    document = add_document(collection="other")
    points: dict[str, Any] = {"template": "key_points", "params": {"count": 2}}
    jobs_deletion.delete(job(document, **points))
    # Its evidence stands on it, so it stayed.
    assert reuse.invalidate(which) == 1
    assert reused_in(job(document, **points)) == [False]


def test_a_collection_is_asked_afresh_though_another_has_the_same_text(openai: LocalProvider) -> None:
    job(add_document(collection="one"))
    second = add_document(collection="two")
    job(second, reuse=False)
    assert reuse.invalidate(Which(collection="two")) == 2
    assert reused_in(job(second)) == [False]


def test_what_is_older_is_invalidated(openai: LocalProvider) -> None:
    old, new = add_document("An old story.", "old.txt"), add_document("A new story.", "new.txt")
    job(old)
    between = datetime.now(UTC)
    job(new)
    assert reuse.invalidate(Which(before=between)) == 1
    assert (reused_in(job(old)), reused_in(job(new))) == ([False], [True])


def test_an_estimate_and_the_batch_lane_see_what_is_invalidated() -> None:
    document = add_document()
    spec = JobSpec(template="summarize", provider="offline", documents=(document,))
    offline: dict[str, Any] = {"provider": "offline", "model": None}
    job(document, **offline)
    assert launch.estimate(spec, datetime.now(UTC)).reused == 1
    reuse.invalidate(Which(everything=True))
    assert launch.estimate(spec, datetime.now(UTC)).reused == 0
    assert reused_in(job(document, lane="batch", **offline)) == [False]
    assert reused_in(job(document, lane="batch", **offline)) == [True]


@pytest.mark.parametrize(
    ("which", "error"),
    [
        (Which(), InvalidInput),
        (Which(model=MODEL, everything=True), InvalidInput),
        (Which(template="nothing"), NotFound),
        (Which(collection="nothing"), NotFound),
    ],
)
def test_nothing_is_invalidated_by_a_slip(which: Which, error: type[Exception]) -> None:
    with pytest.raises(error):
        reuse.invalidate(which)
    with pytest.raises(error):
        reuse.count(which)
    assert rows("SELECT 1 FROM audit_entry") == []


def figures() -> savings.Reuse:
    return savings.read(datetime.now(UTC) - timedelta(hours=1))


def cost() -> Decimal:
    (row,) = rows("SELECT sum(cost_usd) AS usd FROM usage_record")
    found: Decimal = row["usd"]
    return found


def test_savings_are_what_the_answers_had_cost(openai: LocalProvider) -> None:
    assert figures().hit_rate is None
    document = add_document()
    first = job(document)
    assert (figures().hits, figures().misses, figures().saved_usd, figures().answers) == (0, 1, 0, 1)
    spent = cost()
    assert spent > 0
    second = job(document)
    ask(rows("SELECT text FROM document_text")[0]["text"])
    ask(rows("SELECT text FROM document_text")[0]["text"])
    for ended in (first, second):
        jobs_deletion.delete(ended)
    documents_deletion.delete(document)
    found = figures()
    assert (found.hits, found.misses, found.hit_rate, found.saved_unpriced) == (3, 1, 0.75, 0)
    assert found.saved_usd == 3 * spent
    assert found.bytes > 0


def test_what_was_asked_twice_saves_both_calls(openai: LocalProvider) -> None:
    openai.plan = lambda asked: Reply(content="no json") if asked.nth == 1 else Reply()
    document = add_document()
    job(document)
    spent = cost()
    assert len(openai.asked) == 2
    job(document)
    assert figures().saved_usd == spent


def test_an_answer_without_a_known_price_saves_an_unknown_sum(openai: LocalProvider) -> None:
    document = add_document()
    job(document, model="house-model-1")
    job(document, model="house-model-1")
    assert (figures().hits, figures().saved_usd, figures().saved_unpriced) == (1, 0, 1)


def long_text() -> str:
    return "".join(f"Plant {n} lost output. " + "A pump failed and was replaced. " * 15 + "\n\n" for n in range(80))


def test_a_merged_answer_saves_its_parts_once(openai: LocalProvider) -> None:
    points = [{"statement": f"Plant {n} lost output.", "quote": f"Plant {n} lost output."} for n in range(2)]
    openai.plan = lambda _asked: Reply(json.dumps({"points": points}))
    one, same = add_document(long_text()), add_document(long_text(), "same.txt", "other")
    spec: dict[str, Any] = {"template": "key_points", "params": {"count": 2}, "model": "gpt-4"}
    job(one, **spec)
    spent, asked = cost(), len(openai.asked)
    job(one, **spec)
    assert (figures().hits, figures().saved_usd) == (1, spent)
    reuse.invalidate(Which(everything=True))
    twice = make_job([one, same], "key_points", provider="openai", model="gpt-4", params={"count": 2})
    run_job(twice)
    assert len(openai.asked) == 2 * asked > 4
    assert figures().saved_usd == 2 * spent


def test_large_answers_are_compressed(openai: LocalProvider) -> None:
    summary = " ".join(f"Pump {n} of the northern plant failed in March and was replaced in June." for n in range(400))
    openai.plan = lambda _asked: Reply(json.dumps({"summary": summary}))
    job(add_document())
    (found,) = rows(
        """SELECT length(raw::text) AS raw, pg_column_size(raw) AS raw_stored, length(text) AS text,
             pg_column_size(text) AS text_stored, pg_column_size(result) AS result_stored, result ->> 'summary' AS said
           FROM response"""
    )
    assert found["said"] == summary
    assert found["raw"] > found["text"] > 20_000
    assert max(found["raw_stored"], found["text_stored"], found["result_stored"]) < found["text"] / 3


def test_two_processes_ask_an_equal_text_once(
    openai: LocalProvider, database: str, setting: Any, tmp_path: Path
) -> None:
    openai.plan = lambda _asked: Reply(delay=0.5)
    setting(DATABASE_URL=database)
    logs = [tmp_path / "one.log", tmp_path / "other.log"]
    for log in logs:
        log.touch()
    both = [Process("tests.core.requests.one_text", [TEXT], os.environ, log) for log in logs]
    assert [one.wait(PATIENCE_S) for one in both] == [0, 0], [log.read_text() for log in logs]
    assert sorted(log.read_text().split()[-1] for log in logs) == ["False", "True"]
    assert len(openai.asked) == 1
