"""Real programs that really die. A mark in their environment shows at the end that none is left."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest

from core.children import Child, Command, Supervised, describe_exit, wait_before_restart
from core.embedded import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
QUICK = (0.01, 0.02, 0.04)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
SLEEPS = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
WITH_HELPER = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); time.sleep(60)"


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if lives(process) and process.environ().get("CAIRN_TEST_MARK") == mark:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def env() -> Iterator[Mapping[str, str]]:
    mark = uuid.uuid4().hex
    yield os.environ | {"CAIRN_TEST_MARK": mark, "PYTHONPATH": str(ROOT)}
    left = marked(mark)
    for process in left:
        process.kill()
    assert left == []


def wait_until(true: Callable[[], object], within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "did not become true in time"
        time.sleep(0.01)


def watch(child: Child, done: Callable[[], object], within_s: float = 10) -> None:
    """Supervise until `done`, then end everything as web does."""

    async def until_done() -> None:
        task = asyncio.create_task(child.supervise())
        deadline = time.monotonic() + within_s
        while not done() and time.monotonic() < deadline and not task.done():
            await asyncio.sleep(0.005)
        task.cancel()
        child.stop(1)
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(until_done())
    assert done(), child.state


@pytest.mark.parametrize(
    ("deaths", "wait_s"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (1000, 30)]
)
def test_waits_grow_up_to_half_a_minute(deaths: int, wait_s: float) -> None:
    assert wait_before_restart(deaths) == wait_s


@pytest.mark.parametrize(
    ("code", "words"),
    [(None, "not started"), (0, "ended with exit code 0"), (-9, "ended by signal 9 (Killed)"), (-60, "signal 60")],
)
def test_exits_are_told_in_words(code: int | None, words: str) -> None:
    assert words in describe_exit(code)


def test_stop_lets_a_program_end_in_its_own_way(env: Mapping[str, str], tmp_path: Path) -> None:
    ends = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(3)); print(flush=True)"
    (tmp_path / "out").touch()
    command = Command(["sh", "-c", f'exec "$0" -c "{ends}; time.sleep(60)" >{tmp_path}/out', sys.executable], env)
    child = Child("test", command)
    child.start()
    assert child.state.pid == command.pid
    wait_until((tmp_path / "out").read_text)
    started = time.monotonic()
    child.stop(10)
    assert time.monotonic() - started < 5
    assert (command.alive(), command.exit_code, child.state.pid) == (False, 3, None)


@pytest.mark.kills
def test_stop_kills_what_does_not_end_within_the_grace(env: Mapping[str, str]) -> None:
    command = Command([sys.executable, "-c", f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"], env)
    command.start()
    process = psutil.Process(command.pid)
    ignored = f"SigIgn:\t{1 << (signal.SIGTERM - 1):016x}"
    wait_until(lambda: int(Path(f"/proc/{process.pid}/status").read_text().split("SigIgn:")[1].split()[0], 16) & 0x4000)
    started = time.monotonic()
    command.stop(0.3)
    assert 0.3 <= time.monotonic() - started < 5
    assert command.exit_code == -signal.SIGKILL
