"""One breaker for several real processes."""

import threading
import time
from typing import Any

import pytest

from core import breaker, db
from tests.local_provider import Asked, LocalProvider, Reply, error
from tests.pipeline import make_job, ready_documents, rows, states
from tests.processes.running import Start, until

pytestmark = pytest.mark.kills
MODEL = "gpt-5-mini"


@pytest.fixture(autouse=True)
def _short_waits(openai: LocalProvider, setting: Any) -> None:
    setting(SCHEDULER_TICK_SECONDS=0.2, HEALTH_SAMPLE_SECONDS=60, LIVE_CONCURRENCY=8, SHUTDOWN_GRACE_SECONDS=2)


def live_job(count: int) -> str:
    return make_job(ready_documents(count), provider="openai", model=MODEL)


def state() -> str | None:
    found = rows("SELECT state FROM breaker")
    return found[0]["state"] if found else None


def completed() -> bool:
    return rows("SELECT state FROM job") == [{"state": "completed"}]


def busy(processes: int) -> bool:
    """Every process has calls of its own in flight."""
    return len(rows("SELECT DISTINCT worker_id FROM request WHERE state = 'in_flight'")) == processes


def test_opened_in_one_process_it_is_open_in_all_within_two_seconds(
    start: Start, openai: LocalProvider, setting: Any
) -> None:
    """Three processes that try again and again: once one breaker is open, none of them asks any more."""
    setting(RETRY_ATTEMPTS=10, LIVE_CONCURRENCY=4)
    arrived: list[float] = []

    def plan(_asked: Asked) -> Reply:
        arrived.append(time.monotonic())
        # Tried again, and nothing that opens a breaker by itself.
        return error(409, retry_after="0.5")

    openai.plan = plan
    with db.transaction() as session:
        # It answered before and told of no limits: there is no slow start.
        known = "INSERT INTO rate_limit (provider, model, kind, known) VALUES ('openai', :model, 'requests', true)"
        db.execute(session, known, model=MODEL)
    job = live_job(200)
    processes = [start() for _ in range(3)]
    # Each has made its calls for a while: none is still getting ready.
    until(lambda: len(arrived) > 60 and busy(3), 30, lambda: [one.text() for one in processes])
    breaker.trip("openai", MODEL, 5, 600)
    opened = time.monotonic()
    until(lambda: "in_flight" not in states(job), 20, lambda: states(job))
    # Every process had calls that were to be made again by then.
    threading.Event().wait(2)
    assert max(arrived) < opened + 2
    assert states(job)["pending"] > 150
    assert all(one.running for one in processes)


def test_half_open_lets_one_probe_through_over_all_processes(start: Start, openai: LocalProvider, setting: Any) -> None:
    setting(RESILIENCE_CUSTOM_CONFIG='{"circuit_breaker_threshold": 5, "recovery_timeout_s": 0.5}')
    probing = threading.Event()
    openai.plan = lambda _: Reply(delay=0.5) if probing.is_set() else error(500, retry_after="0")
    job = live_job(40)
    breaker.trip("openai", MODEL, 5, 0.5)
    processes = [start() for _ in range(3)]
    # Probes that fail come one after the other.
    until(lambda: len(openai.asked) >= 3, 30, lambda: [one.text() for one in processes])
    assert openai.most_in_flight == 1
    assert states(job) == {"pending": 40} or states(job) == {"pending": 39, "in_flight": 1}
    probing.set()
    until(lambda: state() == "closed", 20, lambda: [one.text() for one in processes])
    assert openai.most_in_flight == 1
    until(completed, 30, lambda: states(job))
    assert states(job) == {"succeeded": 40}
