"""kill -9 of a real jobs process in the middle of each step of a batch, and another that goes on from its rows."""

from typing import Any

import pytest

from core.batch import steps
from core.environment import get_settings
from core.requests import expansion
from tests.batch_provider import BatchProvider
from tests.pipeline import batch_rows, rows
from tests.processes.batch_jobs import assert_all_answered_once, batch_jobs, finish_open, wait_until_completed
from tests.processes.places import AtProvider, AtTable, Place
from tests.processes.running import Start, until

pytestmark = [pytest.mark.kills, pytest.mark.usefixtures("batch_times")]
UPLOAD: tuple[Place, ...] = (
    AtTable("request_body", mode="ACCESS EXCLUSIVE"),
    AtProvider("upload.before"),
    AtProvider("upload.after"),
)
# What both providers have; the two jobs are caught together.
THEN: tuple[Place, ...] = (
    AtProvider("create.before", "create.before"),
    AtProvider("create.after", "create.after"),
    AtTable("usage_record", writers=2),
    AtProvider("content.middle", "results.middle"),
    AtTable("job_event", writers=2, since=AtProvider("content.middle", "results.middle")),
    AtTable("insight"),
)


def test_killed_at_every_step_in_turn(start: Start, batch_server: BatchProvider, url: str) -> None:
    def kill_at(place: Place) -> None:
        with place.armed(batch_server, url) as reached:
            process = start()
            reached()
            process.kill()
        finish_open(batch_server)

    jobs = batch_jobs("openai")
    # Its rows are there before the first process is, so that the table of bodies is only read.
    expansion.expand_job(jobs[0])
    assert steps.pack_job(jobs[0]) == 1
    for place in UPLOAD:
        kill_at(place)
    jobs += batch_jobs("anthropic")
    for place in THEN:
        kill_at(place)
    # As one leaves them who is killed between the end of a batch and its tidying.
    (get_settings().data_dir / "scratch" / "bat_ended" / "1").mkdir(parents=True)
    last = start()
    wait_until_completed(batch_server, jobs, last)
    assert last.stop() == 0
    assert_all_answered_once(batch_server, jobs)
    assert [batch["state"] for job in jobs for batch in batch_rows(job)] == ["absent", "completed"] * 2


def test_killed_when_a_create_was_answered_and_not_yet_written_down(
    start: Start, batch_server: BatchProvider, url: str
) -> None:
    jobs = batch_jobs("openai", "anthropic")
    place = AtTable("job_event", writers=2, since=AtProvider("create.after", "create.after"))
    with place.armed(batch_server, url) as reached:
        first = start()
        reached()
        first.kill()
    second = start()
    wait_until_completed(batch_server, jobs, second)
    assert second.stop() == 0
    assert_all_answered_once(batch_server, jobs)
    assert [batch["state"] for job in jobs for batch in batch_rows(job)] == ["completed"] * 2


def test_a_create_that_the_provider_carries_out_after_its_creator_was_killed(
    start: Start, batch_server: BatchProvider, url: str, setting: Any
) -> None:
    setting(BATCH_SETTLE_SECONDS=60)
    jobs = batch_jobs("openai", "anthropic")
    with AtProvider("create.before", "create.before", even_if_gone=True).armed(batch_server, url) as reached:
        first = start()
        reached()
        first.kill()
        second = start()
        looked = "SELECT 1 FROM provider_batch WHERE state = 'settling' AND absent_since IS NOT NULL"
        until(lambda: len(rows(looked)) == 2, second.text)
        assert batch_server.creates == 0
    until(lambda: batch_server.creates == 2, second.text)
    wait_until_completed(batch_server, jobs, second)
    assert second.stop() == 0
    assert_all_answered_once(batch_server, jobs)


def test_killed_while_it_polls(start: Start, batch_server: BatchProvider, url: str) -> None:
    jobs = batch_jobs("openai", "anthropic")
    with AtProvider("retrieve.after", "retrieve.after").armed(batch_server, url) as reached:
        first = start()
        reached()
        first.kill()
    second = start()
    wait_until_completed(batch_server, jobs, second)
    second.stop()
    assert_all_answered_once(batch_server, jobs)
