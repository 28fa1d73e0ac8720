"""One breaker for several real processes."""

import threading
import time
from collections import Counter
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


def test_a_bad_provider_loses_nothing_asks_nothing_twice_and_storms_nobody(
    start: Start, openai: LocalProvider, setting: Any
) -> None:
    """Three in ten calls fail, in every way there is; the processes end every request with an answer or a reason."""
    setting(
        RETRY_ATTEMPTS=4,
        PROVIDER_TIMEOUT_SECONDS=1,
        RESILIENCE_CUSTOM_CONFIG='{"circuit_breaker_threshold": 5, "recovery_timeout_s": 0.3}',
        SCHEDULER_TICK_SECONDS=0.2,
    )
    faults = [
        error(429, retry_after="0.1"),
        error(500),
        error(503),
        error(529),
        Reply(delay=3),
        Reply(wire="cut"),
        Reply(wire="reset"),
    ]
    asked_so_far = Counter[str]()

    def plan(_asked: Asked) -> Reply:
        asked_so_far["n"] += 1
        turn = asked_so_far["n"] % 10
        return faults[asked_so_far["n"] // 10 % len(faults)] if turn in (1, 4, 7) else Reply(delay=0.02)

    openai.plan = plan
    job = live_job(150)
    processes = [start() for _ in range(3)]
    until(completed, 90, lambda: f"{states(job)} {[one.text() for one in processes]}")
    ended = states(job)
    assert sum(ended.values()) == 150
    assert ended["succeeded"] >= 140
    reasons = rows("SELECT error_code, error_message FROM request WHERE state = 'failed'")
    assert all(row["error_code"] and row["error_message"] for row in reasons)
    answered = rows("SELECT request_id FROM usage_record WHERE status = 'ok'")
    assert len(answered) == len({row["request_id"] for row in answered}) == ended["succeeded"]
    # 30 % faults take 1.43 calls for an answer.
    assert len(openai.asked) < 150 * 2
    with db.transaction() as session:
        counted = db.row(session, "SELECT sum(answered) AS answered, sum(failed) AS failed FROM call_minute")
    assert counted is not None
    assert counted.answered == ended["succeeded"]
