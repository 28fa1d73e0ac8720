"""A database for processes that are killed, and the processes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.runtime import engines
from core.settings import store
from tests import databases
from tests.batch_provider import BatchProvider
from tests.processes.running import JobsProcess, Start


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    """A migrated database of its own."""
    with databases.copy(postgres_url, "kills") as own:
        engines.configure(own)
        store.load()
        yield own
        engines.engine().dispose()


@pytest.fixture
def start(url: str, tmp_path: Path) -> Iterator[Start]:
    """`start(*arguments, NAME=value)` starts a jobs process on the test's database."""
    started: list[JobsProcess] = []

    def begin(*arguments: str, **env: str) -> JobsProcess:
        one = JobsProcess(url, tmp_path / f"jobs-{len(started)}.log", *arguments, **env)
        started.append(one)
        return one

    yield begin
    for one in started:
        if one.running:
            one.kill()
        # Shown where the test failed.
        print(one.text())


@pytest.fixture
def batch_times(batch_server: BatchProvider, setting: Any, tmp_path: Path) -> None:
    """Everything soon, and a place of its own for files."""
    setting(
        DATA_DIR=tmp_path / "data",
        WORKER_LEASE_SECONDS=1,
        SCHEDULER_TICK_SECONDS=0.2,
        HEALTH_SAMPLE_SECONDS=60,
        BATCH_SETTLE_SECONDS=1.5,
        SHUTDOWN_GRACE_SECONDS=3,
    )
