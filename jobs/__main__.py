"""`python -m jobs`: APScheduler decides when, the queue's worker does it. As many of these as one likes."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading

import structlog

from core import calls, db, heartbeat, migrate, templates
from core.batches import Batches
from core.children import end_with_parent
from core.errors import CairnError
from core.live import LiveLane
from core.logs import configure_logs
from core.settings import Settings, get_settings
from jobs import clock, worker

log = structlog.get_logger()


def main() -> int:
    try:
        settings = get_settings()
        configure_logs(settings)
        db.engine()
        migrate.upgrade()
        templates.sync_built_ins()
    except CairnError as error:
        print(error.message, file=sys.stderr)
        return 2
    asyncio.run(run(settings))
    return 0


async def run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if parent := os.environ.get("CAIRN_PARENT_PID"):
        end_with_parent(int(parent), lambda: loop.call_soon_threadsafe(stop.set))

    name = f"{socket.gethostname()}:{os.getpid()}"
    worker_id = await asyncio.to_thread(heartbeat.register, name)
    db.configure(
        db.engine().url.render_as_string(hide_password=False), application_name=heartbeat.connection_name(worker_id)
    )
    lane = LiveLane(worker_id, settings.live_concurrency)
    handed_over = Batches(worker_id)
    await lane.open()
    stop_extraction = threading.Event()
    leadership = clock.Leadership()
    beat = heartbeat.Heartbeat(worker_id, name, lambda: (len(lane.in_flight), leadership.held))
    beat.start()
    scheduler = clock.make(leadership)
    scheduler.start()
    log.info("jobs started", worker=name)

    working = asyncio.create_task(worker.work(lane, handed_over, stop_extraction))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping, *lane.background}, return_when=asyncio.FIRST_COMPLETED)
    for part in (working, *lane.background):
        if part.done() and not part.cancelled() and (fault := part.exception()):
            log.error("a part of the jobs process failed", reason=(str(fault).splitlines() or [repr(fault)])[0])

    # SIGTERM has the grace; everything that claims work ends first.
    scheduler.shutdown(wait=False)
    stop_extraction.set()
    lane.stopping.set()
    working.cancel()
    handed_over.stopping.set()
    await asyncio.gather(lane.close(settings.grace_seconds), handed_over.close(settings.grace_seconds))
    await calls.close()
    await asyncio.wait({working}, timeout=1)
    beat.stop()
    leadership.close()
    if not stop.is_set():
        log.error("A part of the jobs process ended by itself; the process ends with it.", worker=name)
    log.info("jobs ended", worker=name)
    # All that was heard is stored and every claim is given back: what a library still waits for must not keep us here.
    sys.stderr.flush()
    os._exit(0 if stop.is_set() else 1)


if __name__ == "__main__":
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    sys.exit(main())
