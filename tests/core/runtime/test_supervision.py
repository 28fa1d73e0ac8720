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

from core.runtime.embedded_postgres import EmbeddedPostgres
from core.runtime.supervision import Child, Command, describe_exit, wait_before_restart
from tests.pipeline import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 21, tzinfo=UTC)
QUICK_S = (0.01, 0.02, 0.04)

# Each tells that it is ready by making the file that is its argument.
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
open(sys.argv[1], "w").close()
time.sleep(600)
"""
DEAF = POLITE.replace("lambda *_: sys.exit(3)", "signal.SIG_IGN")
POLITE_WITH_DEAF_CHILD = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {DEAF!r}, sys.argv[1]])
time.sleep(600)
"""
ENDS_WITH_PARENT = """
import os, signal, sys, time
from core.runtime.supervision import end_with_parent
end_with_parent(int(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGTERM), look_every_s=0.05)
open(sys.argv[1], "w").close()
time.sleep(600)
"""
PARENT = f"""
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {ENDS_WITH_PARENT!r}, sys.argv[1], str(os.getpid())])
time.sleep(600)
"""


def marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            zombie = process.status() == psutil.STATUS_ZOMBIE
            if not zombie and process.environ().get("CAIRN_TEST_MARK") == mark:
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


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    return tmp_path / "ready"


def python(program: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", program, *map(str, arguments)]


def wait_until(true: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "did not become true in time"
        time.sleep(0.01)


def supervise_until(child: Child, done: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    async def run() -> bool:
        task = asyncio.create_task(child.supervise())
        deadline = time.monotonic() + within_s
        while not (as_wanted := bool(done())) and time.monotonic() < deadline and not task.done():
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.wait({task})
        return as_wanted

    assert asyncio.run(run()), child.state


@pytest.mark.parametrize(("deaths", "wait_s"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (1000, 30)])
def test_waits_grow_up_to_half_a_minute(deaths: int, wait_s: float) -> None:
    assert wait_before_restart(deaths) == wait_s


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, "not started"),
        (0, "ended with exit code 0"),
        (-9, "ended by signal 9 (Killed)"),
        (-40, "ended by signal 40 (Real-time signal 6)"),
    ],
)
def test_exits_are_told_in_words(code: int | None, words: str) -> None:
    assert describe_exit(code) == words


def test_stop_lets_a_program_end_in_its_own_way(env: Mapping[str, str], ready: Path) -> None:
    command = Command(python(POLITE, ready), env)
    child = Child("polite", command, clock=lambda: NOW)
    child.start()
    assert (child.state.pid, child.state.since, command.alive()) == (command.pid, NOW, True)
    wait_until(ready.exists)
    started = time.monotonic()
    child.stop(2 * PATIENCE_S)
    assert time.monotonic() - started < PATIENCE_S
    assert (command.alive(), command.exit_code, child.state.pid) == (False, 3, None)


@pytest.mark.kills
@pytest.mark.parametrize("program", [DEAF, POLITE_WITH_DEAF_CHILD], ids=["deaf", "with a deaf child"])
def test_stop_leaves_nothing_of_the_group(env: Mapping[str, str], ready: Path, program: str) -> None:
    command = Command(python(program, ready), env)
    command.start()
    wait_until(ready.exists)
    command.stop(0.3)
    assert not command.alive()
    wait_until(lambda: not marked(env["CAIRN_TEST_MARK"]))
    assert command.exit_code == (-signal.SIGKILL if program == DEAF else -signal.SIGTERM)


@pytest.mark.kills
def test_what_a_killed_program_leaves_is_ended_when_its_death_is_seen(env: Mapping[str, str], ready: Path) -> None:
    command = Command(python(POLITE_WITH_DEAF_CHILD, ready), env)
    command.start()
    wait_until(ready.exists)
    assert command.pid is not None
    os.kill(command.pid, signal.SIGKILL)
    wait_until(lambda: not command.alive())
    wait_until(lambda: not marked(env["CAIRN_TEST_MARK"]))


