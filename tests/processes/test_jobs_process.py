"""Real jobs processes that are really killed, stopped and cut off, in the middle of a live job."""

import os
import signal
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from core.budgets import manage, report
from core.budgets.manage import BudgetSpec
from core.jobs import control
from core.runtime import shared_clock
from tests import databases
from tests.local_provider import Asked, LocalProvider, Reply
from tests.pipeline import PATIENCE_S, database_away, make_job, ready_documents, rows, states
from tests.processes.running import JobsProcess, Start, until

SLOTS = 8
pytestmark = pytest.mark.kills


@pytest.fixture(autouse=True)
def _short_waits(openai: LocalProvider, setting: Any) -> None:
    setting(
        WORKER_LEASE_SECONDS=3,
        SCHEDULER_TICK_SECONDS=0.5,
        HEALTH_SAMPLE_SECONDS=60,
        LIVE_CONCURRENCY=SLOTS,
        SHUTDOWN_GRACE_SECONDS=2,
    )


def live_job(count: int) -> str:
    return make_job(ready_documents(count), provider="openai", model="gpt-5-mini")


def heard() -> int:
    return len(rows("SELECT 1 FROM usage_record WHERE status = 'ok'"))


def completed() -> bool:
    return rows("SELECT state FROM job") == [{"state": "completed"}]


def wait_until_completed(process: JobsProcess, job: str) -> None:
    until(completed, lambda: f"{states(job)}\n{process.text()}")


def calls(provider: LocalProvider) -> Counter[str]:
    """How often each document was asked about."""
    return Counter({text.split()[0]: n for text, n in provider.calls_by_document().items()})


def bookings(status: str) -> Counter[str]:
    found = rows(
        """SELECT r.document_id, count(*) AS n FROM usage_record u JOIN request r ON r.id = u.request_id
           WHERE u.status = :status GROUP BY 1""",
        status=status,
    )
    return Counter({row["document_id"]: row["n"] for row in found})


def documents_in(state: str) -> list[str]:
    return [row["document_id"] for row in rows("SELECT document_id FROM request WHERE state = :state", state=state)]


def test_a_killed_process_is_taken_over_and_nothing_that_was_paid_is_asked_again(
    start: Start, openai: LocalProvider
) -> None:
    openai.plan = lambda _: Reply(delay=0.2)
    job = live_job(40)
    first = start()
    until(lambda: heard() >= 2 * SLOTS and len(documents_in("in_flight")) > 0, first.text)
    first.kill()
    second = start()
    lost = documents_in("in_flight")
    assert 0 < len(lost) <= SLOTS
    wait_until_completed(second, job)
    assert states(job) == {"succeeded": 40}
    assert bookings("ok") == Counter(documents_in("succeeded"))
    assert bookings("unheard") == Counter(lost)
    # What was lost had been claimed; whether its call was sent before the kill is open.
    once = Counter(documents_in("succeeded"))
    assert once <= calls(openai) <= once + Counter(lost)


def test_a_kill_passes_no_budget_and_leaves_nothing_held(start: Start, openai: LocalProvider) -> None:
    """Each call costs six times what was expected, so the job asks for more while a worker dies."""
    openai.plan = lambda _: Reply(
        delay=0.2, usage={"prompt_tokens": 10_000, "completion_tokens": 10, "total_tokens": 10_010}
    )
    each = Decimal("0.00252")
    limit = manage.create(BudgetSpec("all", "", 20 * each, on_limit="wait"))
    job = live_job(40)
    first = start()
    until(lambda: heard() >= SLOTS, first.text)
    first.kill()
    second = start()
    waits = "SELECT 1 FROM job WHERE state = 'paused' AND waits_for ->> 'kind' = 'budget'"
    # Answers that are kept are derived a moment later.
    at_work = "SELECT 1 FROM request WHERE state IN ('in_flight', 'answered')"
    until(lambda: bool(rows(waits)) and not rows(at_work), second.text)
    taken = report.get(limit, shared_clock.now()).taken
    assert taken.spent_usd <= taken.limit_usd
    # What was in flight at the kill, and at the end of the hold, is all that the provider may have billed beyond it.
    assert len(openai.asked) * each <= taken.limit_usd + 2 * SLOTS * each
    assert states(job)["succeeded"] == len(bookings("ok"))
    control.cancel(job)
    until(lambda: rows("SELECT state FROM job") == [{"state": "cancelled"}], second.text)
    assert report.get(limit, shared_clock.now()).taken.held_usd == 0


def test_sigterm_claims_no_more_books_what_was_not_heard_and_leaves_the_rest_to_the_next(
    start: Start, openai: LocalProvider
) -> None:
    def plan(asked: Asked) -> Reply:
        slow = asked.nth == 1 and asked.document.startswith(("doc_0003", "doc_0005"))
        return Reply(delay=2 * PATIENCE_S if slow else 0.2)

    openai.plan = plan
    job = live_job(60)
    first = start()
    until(lambda: heard() >= SLOTS, first.text)
    assert first.stop() == 0, first.text()
    left = states(job)
    assert left["pending"] >= 60 - 6 * SLOTS
    assert "in_flight" not in left
    assert bookings("unheard") == Counter(["doc_0003", "doc_0005"])
    assert rows("SELECT 1 FROM worker") == []
    second = start()
    wait_until_completed(second, job)
    assert calls(openai) == Counter(documents_in("succeeded")) + Counter(["doc_0003", "doc_0005"])


