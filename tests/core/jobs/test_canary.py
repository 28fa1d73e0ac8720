"""What goes first as a canary: requests that are typical of the job, at the price that was said, and no others."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.asking import templates
from core.calls import clients
from core.jobs import control, launch
from core.jobs.launch import JobSpec
from core.requests import expansion, finishing
from core.runtime import db
from core.tables.jobs import Job
from tests.pipeline import make_job, ready_documents, rows, run_batches, states

pytestmark = pytest.mark.usefixtures("database")
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
CHOSEN: dict[str, Any] = {"provider": "openai", "model": "gpt-5.6-luna"}


def of_lengths(*tokens: int) -> list[str]:
    """Documents whose ids say nothing of their length."""
    ids = ready_documents(len(tokens))
    with db.transaction() as session:
        for document, number in zip(ids, tokens, strict=True):
            db.execute(session, "UPDATE document SET tokens = :n WHERE id = :id", n=number, id=document)
    return ids


def chosen(job: str) -> list[str]:
    return [row["document_id"] for row in rows("SELECT document_id FROM job_document WHERE canary ORDER BY 1", job=job)]


def test_typical_ones_go_first_and_cost_what_was_said(openai: object) -> None:
    ids = of_lengths(20_000, 100, 200, 300, 400, 500, 600, 700, 800)
    spec = JobSpec("summarize", documents=tuple(ids), canary=3, **CHOSEN)
    first = launch.canary_of(spec, NOW)
    # Of nine in order of length, the second, the fifth and the eighth.
    assert first.documents == (ids[2], ids[5], ids[8])
    job = make_job(ids, "summarize", canary=3, **CHOSEN)
    assert chosen(job) == sorted(first.documents)
    estimate = launch.estimate(spec, NOW)
    assert estimate.cost_live is not None
    assert first.cost is not None
    assert Decimal(0) < first.cost < estimate.cost_live / 3
    expansion.expand_job(job)
    held = "SELECT document_id FROM request WHERE state <> 'held' ORDER BY 1"
    assert [row["document_id"] for row in rows(held)] == sorted(first.documents)


@pytest.mark.parametrize(
    ("number", "places"), [(1, [4]), (2, [2, 6]), (4, [1, 3, 5, 7]), (8, [0, 1, 2, 3, 5, 6, 7, 8]), (9, [*range(9)])]
)
def test_they_lie_in_equal_steps(openai: object, number: int, places: list[int]) -> None:
    ids = of_lengths(*range(100, 1000, 100))
    first = launch.canary_of(JobSpec("summarize", documents=tuple(ids), canary=number, **CHOSEN), NOW)
    assert len(first.documents) == number
    assert [ids.index(document) for document in first.documents] == places


def test_where_too_few_can_be_chosen_from_those_go_that_are_there(openai: object) -> None:
    ids = of_lengths(100, 200, 10_000_000)
    first = launch.canary_of(JobSpec("summarize", documents=tuple(ids), canary=3, **CHOSEN), NOW)
    assert (first.documents, first.cost) == ((), Decimal(0))
    assert chosen(make_job(ids, "summarize", canary=3, **CHOSEN)) == []


def test_what_goes_first_is_made_first_and_nothing_pauses_the_job_before(openai: object) -> None:
    ids = of_lengths(*range(1100, 100, -8))
    assert len(ids) > 2 * expansion.CHUNK
    job_id = make_job(ids, "summarize", canary=1, **CHOSEN)
    with db.transaction() as session:
        job = session.get(Job, job_id)
        assert job is not None
        job.state = "running"
        session.flush()
        waiting = "SELECT document_id FROM job_document WHERE canary AND NOT expanded"
        assert len(db.rows(session, waiting)) == 1
        # Another process makes the requests of the others meanwhile: they are held, and nothing is under way.
        (other,) = [row.id for row in db.rows(session, "SELECT id FROM document LIMIT 1")]
        db.execute(
            session,
            """INSERT INTO request (job_id, document_id, custom_id, fingerprint, lane, state, input_tokens)
               VALUES (:job, :document, :document, 'f', 'live', 'held', 10)""",
            job=job_id,
            document=other,
        )
        finishing.finish_if_done(session, job_id)
        session.refresh(job)
        assert job.state == "running"
        assert expansion.expand(session, job, templates.of_job(session, job), clients.provider("openai")) == 1
        assert db.rows(session, waiting) == []


def test_a_job_of_several_chunks_is_paused_after_its_canary_and_goes_on(batch_server: object) -> None:
    ids = of_lengths(*range(1100, 100, -18))
    assert len(ids) > expansion.CHUNK
    job = make_job(ids, "summarize", lane="batch", canary=1, **CHOSEN)
    run_batches(job, rounds=6)
    assert rows("SELECT state FROM job") == [{"state": "paused"}]
    assert states(job)["succeeded"] == 1
    control.resume(job)
    run_batches(job)
    assert states(job) == {"succeeded": len(ids)}
