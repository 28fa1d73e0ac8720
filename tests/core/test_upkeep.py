"""What the clock does, on a PostgreSQL of its own that can be started again."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core import batches, claims, db, heartbeat, jobs, live, migrate, templates, upkeep
from core.embedded import EmbeddedPostgres
from tests.local_provider import LocalProvider
from tests.pipeline import make_job, ready_documents, rows, run_job, states


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory(prefix="cairn-", ignore_cleanup_errors=True) as directory:
        own = EmbeddedPostgres(Path(directory))
        own.start()
        yield own
        db.engine().dispose()
        own.stop()


def test_after_a_restart_of_postgresql_the_living_have_time_to_show_it(
    server: EmbeddedPostgres, openai: LocalProvider, setting: Any
) -> None:
    setting(WORKER_LEASE_SECONDS=3)
    db.configure(server.url)
    migrate.upgrade()
    templates.sync_built_ins()
    job = make_job(ready_documents(1), provider="openai", model="gpt-5-mini")
    upkeep.expand_job(job)
    worker = heartbeat.register("living")
    assert len(live._claim(job, worker, 1).calls) == 1
    with db.transaction() as session:
        db.execute(session, "UPDATE worker SET last_seen = now() - interval '1 hour'")
    server.stop()
    server.start()
    db.configure(server.url)
    upkeep.tick(datetime.now(UTC))
    assert states(job) == {"in_flight": 1}
    deadline = time.monotonic() + 10
    while states(job) == {"in_flight": 1}:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        upkeep.tick(datetime.now(UTC))
    assert states(job) == {"pending": 1}
    assert rows("SELECT status FROM usage_record") == [{"status": "unheard"}]


def said() -> str | None:
    (row,) = rows("SELECT error FROM job")
    error: str | None = row["error"]
    return error


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("expanded", [False, True])
def test_a_job_whose_provider_is_not_set_up_here_says_so_once_and_goes_on_when_it_is(
    expanded: bool, openai: LocalProvider, setting: Any
) -> None:
    job = make_job(ready_documents(2), provider="openai", model="gpt-5-mini")
    if expanded:
        upkeep.expand_job(job)
    worker = heartbeat.register("now and then without a key")
    for _ in range(2):
        setting(OPENAI_API_KEY="", OPENAI_BASE_URL="")
        upkeep.tick(datetime.now(UTC))
        upkeep.expand_job(job)
        assert live._claim(job, worker, 8) == claims.Claimed((), 0, waiting=False)
        assert batches.pack_job(job) == 0
        assert "OPENAI_API_KEY" in (said() or "")
        assert rows("SELECT message FROM job_event WHERE kind = 'waiting'") == [{"message": said()}]
        assert rows("SELECT state FROM job") == [{"state": "running"}]
        setting(OPENAI_API_KEY="test", OPENAI_BASE_URL=openai.openai_url)
        assert len(live._claim(job, worker, 1).calls) == int(expanded)
        assert said() is None
    upkeep.expand_job(job)
    with db.transaction() as session:
        claims.forget_unsent(session, worker, [])
    run_job(job)
    assert states(job) == {"succeeded": 2}


@pytest.mark.usefixtures("database")
def test_a_job_that_waited_for_its_provider_and_was_cancelled_waits_no_more(
    openai: LocalProvider, setting: Any
) -> None:
    job = make_job(ready_documents(1), provider="openai", model="gpt-5-mini")
    setting(OPENAI_API_KEY="", OPENAI_BASE_URL="")
    upkeep.expand_job(job)
    assert said() is not None
    jobs.cancel(job)
    assert rows("SELECT state, error FROM job") == [{"state": "cancelled", "error": None}]
