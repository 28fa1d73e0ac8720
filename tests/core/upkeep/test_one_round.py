"""What a round finds to do and to tell. Rounds themselves are made by real processes, in tests/processes."""

from typing import Any

import pytest

from core.jobs import resend
from core.runtime import db
from core.upkeep import one_round
from tests.batch_provider import BatchProvider, FileFault
from tests.pipeline import batch_rows, make_job, ready_documents, rows, run_batches

pytestmark = pytest.mark.usefixtures("database")


def batch_job() -> str:
    return make_job(ready_documents(2), "summarize", provider="openai", model="gpt-5-mini", lane="batch")


def told(job: str) -> list[str]:
    return [words.split(": ", 1)[1] for words in one_round.troubles([batch["id"] for batch in batch_rows(job)])]


def test_what_goes_well_is_not_told(batch_server: BatchProvider) -> None:
    job = batch_job()
    run_batches(job)
    assert told(job) == []


def test_a_batch_that_is_being_settled_is_not_told_and_a_search_that_fails_is(
    batch_server: BatchProvider, setting: Any
) -> None:
    setting(BATCH_SETTLE_SECONDS=900)
    batch_server.fail_next("create", 500)
    job = batch_job()
    run_batches(job, rounds=2)
    assert [batch["state"] for batch in batch_rows(job)] == ["settling"]
    assert told(job) == []
    batch_server.fail_next("list", 500)
    run_batches(job, rounds=1)
    assert told(job) == ["openai: Server error 500. Made to fail."]


def test_a_batch_that_was_absent_and_a_full_queue_are_not_told(batch_server: BatchProvider, setting: Any) -> None:
    setting(BATCH_POLL_SECONDS=600)
    batch_server.fail_next("create", 500)
    batch_server.queue_cap = 0
    job = batch_job()
    run_batches(job, rounds=8)
    assert [batch["state"] for batch in batch_rows(job)] == ["absent", "failed"]
    assert told(job) == []


def test_refused_batches_and_lost_results_are_told(batch_server: BatchProvider) -> None:
    batch_server.fail_next("create", 401)
    batch_server.output_file = FileFault("gone", times=99)
    job = batch_job()
    run_batches(job)
    resend.retry(job)
    run_batches(job)
    refused, lost = told(job)
    assert "The key was refused" in refused
    assert "has deleted the results" in lost


def test_what_waits_because_something_went_wrong_is_not_open(batch_server: BatchProvider) -> None:
    batch_server.auto = False
    job = batch_job()
    run_batches(job, rounds=2)
    (batch,) = batch_rows(job)
    with db.transaction() as session:
        db.execute(session, "UPDATE provider_batch SET next_at = now() + interval '1 hour'")
    assert one_round.what_is_open().batches == [batch["id"]]
    with db.transaction() as session:
        db.execute(session, "UPDATE provider_batch SET tries = 1")
    assert one_round.what_is_open().batches == []
    with db.transaction() as session:
        db.execute(session, "UPDATE provider_batch SET next_at = now()")
    assert one_round.what_is_open().batches == [batch["id"]]


def test_jobs_that_are_through_are_ended(batch_server: BatchProvider) -> None:
    job = batch_job()
    with db.transaction() as session:
        db.execute(session, "UPDATE job SET state = 'running'")
        db.execute(session, "UPDATE job_document SET expanded = true")
    one_round.finish_jobs()
    assert rows("SELECT state FROM job WHERE id = :job", job=job) == [{"state": "completed"}]
