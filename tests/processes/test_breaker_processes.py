"""One breaker for several real processes."""

import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from api import api
from core.calls import breaker
from core.runtime import db
from tests.local_provider import Asked, LocalProvider, Reply, error
from tests.pipeline import PATIENCE_S, make_job, ready_documents, rows, states
from tests.processes.running import Start, until

pytestmark = pytest.mark.kills
MODEL = "gpt-5-mini"


@pytest.fixture(autouse=True)
def _short_waits(openai: LocalProvider, setting: Any) -> None:
    setting(SCHEDULER_TICK_SECONDS=0.5, HEALTH_SAMPLE_SECONDS=60, LIVE_CONCURRENCY=8, SHUTDOWN_GRACE_SECONDS=2)


def live_job(count: int) -> str:
    return make_job(ready_documents(count), "summarize", provider="openai", model=MODEL)


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
    """Processes that try again and again: once one breaker is open, none of them asks any more."""
    setting(RETRY_ATTEMPTS=10, LIVE_CONCURRENCY=4)
    arrived: list[Asked] = []

    def plan(asked: Asked) -> Reply:
        arrived.append(asked)
        # Tried again, and nothing that opens a breaker by itself.
        return error(409, retry_after="0.5")

    openai.plan = plan
    with db.transaction() as session:
        # It answered before and told of no limits: there is no slow start.
        known = "INSERT INTO rate_limit (provider, model, kind, known) VALUES ('openai', :model, 'requests', true)"
        db.execute(session, known, model=MODEL)
    job = live_job(60)
    processes = [start() for _ in range(2)]
    # Each has made its calls for a while: none is still getting ready.
    until(lambda: len(arrived) > 24 and busy(2), lambda: [one.text() for one in processes])
    breaker.trip("openai", MODEL, 5, 600)
    before = len(arrived)
    until(lambda: "in_flight" not in states(job), lambda: states(job))
    after = len(arrived)
    # Every process had calls that were to be made again by then.
    threading.Event().wait(2)
    assert len(arrived) == after
    # In two seconds each of 8 slots may ask so often, however slow the machine.
    assert after - before <= 8 * (2 / 0.5 + 1)
    assert states(job)["pending"] > 30
    assert all(one.running for one in processes)


def test_half_open_lets_one_probe_through_over_all_processes(start: Start, openai: LocalProvider, setting: Any) -> None:
    setting(RESILIENCE_CUSTOM_CONFIG='{"circuit_breaker_threshold": 5, "recovery_timeout_s": 0.5}')
    probing = threading.Event()
    met: list[str | None] = []

    def plan(_: Asked) -> Reply:
        if not probing.is_set():
            return error(500, retry_after="0")
        met.append(state())
        return Reply(delay=0.5)

    openai.plan = plan
    job = live_job(20)
    breaker.trip("openai", MODEL, 5, 0.5)
    processes = [start() for _ in range(2)]
    # Probes that fail come one after the other.
    until(lambda: len(openai.asked) >= 3, lambda: [one.text() for one in processes])
    assert openai.most_in_flight == 1
    assert states(job) in ({"pending": 20}, {"pending": 19, "in_flight": 1})
    probing.set()
    until(completed, lambda: [one.text() for one in processes])
    assert states(job) == {"succeeded": 20}
    # All but that one came when it had closed the breaker.
    assert met == ["half_open", *["closed"] * (len(met) - 1)]


def test_when_the_process_of_the_probe_is_killed_another_probes(
    start: Start, openai: LocalProvider, setting: Any
) -> None:
    # Long enough that no living one is taken for dead on a busy machine: what it asked would be asked again.
    setting(WORKER_LEASE_SECONDS=6)
    openai.plan = lambda _: Reply(delay=2 * PATIENCE_S) if len(openai.asked) == 1 else Reply(delay=0.2)
    job = live_job(10)
    breaker.trip("openai", MODEL, 5, 0)
    processes = {one.process.pid: one for one in (start(), start())}
    until(lambda: len(openai.asked) == 1, lambda: [one.text() for one in processes.values()])
    until(lambda: state() == "half_open", state)
    found = rows("SELECT w.name FROM breaker b JOIN worker w ON w.id = b.probe_worker_id")
    processes.pop(int(found[0]["name"].rsplit(":", 1)[1])).kill()
    until(completed, lambda: f"{states(job)} {[one.text() for one in processes.values()]}")
    assert states(job) == {"succeeded": 10}
    assert state() == "closed"
    # Of the killed one it is not known what became of it: that one alone was asked twice, and is booked.
    assert sorted(openai.calls_by_document().values()) == [1] * 9 + [2]
    assert rows("SELECT count(*) AS n FROM usage_record WHERE status = 'unheard'") == [{"n": 1}]


def test_a_probe_that_is_refused_for_what_it_asks_closes_the_breaker(start: Start, openai: LocalProvider) -> None:
    openai.plan = lambda _: error(400) if len(openai.asked) == 1 else Reply()
    job = live_job(10)
    breaker.trip("openai", MODEL, 5, 0)
    processes = [start() for _ in range(2)]
    until(completed, lambda: f"{states(job)} {[one.text() for one in processes]}")
    assert state() == "closed"
    assert states(job) == {"succeeded": 9, "failed": 1}
    assert len(openai.asked) == 10


def test_stopped_by_hand_over_http_no_process_asks_until_it_is_closed_again(
    start: Start, openai: LocalProvider, setting: Any
) -> None:
    setting(LIVE_CONCURRENCY=2)
    arrived: list[Asked] = []

    def plan(asked: Asked) -> Reply:
        arrived.append(asked)
        return Reply(delay=0.3)

    openai.plan = plan
    job = live_job(80)
    processes = [start() for _ in range(2)]
    until(lambda: busy(2), lambda: [one.text() for one in processes])
    by_hand("open")
    before = len(arrived)
    until(lambda: "in_flight" not in states(job), lambda: states(job))
    after = len(arrived)
    threading.Event().wait(2)
    assert len(arrived) == after
    # In two seconds each of 4 slots may ask so often, however slow the machine.
    assert after - before <= 4 * (2 / 0.3 + 1)
    assert states(job)["pending"] > 0
    by_hand("close")
    until(completed, lambda: f"{states(job)} {[one.text() for one in processes]}")
    assert states(job) == {"succeeded": 80}


def by_hand(action: str) -> None:
    """In this process, which is none of theirs."""
    path = f"/internal/resilience/circuit-breakers/openai/{MODEL}/{action}"
    with TestClient(api, base_url="http://localhost") as client:
        assert client.post(path).status_code == 200
