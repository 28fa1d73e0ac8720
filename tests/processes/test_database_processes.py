"""The database goes away under web and jobs processes, for some seconds or by a kill, and comes back."""

import contextlib
import json
import os
import signal
import tempfile
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.asking import templates
from core.runtime import engines, migrate
from core.runtime.embedded_postgres import EmbeddedPostgres
from tests.batch_provider import BatchProvider
from tests.journeys.conftest import App, data_dir, start_app
from tests.local_provider import LocalProvider, Reply
from tests.pipeline import PATIENCE_S, make_job, ready_documents, rows, states
from tests.processes.running import JobsProcess, until

pytestmark = pytest.mark.kills
__all__ = ["data_dir"]
MODEL = "gpt-5-mini"
AWAY_SECONDS = 10
DOCUMENTS = 40
SLOTS = 8
TIMES = {
    "WORKER_LEASE_SECONDS": "2",
    "SCHEDULER_TICK_SECONDS": "0.5",
    "HEALTH_SAMPLE_SECONDS": "2",
    "LIVE_CONCURRENCY": str(SLOTS),
    "BATCH_POLL_SECONDS": "0.2",
    "BATCH_SETTLE_SECONDS": "1.5",
    "SHUTDOWN_GRACE_SECONDS": "3",
    "DATABASE_POOL_TIMEOUT": "5",
}


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of the test's own, such as DATABASE_URL names."""
    with tempfile.TemporaryDirectory(prefix="cairn-", ignore_cleanup_errors=True) as directory:
        own = EmbeddedPostgres(Path(directory))
        own.start()
        engines.configure(own.url)
        migrate.upgrade()
        templates.sync_built_ins()
        yield own
        engines.engine().dispose()
        own.stop()


def ask(app: App, number: int) -> int:
    """The status of a single text's answer; its connection is held until then."""
    body = {"operation": "key_points", "text": f"text_{number} was replaced.", "options": {}, "provider": "openai"}
    path = f"{app.url}/api/v1/text_processing/process"
    request = urllib.request.Request(path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.read()
        return refused.code


def asked(provider: LocalProvider) -> Counter[str]:
    return Counter(one.document.split()[0] for one in provider.asked)


def completed(*jobs: str) -> bool:
    found = rows("SELECT state FROM job WHERE id = ANY(:jobs)", jobs=list(jobs))
    return [row["state"] for row in found] == ["completed"] * len(jobs)


def waiting_texts() -> int:
    return len(rows("SELECT 1 FROM request WHERE state = 'in_flight' AND job_id IS NULL"))


def in_flight() -> int:
    return len(rows("SELECT 1 FROM request WHERE state = 'in_flight' AND lane = 'live'"))


def test_away_for_seconds_it_is_waited_for_in_both_lanes_and_by_single_texts(
    server: EmbeddedPostgres, batch_server: BatchProvider, setting: Any, data_dir: Path, tmp_path: Path
) -> None:
    url, away = server.url, threading.Event()
    provider = {"OPENAI_API_KEY": "test", "OPENAI_BASE_URL": batch_server.openai_url}

    # What is in flight as the database goes is answered while it is away.
    batch_server.plan = lambda _: Reply(delay=0.2, held=lambda: not away.is_set())
    documents = ready_documents(DOCUMENTS)
    live = make_job(documents, provider="openai", model=MODEL)
    app = start_app(data_dir, DATABASE_URL=url, EMBEDDED_JOBS="false", **provider, **TIMES)
    names = ("one", "other")
    with contextlib.ExitStack() as ends, ThreadPoolExecutor(4) as callers:
        ends.callback(app.stop)
        jobs = [JobsProcess(url, tmp_path / name, **TIMES, DATA_DIR=str(tmp_path / f"data-{name}")) for name in names]
        for one in jobs:
            ends.callback(one.kill)
        batch_server.hold("create.after")
        batch = make_job(documents[:12], "questions", provider="openai", model=MODEL, lane="batch")
        batch_server.reached("create.after")
        texts = [callers.submit(ask, app, number) for number in range(4)]
        until(lambda: waiting_texts() == 4 and in_flight() > SLOTS, lambda: f"{states(live)} {jobs[0].text()}")
        engines.engine().dispose()
        server.stop()
        away.set()
        batch_server.release("create.after")
        until(lambda: app.get("/health/db")[0] == 503, lambda: app.log.read_text()[-2000:])
        assert app.get("/health")[0] == 200
        status, told = app.get("/api/v1/jobs/")
        assert (status, "database" in told) == (503, True)
        threading.Event().wait(AWAY_SECONDS)
        assert app.process.poll() is None
        assert all(one.running for one in jobs)
        server.start()
        until(lambda: app.get("/health/db")[0] == 200, lambda: app.log.read_text()[-2000:])
        until(lambda: completed(live, batch), lambda: f"{states(live)} {states(batch)} {jobs[0].text()}")
        assert [text.result(PATIENCE_S) for text in texts] == [200] * 4
        # New tasks are heard of at once, as before: nobody is left to polling.
        hear = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN \"procrastinate%'"
        until(lambda: len(rows(hear)) == 4, lambda: rows("SELECT query FROM pg_stat_activity"))
        listening = "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'cairn%settings%'"
        until(lambda: len(rows(listening)) == 3, lambda: rows("SELECT application_name FROM pg_stat_activity"))
    assert asked(batch_server) == Counter([*documents, *(f"text_{number}" for number in range(4))])
    assert batch_server.creates == 1
    assert states(live) == {"succeeded": DOCUMENTS}
    assert states(batch) == {"succeeded": 12}
    booked = rows("SELECT lane, status, count(*) AS n FROM usage_record GROUP BY 1, 2 ORDER BY 1")
    assert booked == [{"lane": "batch", "status": "ok", "n": 12}, {"lane": "live", "status": "ok", "n": DOCUMENTS + 4}]


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def started_anew(data_dir: Path, before: int) -> bool:
    try:
        return postmaster(data_dir) != before
    except (OSError, IndexError):
        return False


def test_the_embedded_one_is_killed_and_started_again_by_itself(
    data_dir: Path, provider: LocalProvider, setting: Any
) -> None:
    provider.plan = lambda _: Reply(delay=3 if len(provider.asked) <= SLOTS else 0.1)
    setting(OPENAI_API_KEY="test", OPENAI_BASE_URL=provider.openai_url)
    app = start_app(data_dir, OPENAI_API_KEY="test", OPENAI_BASE_URL=provider.openai_url, **TIMES)
    engines.configure(f"postgresql://postgres@/cairn?host={data_dir / 'postgres'}&port=5432")
    (worker,) = (one for one in psutil.Process(app.process.pid).children() if "jobs" in one.cmdline())
    job = make_job(ready_documents(40), provider="openai", model=MODEL)
    until(lambda: in_flight() == SLOTS, lambda: app.log.read_text()[-2000:])
    engines.engine().dispose()
    before = postmaster(data_dir)
    os.kill(before, signal.SIGKILL)
    until(lambda: started_anew(data_dir, before) and app.get("/health/db")[0] == 200, app.log.read_text)
    until(lambda: completed(job), lambda: app.log.read_text()[-2000:])
    assert worker.is_running()
    assert asked(provider) == Counter(row["document_id"] for row in rows("SELECT document_id FROM request"))
    assert rows("SELECT status, count(*) AS n FROM usage_record GROUP BY 1") == [{"status": "ok", "n": 40}]
    engines.engine().dispose()
    app.stop()
