"""Batch jobs for tests with real processes, and what must be true of them in the end, whatever happened."""

from collections import Counter
from typing import Any

from core.environment import get_settings
from tests.batch_provider import BatchProvider
from tests.pipeline import make_job, ready_documents, rows, states
from tests.processes.running import JobsProcess, until

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-haiku-4-5"}
DOCUMENTS = 6


def batch_jobs(*providers: str, **spec: Any) -> list[str]:
    """A job for each, over the same documents."""
    ids = [row["id"] for row in rows("SELECT id FROM document ORDER BY id")] or ready_documents(DOCUMENTS)
    return [make_job(ids, provider=name, model=MODELS[name], lane="batch", **spec) for name in providers]


def completed(jobs: list[str]) -> bool:
    found = rows("SELECT state FROM job WHERE id = ANY(:jobs)", jobs=jobs)
    return [row["state"] for row in found] == ["completed"] * len(jobs)


def wait_until_completed(server: BatchProvider, jobs: list[str], *processes: JobsProcess) -> None:
    """What is being looked for at Anthropic is known when it has ended, so it ends at once."""

    def through() -> bool:
        if rows("SELECT 1 FROM provider_batch WHERE state = 'settling' AND provider = 'anthropic'"):
            finish_open(server)
        return completed(jobs)

    def told() -> str:
        batches = rows("SELECT state, error, next_at, epoch, worker_id FROM provider_batch ORDER BY id")
        logs = "\n".join(process.text() for process in processes)
        return f"{[states(job) for job in jobs]}\n{batches}\n{logs}"

    until(through, told)


def assert_all_answered_once(server: BatchProvider, jobs: list[str]) -> None:
    """Each request has one answer, each slice was created once, each document billed once, and all of it booked."""
    assert [states(job) for job in jobs] == [{"succeeded": DOCUMENTS}] * len(jobs)
    assert server.creates == len(jobs)
    assert set(server.creates_by("nonce").values()) == set(server.creates_by("custom_ids").values()) == {1}
    assert Counter((one.batch_id, one.document) for one in server.bill).total() == len(jobs) * DOCUMENTS
    assert set(server.billed_documents().values()) == {len(jobs)}
    assert booked() == billed(server)
    answers = rows("SELECT request_id, count(*) AS n FROM response GROUP BY 1")
    assert [row["n"] for row in answers] == [1] * (len(jobs) * DOCUMENTS)
    brought = rows(f"SELECT response_id, count(*) AS n FROM ({BROUGHT}) b GROUP BY 1")
    assert [row["n"] for row in brought] == [1] * (len(jobs) * DOCUMENTS)
    ends = rows("SELECT job_id, count(*) AS n FROM job_event WHERE kind = 'completed' GROUP BY 1")
    assert {row["job_id"]: row["n"] for row in ends} == dict.fromkeys(jobs, 1)
    assert scratch() == []


# What each response says of its document, once: its jobs say the same of the same quotes.
BROUGHT = "SELECT response_id FROM evidence UNION ALL SELECT response_id FROM sighting"


def booked() -> tuple[int, int, int]:
    """Calls, input tokens and output tokens of all usage records."""
    (row,) = rows(
        """SELECT count(*) AS calls, coalesce(sum(input_tokens), 0)::int AS input,
             coalesce(sum(output_tokens), 0)::int AS output FROM usage_record WHERE NOT reused"""
    )
    return row["calls"], row["input"], row["output"]


def billed(server: BatchProvider) -> tuple[int, int, int]:
    total = server.billed_total()
    return len(server.bill), total.input, total.output


def scratch() -> list[str]:
    directory = get_settings().data_dir / "scratch"
    return sorted(str(path) for path in directory.rglob("*"))


def finish_open(server: BatchProvider) -> None:
    with server.lock:
        for batch in server.batches:
            if batch.provider == "anthropic" and not batch.ended:
                server.finish(batch.id)
