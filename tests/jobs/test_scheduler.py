import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import psycopg
import pytest

from core.health import report
from jobs import scheduler as jobs_scheduler
from jobs.scheduler import LEADER_LOCK, Leadership
from tests.databases import IN_THIS_DATABASE
from tests.pipeline import PATIENCE_S, until_now

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def two() -> Iterator[tuple[Leadership, Leadership]]:
    one, other = Leadership(), Leadership()
    yield one, other
    one.close()
    other.close()


def holders(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted AND {IN_THIS_DATABASE}",
            (LEADER_LOCK,),
        )
        return [pid for (pid,) in found]


def test_only_one_leads_until_it_leaves(two: tuple[Leadership, Leadership]) -> None:
    one, other = two
    assert [one.try_to_hold(), other.try_to_hold(), one.try_to_hold()] == [True, False, True]
    one.close()
    assert not one.held
    until_now(other.try_to_hold)  # the server takes a moment to see that the connection is gone


def test_a_lost_connection_loses_the_lead(two: tuple[Leadership, Leadership], database: str) -> None:
    one, other = two
    assert one.try_to_hold()
    (pid,) = holders(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 2000)", (pid,))
    assert other.try_to_hold()
    assert not one.try_to_hold()
    assert not one.held


def test_a_silent_leader_loses_the_lead(two: tuple[Leadership, Leadership], setting: Any) -> None:
    setting(WORKER_LEASE_SECONDS=1, SCHEDULER_TICK_SECONDS=0.2)
    one, other = two
    assert [one.try_to_hold(), other.try_to_hold()] == [True, False]
    until_now(other.try_to_hold)
    assert not one.try_to_hold()


@pytest.mark.parametrize("_round", range(10))
def test_threads_of_one_process_share_one_connection(_round: int, database: str) -> None:
    leadership = Leadership()
    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(lambda _n: leadership.try_to_hold(), range(4)))
    leadership.close()
    until_now(lambda: holders(database) == [])


def scheduler_well() -> bool | None:
    return next((s.healthy for s in report.latest_samples() if s.component == "scheduler"), None)


@pytest.mark.parametrize("trouble", ["fails", "hangs"])
def test_a_tick_that_fails_or_hangs_makes_the_scheduler_red_until_it_is_well_again(
    trouble: str, setting: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    setting(SCHEDULER_TICK_SECONDS=0.2, HEALTH_SAMPLE_SECONDS=1)  # type: ignore[operator]
    well = threading.Event()
    well.set()

    def tick(_at: datetime) -> None:
        if trouble == "hangs":
            assert well.wait(2 * PATIENCE_S)
        elif not well.is_set():
            raise KeyError("no such job")

    monkeypatch.setattr("core.upkeep.tick.tick", tick)
    monkeypatch.setattr(jobs_scheduler, "TICK_SECONDS", 0.3)
    leadership = Leadership()
    scheduler = jobs_scheduler.make(leadership)
    scheduler.start()
    try:
        until_now(lambda: scheduler_well() is True)
        well.clear()
        until_now(lambda: scheduler_well() is False)
        well.set()
        until_now(lambda: scheduler_well() is True)
    finally:
        well.set()
        scheduler.shutdown()
        leadership.close()
    told = capsys.readouterr()
    assert ("KeyError: 'no such job'" in told.out + told.err) == (trouble == "fails")
