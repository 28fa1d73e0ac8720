"""Claims of live requests: leases, takeovers, and every answer billed once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from core.answers import record
from core.calls import ask, clients, outcomes
from core.live import claims
from core.live import lane as live_lane
from core.live.lane import LiveLane
from core.requests import expansion
from core.runtime import db, worker_lease
from core.tables.jobs import Job
from core.upkeep import takeover, tick
from tests.core.live.loopback_jobs import claimed, expire, kept, live_job, many, usage
from tests.local_provider import LocalProvider
from tests.pipeline import (
    PATIENCE_S,
    TEXT,
    add_document,
    answer,
    keep_now,
    make_job,
    ready_documents,
    rows,
    run_job,
    states,
    until_now,
    with_lane,
)

pytestmark = pytest.mark.usefixtures("database")


def test_an_answer_handed_in_twice_is_billed_once(openai: LocalProvider) -> None:
    job = live_job([add_document()])
    expansion.expand_job(job)
    (call,) = claimed(job, worker_lease.register("test"))
    unknown = ask.unknown_outcome(call)
    for _ in range(2):
        keep_now(unknown, kept(call))
    assert [row["status"] for row in usage()] == ["unheard", "ok"]
    assert len(rows("SELECT 1 FROM response")) == 1


def test_two_attempts_that_were_not_heard_are_two_bookings(openai: LocalProvider) -> None:
    job = live_job([add_document()])
    expansion.expand_job(job)
    (call,) = claimed(job, worker_lease.register("test"))
    keep_now(ask.unknown_outcome(call), ask.unknown_outcome(call))
    assert len(usage()) == 2


@pytest.fixture
def short_lease(setting: Any) -> None:
    setting(WORKER_LEASE_SECONDS=1)


@pytest.mark.usefixtures("short_lease")
def test_work_of_a_dead_worker_is_booked_and_finished_by_another(openai: LocalProvider) -> None:
    job = live_job(many(3))
    expansion.expand_job(job)
    dead = worker_lease.register("dead")
    assert len(claimed(job, dead, 2)) == 2
    tick.tick(datetime.now(UTC))
    assert states(job) == {"in_flight": 2, "pending": 1}
    expire(dead)
    tick.tick(datetime.now(UTC))
    assert states(job) == {"pending": 3}
    assert [row["status"] for row in usage()] == ["unheard"] * 2
    assert len(rows("SELECT 1 FROM job_event WHERE kind = 'taken_over'")) == 1
    run_job(job)
    assert states(job) == {"succeeded": 3}
    assert sorted(row["status"] for row in usage()) == ["ok"] * 3 + ["unheard"] * 2


@pytest.mark.usefixtures("short_lease")
def test_an_answer_that_comes_after_the_takeover_is_kept_and_billed(openai: LocalProvider) -> None:
    job = live_job([add_document()])
    expansion.expand_job(job)
    dead = worker_lease.register("dead")
    (call,) = claimed(job, dead)
    expire(dead)
    tick.tick(datetime.now(UTC))
    assert [row["status"] for row in usage()] == ["unheard"]
    keep_now(kept(call))
    run_job(job)
    assert states(job) == {"succeeded": 1}
    assert openai.asked == []
    # What it cost is known now, so the estimate is gone.
    assert [(row["status"], row["attempt"]) for row in usage()] == [("ok", 1)]


@pytest.mark.usefixtures("short_lease")
def test_an_answer_takes_back_no_estimate_but_that_of_its_own_attempt(openai: LocalProvider) -> None:
    job = live_job([add_document()])
    expansion.expand_job(job)
    dead, late = worker_lease.register("dead"), worker_lease.register("late")
    (first,) = claimed(job, dead)
    keep_now(ask.unknown_outcome(first))  # a try before the one that was in flight
    expire(dead)
    tick.tick(datetime.now(UTC))
    (second,) = claimed(job, late)
    expire(late)
    tick.tick(datetime.now(UTC))
    assert len(usage()) == 3
    keep_now(kept(second))
    assert sorted(row["status"] for row in usage()) == ["ok", "unheard", "unheard"]
    left = rows("SELECT booking FROM usage_record WHERE booking LIKE 'lost%'")
    assert left == [{"booking": record.lost_call_key(first.request_id, 1)}]


@pytest.mark.usefixtures("short_lease")
def test_an_answer_that_comes_during_the_takeover_is_billed_once(openai: LocalProvider) -> None:
    job = live_job([add_document()])
    expansion.expand_job(job)
    dead = worker_lease.register("dead")
    (call,) = claimed(job, dead)
    expire(dead)
    waiting = """SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database()
                 AND wait_event_type = 'Lock' AND query LIKE '%finish_reason%'"""
    with ThreadPoolExecutor(1) as threads:
        with db.transaction() as session:
            takeover.release(session, datetime.now(UTC))
            late = threads.submit(keep_now, kept(call))
            until_now(lambda: rows(waiting) == [{"one": 1}])
        late.result(PATIENCE_S)
    assert [row["status"] for row in usage()] == ["ok"]
    assert states(job) == {"answered": 1}


@pytest.mark.usefixtures("short_lease")
def test_a_failure_that_comes_after_the_takeover_takes_back_the_estimate_and_nothing_else(
    openai: LocalProvider,
) -> None:
    job = live_job([add_document()])
    expansion.expand_job(job)
    dead, heir = worker_lease.register("dead"), worker_lease.register("heir")
    (call,) = claimed(job, dead)
    expire(dead)
    tick.tick(datetime.now(UTC))
    claimed(job, heir)
    keep_now(outcomes.Failed(call, "rate_limited", "Not now."))
    assert states(job) == {"in_flight": 1}
    assert usage() == []


@pytest.mark.usefixtures("short_lease")
def test_a_claim_renews_the_lease(openai: LocalProvider) -> None:
    job = live_job([add_document()])
    expansion.expand_job(job)
    late = worker_lease.register("late")
    expire(late)
    claimed(job, late)
    tick.tick(datetime.now(UTC))
    assert states(job) == {"in_flight": 1}


def test_a_claim_that_was_committed_without_our_knowing_goes_out_all_the_same(openai: LocalProvider) -> None:
    """A connection that breaks in the commit leaves open whether the claim holds."""
    job = live_job(many(2))
    expansion.expand_job(job)

    async def work(lane: LiveLane) -> None:
        await asyncio.to_thread(claimed, job, lane.worker_id)
        lane.unsure = True
        await answer(lane, job)

    with_lane(work)
    assert states(job) == {"succeeded": 2}
    assert len(openai.asked) == 2
    assert [row["status"] for row in usage()] == ["ok", "ok"]


def test_two_workers_never_claim_two_twins(openai: LocalProvider) -> None:
    one, other = (live_job([add_document(TEXT, "a.txt", name)]) for name in ("a", "b"))
    for job in (one, other):
        expansion.expand_job(job)
    first, second = worker_lease.register("first"), worker_lease.register("second")
    with ThreadPoolExecutor(1) as thread, db.transaction() as session:
        running = session.get_one(Job, one)
        mine = claims.claim(session, running, first, 10, clients.provider("openai"), 1)
        theirs = thread.submit(claimed, other, second)
        with pytest.raises(TimeoutError):
            theirs.result(0.2)
        session.commit()
        assert len(mine.calls) == 1
        assert theirs.result(PATIENCE_S) == ()


@pytest.mark.parametrize(("due", "taken"), [(False, 0), (True, 1)])
def test_a_claim_takes_requests_in_order_and_a_probe_what_was_tried_least(
    due: bool, taken: int, openai: LocalProvider
) -> None:
    job = live_job(many(2))
    expansion.expand_job(job)
    ids = [row["id"] for row in rows("SELECT id FROM request ORDER BY id")]
    with db.transaction() as session:
        db.execute(session, "UPDATE request SET attempts = 3 WHERE id = :id", id=ids[0])
        if due:
            sql = """INSERT INTO breaker (provider, model, state, failures, opened_at, retry_at)
                     VALUES ('openai', 'gpt-5-mini', 'open', 3, now(), now())"""
            db.execute(session, sql)
    (call,) = claimed(job, worker_lease.register("test"), 1)
    assert (call.request_id, call.probe) == (ids[taken], due)


def test_a_claim_makes_its_client_before_the_loop_needs_it(openai: LocalProvider) -> None:
    """Importing an SDK takes a second or two, in which a loop that did it would do nothing else."""
    job = make_job(ready_documents(1), provider="openai", model="gpt-5-mini")
    expansion.expand_job(job)
    assert "_client" not in vars(clients.provider("openai"))
    (call,) = live_lane.claim(job, worker_lease.register("test"), 1).calls
    assert "_client" in vars(clients.provider("openai"))
    keep_now(outcomes.Failed(call, "x", "No."))
