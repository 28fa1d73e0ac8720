"""SIGTERM in the middle of a batch's step: what can end in time does, and what is cut off is gone on with."""

import pytest

from tests.batch_provider import BatchProvider
from tests.pipeline import PATIENCE_S, batch_rows, rows
from tests.processes.batch_jobs import assert_all_answered_once, batch_jobs, finish_open, wait_until_completed
from tests.processes.places import AtProvider, AtTable, Place
from tests.processes.running import Start, until

pytestmark = [pytest.mark.kills, pytest.mark.usefixtures("batch_times")]
STOPS: tuple[Place, ...] = (
    AtProvider("create.after", "create.after"),
    AtTable("usage_record", writers=2),
    AtProvider("content.middle", "results.middle"),
)


def test_what_does_not_end_in_time_is_cut_off_and_the_next_goes_on(
    start: Start, batch_server: BatchProvider, url: str
) -> None:
    def stop_at(place: Place, *arguments: str) -> None:
        with place.armed(batch_server, url) as reached:
            process = start(*arguments, SHUTDOWN_GRACE_SECONDS="0.5")
            reached()
            assert process.stop() == 0
            assert rows("SELECT 1 FROM worker") == []
        finish_open(batch_server)

    jobs = batch_jobs("openai")
    stop_at(AtProvider("upload.before"), "once")
    stop_at(AtProvider("upload.after"))
    jobs += batch_jobs("anthropic")
    for place in STOPS:
        stop_at(place)
    last = start()
    wait_until_completed(batch_server, jobs, last)
    last.stop()
    assert_all_answered_once(batch_server, jobs)


def test_what_ends_in_time_is_written_down(start: Start, batch_server: BatchProvider, url: str) -> None:
    jobs = batch_jobs("openai", "anthropic")
    with AtProvider("create.after", "create.after").armed(batch_server, url) as reached:
        first = start(SHUTDOWN_GRACE_SECONDS="60")
        reached()
        first.process.terminate()
        until(lambda: rows("SELECT 1 FROM procrastinate_workers") == [], first.text)
    assert first.process.wait(PATIENCE_S) == 0
    found = [batch for job in jobs for batch in batch_rows(job)]
    assert [(batch["state"], batch["error"]) for batch in found] == [("in_progress", None)] * 2, first.text()
    with AtProvider("content.middle", "results.middle").armed(batch_server, url) as reached:
        second = start(SHUTDOWN_GRACE_SECONDS="60")
        reached()
        second.process.terminate()
        until(lambda: rows("SELECT 1 FROM procrastinate_workers") == [], second.text)
    assert second.process.wait(PATIENCE_S) == 0
    found = [batch for job in jobs for batch in batch_rows(job)]
    assert [(batch["state"], batch["error"]) for batch in found] == [("completed", None)] * 2, second.text()
    last = start()
    wait_until_completed(batch_server, jobs, last)
    last.stop()
    assert_all_answered_once(batch_server, jobs)
