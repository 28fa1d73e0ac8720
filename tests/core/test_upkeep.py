"""What the clock does, on a PostgreSQL of its own that can be started again."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core import db, heartbeat, live, migrate, templates, upkeep
from core.embedded import EmbeddedPostgres
from tests.local_provider import LocalProvider
from tests.pipeline import make_job, ready_documents, rows, states


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