def test_two_processes_share_a_job_without_a_double_call(start: Start, openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(delay=0.15)
    both = [start(), start()]
    until(lambda: len(rows("SELECT 1 FROM worker")) == 2, both[0].text)
    job = live_job(80)
    wait_until_completed(both[0], job)
    assert states(job) == {"succeeded": 80}
    assert calls(openai) == Counter(documents_in("succeeded"))
    assert SLOTS < openai.most_in_flight <= 2 * SLOTS
    assert bookings("unheard") == Counter()


def leaders() -> list[int]:
    return [int(row["name"].rsplit(":", 1)[1]) for row in rows("SELECT name FROM worker WHERE leader")]


def test_when_the_leader_dies_another_leads(start: Start, setting: Any) -> None:
    setting(HEALTH_SAMPLE_SECONDS=0.5)
    both = {one.process.pid: one for one in (start(), start())}
    until(lambda: len(leaders()) == 1 and len(rows("SELECT 1 FROM worker")) == 2, lambda: "no leader")
    (pid,) = leaders()
    both.pop(pid).kill()
    (other,) = both
    until(lambda: other in leaders(), both[other].text)
    (before,) = rows("SELECT count(*) AS n FROM health_sample")
    until(lambda: rows("SELECT count(*) AS n FROM health_sample")[0]["n"] > before["n"], both[other].text)


def test_lost_connections_are_survived_without_a_restart(start: Start, openai: LocalProvider, url: str) -> None:
    openai.plan = lambda _: Reply(delay=0.1)
    job = live_job(60)
    process = start()
    until(lambda: heard() >= SLOTS, process.text)
    with databases.as_owner() as connection:
        for _ in range(4):
            connection.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()"""
            )
            time.sleep(0.15)
    until(lambda: process.running and completed(), process.text)
    assert states(job) == {"succeeded": 60}
    assert calls(openai) == Counter(documents_in("succeeded"))
    assert bookings("ok") == Counter(documents_in("succeeded"))


def test_a_database_that_is_away_for_a_while_is_waited_for(start: Start, openai: LocalProvider, url: str) -> None:
    openai.plan = lambda _: Reply(delay=0.1)
    job = live_job(40)
    process = start()
    until(lambda: heard() >= SLOTS, process.text)
    with database_away(url):
        time.sleep(3)  # longer than the queue's workers go without a heartbeat
    assert process.running, process.text()
    wait_until_completed(process, job)
    assert process.running, process.text()
    assert states(job) == {"succeeded": 40}
    assert calls(openai) == Counter(documents_in("succeeded"))


def test_a_part_that_keeps_failing_ends_the_process_loudly(start: Start, openai: LocalProvider, url: str) -> None:
    with databases.as_owner() as connection:
        connection.execute("ALTER TABLE evidence RENAME TO lost")
    live_job(2)
    process = start()
    assert process.process.wait(PATIENCE_S) == 1
    assert "ended by itself" in process.text()
    assert 'relation "evidence" does not exist' in process.text()
    assert heard() == 2


def test_a_cancelled_job_ends_with_a_real_worker(start: Start, openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(delay=0.3)
    job = live_job(40)
    process = start()
    until(lambda: openai.in_flight == SLOTS, process.text)
    control.cancel(job)
    until(lambda: rows("SELECT state FROM job") == [{"state": "cancelled"}], process.text)
    assert set(states(job)) == {"succeeded", "cancelled"}
    assert calls(openai) == bookings("ok") == Counter(documents_in("succeeded"))


def test_a_process_whose_parent_is_gone_ends_itself(start: Start) -> None:
    orphan = start(CAIRN_PARENT_PID="1" if os.getpid() != 1 else "2")
    assert orphan.process.wait(PATIENCE_S) == 0, orphan.text()
    assert rows("SELECT 1 FROM worker") == []


def test_sigint_ends_it_as_well(start: Start) -> None:
    process = start()
    until(lambda: rows("SELECT 1 FROM worker"), process.text)
    process.process.send_signal(signal.SIGINT)
    assert process.process.wait(PATIENCE_S) == 0, process.text()


def test_one_that_hangs_is_taken_over_and_overwrites_nothing_newer(start: Start, openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(delay=0.5)
    job = live_job(40)
    first = start()
    until(lambda: heard() >= SLOTS and len(documents_in("in_flight")) == SLOTS, first.text)
    first.process.send_signal(signal.SIGSTOP)
    hung = documents_in("in_flight")
    second = start()
    # By its lease, not by the hung one's end.
    wait_until_completed(second, job)
    answers = "SELECT request_id, id FROM response ORDER BY id"
    newer = "SELECT id, response_id, state FROM request ORDER BY id"
    kept, results = len(rows(answers)), rows(newer)
    first.process.send_signal(signal.SIGCONT)
    # What it still brings is billed, once, instead of its estimate.
    until(lambda: bookings("unheard") == Counter() or first.process.poll() is not None, first.text)
    assert rows(newer) == results
    assert states(job) == {"succeeded": 40}
    assert len(rows(answers)) <= kept + len(hung)
    assert (bookings("ok") + bookings("unheard")) == calls(openai)


def test_when_the_leader_hangs_another_leads(start: Start) -> None:
    both = {one.process.pid: one for one in (start(), start())}
    until(lambda: len(leaders()) == 1 and len(rows("SELECT 1 FROM worker")) == 2, lambda: "no leader")
    (pid,) = leaders()
    hung = both.pop(pid)
    hung.process.send_signal(signal.SIGSTOP)
    (other,) = both
    until(lambda: other in leaders(), both[other].text)
    hung.process.send_signal(signal.SIGCONT)
    until(lambda: leaders() == [other], hung.text)
    assert hung.running
