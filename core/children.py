"""Child processes of web: the jobs process and the embedded PostgreSQL, started, watched and ended in one way.

Whatever can be asked whether it is alive, started and stopped is `Supervised`; a `Child` brings it back when it dies,
at first soon, then ever more patiently.
"""

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from core.errors import CairnError

log = structlog.get_logger()

WAITS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
HEALTHY_AFTER = timedelta(seconds=60)


class Supervised(Protocol):
    @property
    def pid(self) -> int | None: ...

    @property
    def exit_code(self) -> int | None:
        """None while it runs or before it was started; minus the signal that ended it."""

    def alive(self) -> bool: ...

    def start(self) -> object: ...

    def stop(self, grace_s: float, /) -> None:
        """End it whatever it takes; nothing to do where it does not run. Interrupts a start in another thread."""


@dataclass(frozen=True)
class ChildState:
    """What the Health page shows. `next_start_at` is set while a restart is waited for."""

    name: str
    pid: int | None = None
    since: datetime | None = None
    restarts: int = 0
    last_exit: str | None = None
    next_start_at: datetime | None = None


def wait_before_restart(failures_in_a_row: int, waits_s: Sequence[float] = WAITS_S) -> float:
    return waits_s[min(failures_in_a_row, len(waits_s)) - 1]


def describe_exit(code: int | None) -> str:
    if code is None:
        return "not started"
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


class Child:
    """`start()` once, run `supervise()` as a task, and at the end cancel the task and `stop()`."""

    def __init__(
        self,
        name: str,
        supervised: Supervised,
        *,
        waits_s: Sequence[float] = WAITS_S,
        healthy_after: timedelta = HEALTHY_AFTER,
        look_every_s: float = 0.25,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        self.state = ChildState(name)
        self._supervised = supervised
        self._waits_s = waits_s
        self._healthy_after = healthy_after
        self._look_every_s = look_every_s
        self._clock = clock
        self._failures = 0
        self._stopped = False
        self._starting = threading.Lock()

    def start(self) -> None:
        """Does nothing after `stop()`: a start that was on its way when the end came must not leave a process."""
        with self._starting:
            if not self._stopped:
                self._supervised.start()
                self.state = replace(self.state, pid=self._supervised.pid, since=self._clock(), next_start_at=None)

    def stop(self, grace_s: float) -> None:
        self._stopped = True
        self._supervised.stop(grace_s)
        with self._starting:  # what slipped in between was interrupted, or has started: it ends here
            self._supervised.stop(grace_s)
        self.state = replace(self.state, pid=None, next_start_at=None)

    async def supervise(self) -> None:
        while not self._stopped:
            if self._supervised.alive():
                await asyncio.sleep(self._look_every_s)
            else:
                await self._bring_back(describe_exit(self._supervised.exit_code))

    async def _bring_back(self, last_exit: str) -> None:
        wait_s = self._note_death(last_exit)
        await asyncio.sleep(wait_s)
        try:
            await asyncio.to_thread(self.start)
        except (CairnError, OSError) as error:
            last_exit = f"did not start: {error}"
            self.state = replace(self.state, last_exit=last_exit)
            log.error("child.start_failed", child=self.state.name, error=str(error))

    def _note_death(self, last_exit: str) -> float:
        now = self._clock()
        if self.state.since and now - self.state.since >= self._healthy_after:
            self._failures = 0
        self._failures += 1
        wait_s = wait_before_restart(self._failures, self._waits_s)
        self.state = replace(
            self.state,
            pid=None,
            since=None,
            restarts=self.state.restarts + 1,
            last_exit=last_exit,
            next_start_at=now + timedelta(seconds=wait_s),
        )
        log.warning("child.died", child=self.state.name, exit=last_exit, wait_s=wait_s)
        return wait_s
