"""What the clock does; where that matters on a PostgreSQL of its own that can be started again."""

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import psycopg.sql
import pytest

from core.asking import templates
from core.batch import steps
from core.errors import Unavailable
from core.jobs import control
from core.jobs import report as jobs_report
from core.live import claims, lane, release
from core.requests import expansion
from core.runtime import db, engines, migrate, worker_lease
from core.runtime.embedded_postgres import EmbeddedPostgres
from core.tables.jobs import WaitsFor
from core.upkeep import tick
from tests.local_provider import LocalProvider
from tests.pipeline import PATIENCE_S, make_job, ready_documents, rows, run_job, states, until_now


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory(prefix="cairn-", ignore_cleanup_errors=True) as directory:
        own = EmbeddedPostgres(Path(directory))
        own.start()
        yield own
        engines.engine().dispose()
        own.stop()


def test_after_a_restart_of_postgresql_the_living_have_time_to_show_it(
    server: EmbeddedPostgres, openai: LocalProvider, setting: Any
) -> None:
    setting(WORKER_LEASE_SECONDS=3)
    engines.configure(server.url)
    migrate.upgrade()
    templates.sync_built_ins()
    job = make_job(ready_documents(1), provider="openai", model="gpt-5-mini")
    expansion.expand_job(job)
    worker = worker_lease.register("living")
    assert len(lane.claim(job, worker, 1).calls) == 1
    with db.transaction() as session:
        db.execute(session, "UPDATE worker SET last_seen = now() - interval '1 hour'")
    server.stop()
    server.start()
    engines.configure(server.url)
    tick.tick(datetime.now(UTC))
    assert states(job) == {"in_flight": 1}
    deadline = time.monotonic() + PATIENCE_S
    while states(job) == {"in_flight": 1}:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        tick.tick(datetime.now(UTC))
    assert states(job) == {"pending": 1}
    assert rows("SELECT status FROM usage_record") == [{"status": "unheard"}]


SLOW_CLOCK = """
CREATE SCHEMA clock;
CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql AS
  'SELECT pg_catalog.now() + interval ''1 hour'' FROM (SELECT pg_sleep(1.1)) AS slow'"""


def test_a_clock_that_takes_long_to_read_may_have_jumped_and_takes_nobody_over(
    own_database: str, openai: LocalProvider
) -> None:
    worker = worker_lease.register("living")
    job = make_job(ready_documents(1), provider="openai", model="gpt-5-mini")
    expansion.expand_job(job)
    assert len(lane.claim(job, worker, 1).calls) == 1
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute(SLOW_CLOCK)
        named = psycopg.sql.Identifier(connection.info.dbname)
        connection.execute(
            psycopg.sql.SQL("ALTER DATABASE {} SET search_path = public, clock, pg_catalog").format(named)
        )
    engines.engine().dispose()
    tick.tick(datetime.now(UTC))
    assert states(job) == {"in_flight": 1}


def waits_for() -> WaitsFor | None:
    (row,) = jobs_report.find().items
    assert row.error is None
    return row.waits_for


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("expanded", [False, True])
def test_a_job_whose_provider_is_not_set_up_here_says_so_once_and_goes_on_when_it_is(
    expanded: bool, openai: LocalProvider, setting: Any
) -> None:
    job = make_job(ready_documents(2), provider="openai", model="gpt-5-mini")
    if expanded:
        expansion.expand_job(job)
    worker = worker_lease.register("now and then without a key")
    for _ in range(2):
        setting(OPENAI_API_KEY="", OPENAI_BASE_URL="")
        tick.tick(datetime.now(UTC))
        expansion.expand_job(job)
        assert lane.claim(job, worker, 8) == claims.NOTHING
        assert steps.pack_job(job) == 0
        assert waits_for() == WaitsFor("not_set_up", "openai", "gpt-5-mini")
        (event,) = rows("SELECT message FROM job_event WHERE kind = 'waiting'")
        assert event["message"].startswith("The job waits. In the jobs process, openai is not set up: set its key on")
        assert rows("SELECT state FROM job") == [{"state": "running"}]
        setting(OPENAI_API_KEY="test", OPENAI_BASE_URL=openai.openai_url)
        assert len(lane.claim(job, worker, 1).calls) == int(expanded)
        assert waits_for() is None
    expansion.expand_job(job)
    with db.transaction() as session:
        release.forget_unsent(session, worker, [])
    run_job(job)
    assert states(job) == {"succeeded": 2}


@pytest.mark.usefixtures("database")
def test_a_job_that_waited_for_its_provider_and_was_cancelled_waits_no_more(
    openai: LocalProvider, setting: Any
) -> None:
    job = make_job(ready_documents(1), provider="openai", model="gpt-5-mini")
    setting(OPENAI_API_KEY="", OPENAI_BASE_URL="")
    expansion.expand_job(job)
    assert waits_for() is not None
    control.cancel(job)
    assert rows("SELECT state, waits_for FROM job") == [{"state": "cancelled", "waits_for": None}]


@pytest.fixture(params=["jobs", "web"])
def stopped(database: str, request: pytest.FixtureRequest) -> Iterator[tuple[int, psycopg.Connection[Any]]]:
    """A process, and a connection of it that can be left within a transaction."""
    worker = worker_lease.register("stopped", request.param)
    name = worker_lease.connection_name(worker, request.param)
    with psycopg.connect(database, application_name=name) as connection:
        yield worker, connection


def see(worker: int, hours: int) -> None:
    with db.transaction() as session:
        db.execute(
            session,
            "UPDATE worker SET last_seen = now() + make_interval(hours => :hours) WHERE id = :id",
            hours=hours,
            id=worker,
        )


def tick_until(condition: Callable[[], object]) -> None:
    """PostgreSQL may have been started so recently that nobody can be taken for dead yet."""

    def round_of_it() -> bool:
        tick.tick(datetime.now(UTC))
        return bool(condition())

    until_now(round_of_it)


def is_cut(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def test_a_dead_workers_transaction_is_ended_and_a_living_ones_is_not(
    stopped: tuple[int, psycopg.Connection[Any]], database: str, setting: Any
) -> None:
    setting(WORKER_LEASE_SECONDS=1)
    worker, connection = stopped
    living = worker_lease.register("living")
    see(worker, -1)
    with psycopg.connect(database, application_name=worker_lease.connection_name(living)) as other:
        for one in (connection, other):
            one.execute("SELECT 1")
        tick_until(lambda: see(living, 0) or is_cut(connection))
        other.execute("SELECT 1")


def test_a_tick_does_not_wait_for_one_who_was_only_just_stopped(
    stopped: tuple[int, psycopg.Connection[Any]], setting: Any
) -> None:
    setting(WORKER_LEASE_SECONDS=1)
    ready_documents(1)
    with db.transaction() as session:
        db.execute(session, "UPDATE document SET state = 'queued'")
    worker, connection = stopped
    see(worker, 1)
    task = "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock) VALUES ('a', 'b', %s)"
    connection.execute(task, ("extract_document:doc_0000",))
    # So that one who waits for it is not waited for.
    connection.execute("SET idle_in_transaction_session_timeout = '10s'")
    with pytest.raises(Unavailable):
        tick.tick(datetime.now(UTC))
    see(worker, -1)
    tick_until(lambda: is_cut(connection))
    assert rows("SELECT task_name FROM procrastinate_jobs") == [{"task_name": "extract_document"}]
