"""A limit that is changed holds in every process while it works."""

from decimal import Decimal
from typing import Any

import pytest

from core.settings import limits
from tests.local_provider import LocalProvider, Reply
from tests.pipeline import make_job, ready_documents, rows
from tests.processes.running import Start, until

pytestmark = pytest.mark.kills


def busy() -> list[int]:
    found = rows("SELECT count(*)::int AS n FROM request WHERE state = 'in_flight' GROUP BY worker_id")
    return [row["n"] for row in found]


def test_live_calls_at_once_are_more_and_fewer_in_every_process(
    start: Start, openai: LocalProvider, setting: Any
) -> None:
    setting(SCHEDULER_TICK_SECONDS=0.5, HEALTH_SAMPLE_SECONDS=60, LIVE_CONCURRENCY=2, SHUTDOWN_GRACE_SECONDS=2)
    openai.plan = lambda _: Reply(delay=0.5)
    job = make_job(ready_documents(400), "summarize", provider="openai", model="gpt-5-mini")
    processes = [start(), start()]
    until(lambda: busy() == [2, 2], lambda: [one.text() for one in processes])
    assert openai.most_in_flight <= 4
    limits.change("live_concurrency", Decimal(6))
    until(lambda: busy() == [6, 6], busy)
    limits.change("live_concurrency", Decimal(1))
    until(lambda: busy() == [1, 1], busy)
    assert rows("SELECT 1 FROM request WHERE job_id = :job AND state = 'failed'", job=job) == []
