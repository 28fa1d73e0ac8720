"""The life of a jobs process: its lease, its two lanes, and an orderly end."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import NoReturn

import structlog

from core.batch import steps
from core.batch.steps import Batches
from core.calls import clients
from core.environment import Settings
from core.live.lane import LiveLane
from core.runtime import engines, worker_lease
from core.runtime.supervision import end_with_parent
from core.settings import limits

log = structlog.get_logger()


class JobsProcess:
    def __init__(self, name: str, worker_id: int, settings: Settings):
        self.name = name
        self.lane = LiveLane(worker_id, limits.live_calls)
        self.handed_over = Batches(worker_id)
        self.stop_extraction = threading.Event()
        self._working: asyncio.Task[None] | None = None

    async def work(self, work: Coroutine[None, None, None], stop: asyncio.Event) -> bool:
        """Run `work` until it ends or `stop` is set. False where a part of the process failed."""
        self._working = asyncio.create_task(work)
        stopping = asyncio.create_task(stop.wait())
        parts = (self._working, *self.lane.background)
        await asyncio.wait({stopping, *parts}, return_when=asyncio.FIRST_COMPLETED)
        faults = [part.exception() for part in parts if part.done() and not part.cancelled()]
        for fault in filter(None, faults):
            log.error("a part of the jobs process failed", reason=(str(fault).splitlines() or [repr(fault)])[0])
        return not any(faults)

    async def close(self, grace_seconds: float) -> None:
        """Stop claiming work; steps and calls in flight have `grace_seconds` to end."""
        self.stop_extraction.set()
        self.lane.stopping.set()
        self.handed_over.stopping.set()
        if self._working:
            self._working.cancel()
        await asyncio.gather(self.lane.close(grace_seconds), self.handed_over.close(grace_seconds))
        await clients.close()
        if self._working:
            await asyncio.wait({self._working}, timeout=1)


def stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if parent := os.environ.get("CAIRN_PARENT_PID"):
        end_with_parent(int(parent), lambda: loop.call_soon_threadsafe(stop.set))
    return stop


@contextlib.asynccontextmanager
async def at_work(settings: Settings, leads: Callable[[], bool]) -> AsyncIterator[JobsProcess]:
    """Register this process as a worker; when the block ends, every claim of it is released."""
    await asyncio.to_thread(steps.tidy)
    name = engines.process_name()
    worker_id = await asyncio.to_thread(worker_lease.register, name)
    worker_lease.name_connections(worker_id)
    one = JobsProcess(name, worker_id, settings)
    await one.lane.open()
    beat = worker_lease.Heartbeat(worker_id, name, lambda: (len(one.lane.in_flight), leads()))
    beat.start()
    try:
        yield one
    finally:
        await one.close(settings.grace_seconds)
        beat.stop()


def leave(code: int) -> NoReturn:
    """End the process at once: answers are stored and claims released, and no thread of a library may delay the end."""
    sys.stderr.flush()
    os._exit(code)
