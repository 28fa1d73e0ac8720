"""The life of a process that works: its row and heartbeat, its two lanes, and an end in order."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import NoReturn

import structlog

from core import batches, calls, db, heartbeat
from core.batches import Batches
from core.children import end_with_parent
from core.live import LiveLane
from core.settings import Settings

log = structlog.get_logger()


@dataclass(frozen=True)
class Worker:
    name: str
    lane: LiveLane
    handed_over: Batches
    stop_extraction: threading.Event

    async def until_done(self, working: asyncio.Task[None], stop: asyncio.Event) -> bool:
        """Wait for the end of the work, or for `stop`. False where a part of the process failed."""
        stopping = asyncio.create_task(stop.wait())
        parts = (working, *self.lane.background)
        await asyncio.wait({stopping, *parts}, return_when=asyncio.FIRST_COMPLETED)
        faults = [part.exception() for part in parts if part.done() and not part.cancelled()]
        for fault in filter(None, faults):
            log.error("a part of the jobs process failed", reason=(str(fault).splitlines() or [repr(fault)])[0])
        return not any(faults)


def stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if parent := os.environ.get("CAIRN_PARENT_PID"):
        end_with_parent(int(parent), lambda: loop.call_soon_threadsafe(stop.set))
    return stop


@contextlib.asynccontextmanager
async def at_work(settings: Settings, leads: Callable[[], bool]) -> AsyncIterator[Worker]:
    """A worker of its own. At the end of the block steps and calls have the grace, and every claim is given back."""
    await asyncio.to_thread(batches.tidy)
    name = f"{socket.gethostname()}:{os.getpid()}"
    worker_id = await asyncio.to_thread(heartbeat.register, name)
    url = db.engine().url.render_as_string(hide_password=False)
    db.configure(url, application_name=heartbeat.connection_name(worker_id))
    one = Worker(name, LiveLane(worker_id, settings.live_concurrency), Batches(worker_id), threading.Event())
    await one.lane.open()
    beat = heartbeat.Heartbeat(worker_id, name, lambda: (len(one.lane.in_flight), leads()))
    beat.start()
    try:
        yield one
    finally:
        one.stop_extraction.set()
        await asyncio.gather(one.lane.close(settings.grace_seconds), one.handed_over.close(settings.grace_seconds))
        await calls.close()
        beat.stop()


def leave(code: int) -> NoReturn:
    """All that was heard is stored and every claim given back: what a library still waits for must not keep us."""
    sys.stderr.flush()
    os._exit(code)
