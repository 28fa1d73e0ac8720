"""Two jobs processes at once: one create per slice, and one that was stopped overwrites nothing newer when it wakes."""

import signal
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from core.runtime import db
from tests.batch_provider import BatchProvider
from tests.pipeline import rows
from tests.processes.batch_jobs import assert_all_answered_once, batch_jobs, wait_until_completed
from tests.processes.places import AtProvider, AtTable, Place
from tests.processes.running import JobsProcess, Start, until

pytestmark = pytest.mark.kills


@pytest.fixture(autouse=True)
def _a_lease_that_no_busy_machine_loses(batch_times: None, setting: Any) -> None:
    setting(WORKER_LEASE_SECONDS=3)


# Where one is stopped: in a create that was carried out, a poll, a download, a write of answers, a COPY of answers.
STOPS: tuple[tuple[str, Place], ...] = (
    ("openai", AtProvider("create.after")),
    ("anthropic", AtProvider("retrieve.after")),
    ("openai", AtProvider("content.middle")),
    ("anthropic", AtTable("usage_record")),
    ("openai", AtTable("response")),
)


def test_one_that_was_stopped_longer_than_its_lease_overwrites_nothing_newer(
    start: Start, batch_server: BatchProvider, url: str
) -> None:
    first = start()
    until(leaders, first.text)
    both, jobs = [first], []
    for number, (provider, place) in enumerate(STOPS, 1):
        with place.armed(batch_server, url) as reached:
            jobs += batch_jobs(provider, params={"count": number})
            reached()
            stopped = holder(both)
            stopped.process.send_signal(signal.SIGSTOP)
            if stopped is first and len(both) == 1:
                # The leader is stopped, so that the other has to lead.
                both.append(start())
            others = [one for one in both if one is not stopped]
            if isinstance(place, AtProvider):
                wait_until_completed(batch_server, jobs, *others)
        wait_until_completed(batch_server, jobs, *others)
        before, told, at = everything(), len(too_late(stopped)), rows("SELECT now() AS now")[0]["now"]
        stopped.process.send_signal(signal.SIGCONT)
        until(partial(has_gone_on, stopped, told, at), stopped.text)
        assert everything() == before
    for one in both:
        assert one.stop() == 0
    assert_all_answered_once(batch_server, jobs)


def test_a_create_whose_creator_was_stopped_while_it_was_sent_comes_to_nothing(
    start: Start, batch_server: BatchProvider, url: str
) -> None:
    jobs = batch_jobs("anthropic")
    with db.transaction() as session:
        # More than fits between the two: a part of the body is still with its sender.
        db.execute(session, "UPDATE document_text SET text = text || repeat(' And again.', 250000)")
    with AtProvider("create.body").armed(batch_server, url) as reached:
        first = start()
        reached()
        first.process.send_signal(signal.SIGSTOP)
        second = start()
        # Absent for long enough, and sent again.
        wait_until_completed(batch_server, jobs, second)
    first.process.send_signal(signal.SIGCONT)
    until(lambda: too_late(first), first.text)
    for one in (first, second):
        assert one.stop() == 0
    assert_all_answered_once(batch_server, jobs)


def test_two_share_the_batches_of_many_jobs_and_one_dies(start: Start, batch_server: BatchProvider) -> None:
    both = [start(), start()]
    until(lambda: len(leaders()) == 1 and len(rows("SELECT 1 FROM worker")) == 2, both[0].text)
    jobs = [job for count in range(1, 4) for job in batch_jobs("openai", "anthropic", params={"count": count})]
    until(lambda: batch_server.creates >= 3, both[0].text)
    (leader,) = [one for one in both if one.process.pid in leaders()]
    leader.kill()
    (other,) = [one for one in both if one is not leader]
    wait_until_completed(batch_server, jobs, other)
    assert other.stop() == 0
    assert_all_answered_once(batch_server, jobs)


def leaders() -> list[int]:
    return [int(row["name"].rsplit(":", 1)[1]) for row in rows("SELECT name FROM worker WHERE leader")]


def holder(processes: list[JobsProcess]) -> JobsProcess:
    """Who holds the only batch that is held."""
    (row,) = rows("SELECT w.name FROM provider_batch b JOIN worker w ON w.id = b.worker_id")
    return next(one for one in processes if str(row["name"]).endswith(f":{one.process.pid}"))


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows that a batch is about."""
    tables = ("job", "provider_batch", "request", "response", "usage_record", "odd_line", "evidence", "job_event")
    return {table: rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables}


def has_gone_on(process: JobsProcess, told: int, since: datetime) -> bool:
    """It says that it is too late; or nothing, for a lease of heartbeats, if it was between two steps when stopped."""
    beats = "SELECT 1 FROM worker WHERE name LIKE '%:' || :pid AND last_seen > :since + interval '3 seconds'"
    return len(too_late(process)) > told or bool(rows(beats, pid=str(process.process.pid), since=since))


def too_late(process: JobsProcess) -> list[str]:
    """What a process says that has lost its batch, or its transaction."""
    said = ("a batch is held by another worker now", "a batch waits for the database")
    return [line for line in process.log.read_text().splitlines() if any(words in line for words in said)]
