"""Child processes of web: the jobs process and the embedded PostgreSQL, started, watched and ended in one way.

`Supervised` is a process that can be started, stopped and asked whether it is alive. A `Child` starts it again when it
dies: at first soon, then after longer and longer waits.
"""

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

log = structlog.get_logger()

WAITS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
HEALTHY_AFTER = timedelta(seconds=60)
# Deaths in a row from which on somebody has to look.
KEEPS_ENDING = 3
LOOK_EVERY_S = 0.25
PARENT_LOOK_EVERY_S = 0.5


class Supervised(Protocol):
    @property
    def pid(self) -> int | None: ...

    @property
    def exit_code(self) -> int | None:
        """None while it runs or before it was started; minus the signal that ended it."""

    def alive(self) -> bool: ...

    def start(self) -> object: ...

    def stop(self, grace_s: float, /) -> None:
        """End it, hard after `grace_s` seconds; nothing happens if it does not run. Interrupts a start in a thread."""


@dataclass(frozen=True)
class ChildState:
    """For the Health page and probes. `since` is set while it runs, `next_start_at` before a restart. `deaths` counts
    those in a row, each soon after its start."""

    name: str
    pid: int | None = None
    since: datetime | None = None
    restarts: int = 0
    deaths: int = 0
    last_exit: str | None = None
    next_start_at: datetime | None = None

    def keeps_ending(self, at: datetime) -> bool:
        return self.deaths >= KEEPS_ENDING and (self.since is None or at - self.since < HEALTHY_AFTER)


def wait_before_restart(deaths_in_a_row: int, waits_s: Sequence[float] = WAITS_S) -> float:
    return waits_s[min(deaths_in_a_row, len(waits_s)) - 1]


def describe_exit(code: int | None) -> str:
    if code is None:
        return "not started"
    return f"ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with exit code {code}"


class Child:
    """`start()` once, run `supervise()` as a task; at the end cancel the task and `stop()`."""

    def __init__(
        self,
        name: str,
        supervised: Supervised,
        *,
        waits_s: Sequence[float] = WAITS_S,
        healthy_after: timedelta = HEALTHY_AFTER,
        look_every_s: float = LOOK_EVERY_S,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        self.state = ChildState(name)
        self.supervised = supervised
        self._waits_s = waits_s
        self._healthy_after = healthy_after
        self._look_every_s = look_every_s
        self._clock = clock
        self._stopped = False
        self._starting = threading.Lock()

    def start(self) -> None:
        """Does nothing after `stop()`: a restart that was due when the end came must not leave a process behind."""
        with self._starting:
            if not self._stopped:
                self.supervised.start()
                self.state = replace(self.state, pid=self.supervised.pid, since=self._clock(), next_start_at=None)

    def stop(self, grace_s: float) -> None:
        self._stopped = True
        self.supervised.stop(grace_s)
        with self._starting:  # a start that came between the two lines above ends here
            self.supervised.stop(grace_s)
        self.state = replace(self.state, pid=None, since=None, next_start_at=None)

    async def supervise(self) -> None:
        failed_start: str | None = None
        while not self._stopped:
            if self.supervised.alive():
                await asyncio.sleep(self._look_every_s)
            else:
                await asyncio.sleep(self._note_death(failed_start or describe_exit(self.supervised.exit_code)))
                failed_start = await self._start_again()

    def _note_death(self, last_exit: str) -> float:
        now = self._clock()
        lived = self.state.since is not None and now - self.state.since >= self._healthy_after
        deaths = 1 if lived else self.state.deaths + 1
        wait_s = wait_before_restart(deaths, self._waits_s)
        self.state = replace(
            self.state,
            pid=None,
            since=None,
            deaths=deaths,
            last_exit=last_exit,
            next_start_at=now + timedelta(seconds=wait_s),
        )
        log.warning("a child process is down", child=self.state.name, reason=last_exit, restart_in_s=wait_s)
        return wait_s

    async def _start_again(self) -> str | None:
        self.state = replace(self.state, restarts=self.state.restarts + 1)
        try:
            await asyncio.to_thread(self.start)
        except Exception as error:  # outer boundary of supervision: no error of a child may end its watch
            return f"did not start: {error}"
        return None


class Command:
    """A program in a session and group of its own: Ctrl-C in the terminal is for web, which ends it in order."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None):
        self._command = command
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None
        self._group: int | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def alive(self) -> bool:
        if self._process is None:
            return False
        if self._process.poll() is None:
            return True
        self._kill_group()
        return False

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, env=self._env, stdin=subprocess.DEVNULL, start_new_session=True)
        self._group = self._process.pid

    def stop(self, grace_s: float, /) -> None:
        """SIGTERM for the program; SIGKILL for the rest of its group when it has ended or the grace is over."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        self._kill_group()
        self._process.wait()

    def _kill_group(self) -> None:
        """Once only, soon after the program's end: later another group may have its number."""
        group, self._group = self._group, None
        if group is not None:
            with suppress(ProcessLookupError, PermissionError):  # macOS: the latter where only a zombie is left
                os.killpg(group, signal.SIGKILL)


def end_with_parent(
    parent_pid: int, on_death: Callable[[], object], *, look_every_s: float = PARENT_LOOK_EVERY_S
) -> None:
    """Call `on_death` once when the parent process is gone. It polls, as PR_SET_PDEATHSIG is not portable."""

    def watch() -> None:
        while os.getppid() == parent_pid:
            time.sleep(look_every_s)
        on_death()

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
