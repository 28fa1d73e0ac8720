import contextlib
import threading
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.health import report, sampling
from core.runtime import db, engines, worker_lease
from tests.pipeline import database_away, rows, until_now

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def beat(setting: object) -> worker_lease.Heartbeat:
    setting(WORKER_LEASE_SECONDS=1)  # type: ignore[operator]
    return worker_lease.Heartbeat(worker_lease.register("one"), "one", lambda: (3, True))


def forget() -> None:
    with db.transaction() as session:
        db.execute(session, "DELETE FROM worker")


def seen() -> bool:
    return rows("SELECT name, busy, leader FROM worker WHERE last_seen > now() - interval '0.5 seconds'") == [
        {"name": "one", "busy": 3, "leader": True}
    ]


def test_a_worker_is_seen_with_what_it_does_and_leaves(beat: worker_lease.Heartbeat) -> None:
    beat.start()
    until_now(seen)
    beat.stop()
    assert rows("SELECT 1 FROM worker") == []


def test_a_worker_that_was_forgotten_is_known_again(beat: worker_lease.Heartbeat) -> None:
    beat.start()
    until_now(seen)
    forget()
    until_now(seen)
    beat.stop()


def test_a_database_that_was_away_is_told_again(beat: worker_lease.Heartbeat, database: str) -> None:
    beat.start()
    until_now(seen)
    with database_away(database):
        assert not beat._stop.wait(0.6)
    until_now(seen)
    beat.stop()


def test_a_process_whose_connections_are_all_busy_is_alive(
    beat: worker_lease.Heartbeat, setting: object, database: str
) -> None:
    setting(DATABASE_POOL_TIMEOUT=0.01)  # type: ignore[operator]
    engine = engines.configure(database, pool_size=2)
    with contextlib.ExitStack() as held, psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as other:
        with contextlib.suppress(PoolTimeout):
            while True:
                held.enter_context(engine.connect())
        beat.start()
        until_now(lambda: other.execute("SELECT 1 FROM worker WHERE busy = 3").fetchall() == [(1,)])
    beat.stop()


def workers_well() -> bool:
    sampling.take(datetime.now(UTC), well=True)
    return next(sample.healthy for sample in report.latest_samples() if sample.component == "workers")


def test_a_heartbeat_that_fails_is_told_reddens_health_and_comes_back(
    setting: object, capsys: pytest.CaptureFixture[str]
) -> None:
    setting(WORKER_LEASE_SECONDS=1)  # type: ignore[operator]
    broken = threading.Event()

    def look() -> tuple[int, bool]:
        if broken.is_set():
            raise KeyError("who leads")
        return 3, True

    beat = worker_lease.Heartbeat(worker_lease.register("one"), "one", look)
    beat.start()
    until_now(seen)
    assert workers_well()
    broken.set()
    until_now(lambda: not workers_well())
    assert not [worker for worker in report.workers() if worker.alive]
    broken.clear()
    until_now(seen)
    assert workers_well()
    beat.stop()
    told = capsys.readouterr()
    assert "KeyError: 'who leads'" in told.out + told.err