@pytest.mark.kills
def test_a_killed_program_comes_back(env: Mapping[str, str], ready: Path) -> None:
    command = Command(python(POLITE, ready), env)
    child = Child("jobs", command, waits_s=QUICK_S, look_every_s=0.01)
    child.start()
    first = child.state.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    supervise_until(child, lambda: child.state.restarts == 1 and child.state.pid)
    assert command.alive()
    assert child.state.pid not in (first, None)
    assert (child.state.last_exit, child.state.next_start_at) == ("ended by signal 9 (Killed)", None)
    child.stop(1)


class Recorded(Command):
    """Notes how long each restart was to be waited for, and lets an hour pass before the death numbered `old`."""

    def __init__(self, command: list[str], env: Mapping[str, str], old: int):
        super().__init__(command, env)
        self.child: Child | None = None
        self.now = NOW
        self.waits_s: list[float] = []
        self._old = old

    def start(self) -> None:
        if self.child and self.child.state.next_start_at:
            self.waits_s.append((self.child.state.next_start_at - self.now).total_seconds())
        super().start()

    def alive(self) -> bool:
        alive = super().alive()
        if not alive and len(self.waits_s) == self._old - 1:
            self._old = 0
            self.now += timedelta(hours=1)
        return alive


@pytest.mark.parametrize(("old", "waits_s"), [(0, [0.01, 0.02, 0.04, 0.04, 0.04]), (4, [0.01, 0.02, 0.04, 0.01, 0.02])])
def test_waits_grow_while_it_dies_young_and_start_anew_when_it_dies_old(
    env: Mapping[str, str], old: int, waits_s: list[float]
) -> None:
    command = Recorded(["sh", "-c", "exit 7"], env, old)
    child = command.child = Child("frail", command, waits_s=QUICK_S, look_every_s=0.005, clock=lambda: command.now)
    child.start()
    supervise_until(child, lambda: len(command.waits_s) >= 5)
    child.stop(1)
    assert command.waits_s[:5] == waits_s
    assert child.state.last_exit == "ended with exit code 7"


def test_a_program_that_cannot_start_is_tried_again_until_it_can(env: Mapping[str, str], tmp_path: Path) -> None:
    program = tmp_path / "program"
    child = Child("late", Command([str(program)], env), waits_s=QUICK_S, look_every_s=0.01)
    with pytest.raises(FileNotFoundError):
        child.start()
    supervise_until(child, lambda: child.state.restarts >= 2 and child.state.next_start_at)
    assert "did not start: [Errno 2]" in (child.state.last_exit or "")
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    supervise_until(child, lambda: child.state.pid)
    child.stop(1)


def test_after_stop_nothing_starts(env: Mapping[str, str], ready: Path) -> None:
    command = Command(python(POLITE, ready), env)
    child = Child("jobs", command)
    child.stop(1)
    child.start()
    asyncio.run(asyncio.wait_for(child.supervise(), PATIENCE_S))
    assert (command.pid, child.state.pid) == (None, None)


@pytest.mark.kills
def test_postgres_is_supervised_in_the_same_way() -> None:
    directory = Path(tempfile.mkdtemp(prefix="cairn-test-"))
    postgres = EmbeddedPostgres(directory)
    child = Child("postgres", postgres, waits_s=QUICK_S, look_every_s=0.01)
    child.start()
    first = child.state.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    supervise_until(child, lambda: child.state.restarts == 1 and child.state.pid)
    assert child.state.pid not in (first, None)
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    child.stop(10)
    assert (postgres.alive(), postgres.exit_code) == (False, 0)
    shutil.rmtree(directory)


@pytest.mark.kills
def test_a_child_ends_with_its_parent(env: Mapping[str, str], ready: Path) -> None:
    parent = subprocess.Popen(python(PARENT, ready), env=env)
    wait_until(ready.exists)
    assert len(marked(env["CAIRN_TEST_MARK"])) == 2
    time.sleep(0.2)
    assert len(marked(env["CAIRN_TEST_MARK"])) == 2, "it does not end before"
    parent.kill()
    parent.wait()
    wait_until(lambda: not marked(env["CAIRN_TEST_MARK"]))


@pytest.mark.kills
def test_a_parent_that_was_gone_before_counts_as_well(env: Mapping[str, str], ready: Path) -> None:
    beyond_every_pid = 2**22 + 1
    child = subprocess.Popen(python(ENDS_WITH_PARENT, ready, beyond_every_pid), env=env)
    assert child.wait(PATIENCE_S) == -signal.SIGTERM
