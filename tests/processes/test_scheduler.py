"""Clocks that jump by an hour: a process's own, the database's, and all of them."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from core.asking import templates
from core.calls import breaker
from core.runtime import db, engines, migrate
from core.settings import store
from tests import databases
from tests.local_provider import LocalProvider, Reply
from tests.pipeline import make_job, ready_documents, rows, states
from tests.processes.running import JobsProcess, until

pytestmark = pytest.mark.kills
HOUR = 3600
MODEL = "gpt-5-mini"
DOCUMENTS = 40
SLOTS = 8
LIMITS = {
    "x-ratelimit-limit-requests": "6000",
    "x-ratelimit-remaining-requests": "5900",
    "x-ratelimit-reset-requests": "1s",
}


class Shifted(JobsProcess):
    MODULE = "tests.processes.jobs_with_clock"


@pytest.fixture(scope="module")
def migrated_by_its_clock(postgres_url: str) -> Iterator[str]:
    """The name of a database whose clock is off by as many seconds as its table `jump` says, to be copied."""
    with databases.copy(postgres_url, "clock", "template0") as own:
        with psycopg.connect(databases.owners(own), autocommit=True) as connection:
            connection.execute("CREATE SCHEMA clock")
            connection.execute("CREATE TABLE clock.jump AS SELECT 0::float8 AS seconds")
            for name, kind in (("now", "STABLE"), ("clock_timestamp", "VOLATILE")):
                connection.execute(
                    f"""CREATE FUNCTION clock.{name}() RETURNS timestamptz {kind} LANGUAGE sql AS
                        'SELECT pg_catalog.{name}() + make_interval(secs => seconds) FROM clock.jump'"""
                )
            connection.execute("GRANT ALL ON SCHEMA clock TO PUBLIC")
            connection.execute("GRANT ALL ON clock.jump TO PUBLIC")
        go_by_its_clock(own)
        engines.configure(own)
        migrate.upgrade(databases.owners(own))
        templates.sync_built_ins()
        engines.engine().dispose()
        yield make_url(own).database or ""


def go_by_its_clock(url: str) -> None:
    """A copy has the functions, and no setting that they come first."""
    with psycopg.connect(databases.owners(url), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {make_url(url).database} SET search_path = public, clock, pg_catalog")


@pytest.fixture
def url(postgres_url: str, migrated_by_its_clock: str) -> Iterator[str]:
    with databases.copy(postgres_url, "clock", migrated_by_its_clock) as own:
        go_by_its_clock(own)
        engines.configure(own)
        store.load()
        yield own
        engines.engine().dispose()


Start = Callable[[Path], JobsProcess]


@pytest.fixture
def start(url: str, tmp_path: Path, openai: LocalProvider, setting: Any) -> Iterator[Start]:
    setting(
        WORKER_LEASE_SECONDS=5,
        SCHEDULER_TICK_SECONDS=0.2,
        HEALTH_SAMPLE_SECONDS=0.5,
        LIVE_CONCURRENCY=SLOTS,
        SHUTDOWN_GRACE_SECONDS=2,
    )
    # The first calls of a job take longer than a tick: meanwhile nothing but heartbeats shows who lives.
    openai.plan = lambda _: Reply(delay=2 if (len(openai.asked) - 1) % DOCUMENTS < 2 * SLOTS else 0.2, headers=LIMITS)
    started: list[JobsProcess] = []

    def begin(clock: Path) -> JobsProcess:
        clock.write_text("0")
        one = Shifted(url, tmp_path / f"jobs-{len(started)}.log", str(clock))
        started.append(one)
        return one

    yield begin
    for one in started:
        if one.running:
            one.process.send_signal(signal.SIGCONT)
            one.kill()
        print(one.text())


def jump_database(seconds: float) -> None:
    with db.transaction() as session:
        # As with a real clock, no transaction's `now()` changes: those that read it before end before it jumps.
        db.execute(session, "LOCK TABLE clock.jump IN ACCESS EXCLUSIVE MODE")
        db.execute(session, "UPDATE clock.jump SET seconds = :seconds", seconds=seconds)


def live_job() -> str:
    return make_job(ready_documents(DOCUMENTS), provider="openai", model=MODEL)


def busy_workers() -> int:
    return len(rows("SELECT DISTINCT worker_id FROM request WHERE state = 'in_flight'"))


def samples() -> int:
    return len(rows("SELECT 1 FROM health_sample WHERE component = 'scheduler'"))


def leader() -> int | None:
    found = rows("SELECT name FROM worker WHERE leader ORDER BY last_seen DESC")
    return int(found[0]["name"].rsplit(":", 1)[1]) if found else None


def completed(job: str) -> bool:
    return rows("SELECT state FROM job WHERE id = :job", job=job) == [{"state": "completed"}]


def asked(provider: LocalProvider) -> Counter[str]:
    return Counter(one.document.split()[0] for one in provider.asked)


@pytest.mark.parametrize("hours", [1, -1])
def test_the_leaders_own_clock_jumps(hours: int, start: Start, openai: LocalProvider, tmp_path: Path) -> None:
    off, right = tmp_path / "off", tmp_path / "right"
    first = start(off)
    until(lambda: leader() == first.process.pid, first.text)
    second = start(right)
    until(lambda: len(rows("SELECT 1 FROM worker")) == 2, second.text)
    job = live_job()
    until(lambda: openai.in_flight > SLOTS, lambda: states(job))
    off.write_text(str(hours * HOUR))
    until(lambda: completed(job), lambda: f"{states(job)} {first.text()} {second.text()}")
    before = samples()
    until(lambda: samples() > before + 3, first.text)
    # It goes on itself: nobody had to take its place.
    assert leader() == first.process.pid
    assert asked(openai) == Counter(row["document_id"] for row in rows("SELECT document_id FROM request"))
    assert rows("SELECT status, count(*) AS n FROM usage_record GROUP BY 1") == [{"status": "ok", "n": DOCUMENTS}]
    assert rows("SELECT 1 FROM usage_record WHERE abs(extract(epoch FROM time - now())) > 300") == []
    assert rows("SELECT component, message FROM health_sample WHERE NOT healthy") == []
    assert rows("SELECT 1 FROM health_sample WHERE (figures ->> 'last_success_age_s')::float8 > 300") == []


@pytest.mark.parametrize(("alone", "hours"), [(True, 1), (False, -1)], ids=["database-ahead", "everything-back"])
def test_the_databases_clock_jumps(
    alone: bool, hours: int, start: Start, openai: LocalProvider, tmp_path: Path
) -> None:
    clocks = [tmp_path / "one", tmp_path / "other"]

    def jump(seconds: float) -> None:
        for clock in () if alone else clocks:
            clock.write_text(str(seconds))
        jump_database(seconds)

    both = [start(clock) for clock in clocks]
    until(lambda: len(rows("SELECT 1 FROM worker")) == 2, both[0].text)
    job = live_job()
    until(lambda: openai.in_flight > SLOTS, lambda: states(job))
    breaker.trip("openai", "another", 5, 2)
    jump(hours * HOUR)
    until(lambda: completed(job), lambda: f"{states(job)} {[one.text() for one in both]}")
    # Nobody was taken for dead.
    assert asked(openai) == Counter(row["document_id"] for row in rows("SELECT document_id FROM request"))
    assert rows("SELECT status, count(*) AS n FROM usage_record GROUP BY 1") == [{"status": "ok", "n": DOCUMENTS}]
    assert rows("SELECT 1 FROM job_event WHERE kind = 'taken_over'") == []
    before = samples()
    until(lambda: samples() > before + 1, both[0].text)
    until(lambda: rows("SELECT 1 FROM breaker WHERE retry_at < now() + interval '3 seconds'"), both[0].text)
    # Who was seen at a time that is yet to come is found dead all the same.
    job = make_job([row["id"] for row in rows("SELECT id FROM document")], "questions", provider="openai", model=MODEL)
    until(lambda: busy_workers() == 2, both[0].text)
    both[0].kill()
    jump(hours * HOUR - HOUR)
    until(lambda: completed(job), lambda: f"{states(job)} {both[1].text()}")
    assert rows("SELECT count(*) > 0 AS any FROM job_event WHERE kind = 'taken_over'") == [{"any": True}]
