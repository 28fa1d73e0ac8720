"""`python -m jobs once`, as cron would call it."""

import io
from typing import Any

import pytest

from core.documents import extract, upload
from core.jobs.launch import Leftovers
from tests.batch_provider import BatchProvider, Line
from tests.pipeline import PATIENCE_S, batch_rows, change, make_job, rows, states
from tests.processes.batch_jobs import DOCUMENTS, assert_all_answered_once, batch_jobs, completed, wait_until_completed
from tests.processes.places import AtProvider
from tests.processes.running import JobsProcess, Start, until

pytestmark = [pytest.mark.kills, pytest.mark.usefixtures("batch_times")]


@pytest.fixture(autouse=True)
def _nothing_is_due(batch_times: None, setting: Any) -> None:
    """A round does not wait until a batch is due to be looked at."""
    setting(BATCH_POLL_SECONDS=600)


def a_round(start: Start, code: int = 0) -> JobsProcess:
    process = start("once")
    assert process.process.wait(PATIENCE_S) == code, process.text()
    assert rows("SELECT 1 FROM worker") == []
    return process


def test_rounds_bring_jobs_from_nothing_to_their_end(start: Start, batch_server: BatchProvider) -> None:
    batch_server.auto = False
    jobs = batch_jobs("openai", "anthropic")
    for _ in range(2):
        a_round(start)
        assert [states(job) for job in jobs] == [{"in_flight": DOCUMENTS}] * 2
        assert [batch["state"] for job in jobs for batch in batch_rows(job)] == ["in_progress"] * 2
    for batch in batch_server.batches:
        batch_server.finish(batch.id)
    a_round(start)
    assert completed(jobs)
    assert_all_answered_once(batch_server, jobs)


def test_one_round_reads_documents_and_answers_them_with_the_offline_engine(start: Start, url: str) -> None:
    text = b"The northern plant lost eleven percent of its output in March because two pumps failed."
    added = upload.add("report.txt", io.BytesIO(text), "default")
    job = make_job([added.document.id], lane="batch")
    a_round(start)
    assert states(job) == {"succeeded": 1}
    assert completed([job])
    change("UPDATE document SET warnings = NULL")
    extract.retry(added.document.id)
    a_round(start)
    assert rows("SELECT warnings FROM document") == [{"warnings": []}]
    assert rows("SELECT 1 FROM procrastinate_jobs") == []


def test_live_requests_are_sent_too(start: Start, batch_server: BatchProvider) -> None:
    batch_server.polls_per_state = 0
    batch_server.line_plan = lambda asked: Line(outcome="expired" if asked.nth == 1 else None)
    (left,) = batch_jobs("openai", leftovers=Leftovers(retries=0, then_live=True))
    (behind,) = batch_jobs("openai", canary=2, params={"count": 1})
    a_round(start)
    assert states(behind) == {"succeeded": 2, "held": DOCUMENTS - 2}
    assert rows("SELECT state FROM job WHERE id = :job", job=behind) == [{"state": "paused"}]
    assert states(left) == {"succeeded": DOCUMENTS}
    assert {row["lane"] for row in rows("SELECT lane FROM usage_record")} == {"live"}
    assert len(batch_server.asked) == DOCUMENTS + 2


def test_a_step_that_fails_is_told_and_what_waits_is_left_alone(start: Start, batch_server: BatchProvider) -> None:
    batch_server.fail_next("create", 429, headers={"retry-after": "3600"})
    batch_server.queue_cap = 0
    jobs = batch_jobs("openai")
    failed = a_round(start, code=1)
    (batch,) = batch_rows(jobs[0])
    assert f"batch {batch['id']} of job {jobs[0]}: openai: The provider's rate limit is reached." in failed.text()
    jobs += batch_jobs("openai", params={"count": 1})
    for _ in range(2):
        a_round(start)  # the other job's queue is full
    assert batch_server.arrived("POST", "/v1/batches") == 2
    assert [states(job) for job in jobs] == [{"in_flight": DOCUMENTS}, {"pending": DOCUMENTS}]


def test_rounds_beside_a_jobs_process_and_one_another(
    start: Start, batch_server: BatchProvider, url: str, setting: Any
) -> None:
    setting(BATCH_POLL_SECONDS=0.2)
    jobs = batch_jobs("openai", "anthropic")
    with AtProvider("create.after", "create.after").armed(batch_server, url) as reached:
        first = start("once")
        reached()
        beside = start()
        a_second = start("once")
        assert a_second.process.wait(PATIENCE_S) == 0, a_second.text()
        until(lambda: rows("SELECT 1 FROM worker WHERE leader"), beside.text)
    jobs += batch_jobs("openai", "anthropic", params={"count": 1})
    second = start("once")
    wait_until_completed(batch_server, jobs, beside)
    for one in (first, second):
        assert one.process.wait(PATIENCE_S) == 0, one.text()
    beside.stop()
    assert_all_answered_once(batch_server, jobs)


def test_what_is_not_set_up_or_not_known(start: Start, url: str) -> None:
    unknown, wrong = start("twice"), start("once", OPENAI_BASE_URL="nonsense")
    away = start("once", DATABASE_URL="postgresql://cairn:secret@127.0.0.1:1/cairn")
    assert [one.process.wait(PATIENCE_S) for one in (unknown, wrong, away)] == [2, 2, 1]
    assert "python -m jobs [once]" in unknown.text()
    assert "OPENAI_BASE_URL" in wrong.text()
    assert away.text().startswith("The database cannot be reached.")
    assert "secret" not in away.text()
