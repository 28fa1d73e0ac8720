"""`python -m jobs`: APScheduler decides when, the queue's worker does it. As many of these as one likes."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from typing import Any

import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException

from core import db, heartbeat, migrate, queue, templates
from core.children import end_with_parent
from core.errors import CairnError, Unavailable
from core.live import LiveLane
from core.logs import configure_logs
from core.settings import Settings, get_settings
from jobs import clock, tasks

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
    lane = LiveLane(worker_id, settings.live_concurrency)
    await lane.open()
    stop_extraction = threading.Event()
    leadership = clock.Leadership()
    beat = heartbeat.Heartbeat(worker_id, lambda: (len(lane.in_flight), leadership.held))
    beat.start()
    scheduler = clock.make(leadership)
    scheduler.start()
    log.info("jobs started", worker=name)

    working = asyncio.create_task(_work(lane, stop_extraction, settings))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping, *lane.background}, return_when=asyncio.FIRST_COMPLETED)

    # SIGTERM has the grace; everything that claims work ends first.
    scheduler.shutdown(wait=False)
    stop_extraction.set()
    await lane.close(settings.grace_seconds)
    working.cancel()
    await asyncio.wait({working}, timeout=2)
    beat.stop()
    leadership.close()
    log.info("jobs ended", worker=name)
    if not stop.is_set():
        raise RuntimeError("A part of the jobs process ended by itself; the process ends with it.")


async def _work(lane: LiveLane, stop_extraction: threading.Event, settings: Settings) -> None:
    """The queue's workers, again and again: a database that goes away ends them, and they come back with it."""
    while not lane.stopping.is_set():
        try:
            await _work_once(lane, stop_extraction, settings)
        except (ConnectorException, psycopg.Error, Unavailable) as error:
            log.warning("the queue is not reachable", reason=str(error).splitlines()[0])
            await asyncio.sleep(1)


async def _work_once(lane: LiveLane, stop_extraction: threading.Event, settings: Settings) -> None:
    url = db.engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=6)
    app = procrastinate.App(connector=connector)
    tasks.register(app, lane, stop_extraction)
    options: dict[str, Any] = {
        "install_signal_handlers": False,
        "listen_notify": True,
        "fetch_job_polling_interval": 5.0,
        "delete_jobs": "always",
        "shutdown_graceful_timeout": 1.0,
        "update_heartbeat_interval": 2.0,
        "stalled_worker_timeout": settings.worker_lease_seconds,
    }
    async with app.open_async(), asyncio.TaskGroup() as group:
        for name, concurrency in ((queue.DOCUMENTS, max(2, os.cpu_count() or 2)), (queue.JOBS, 32)):
            group.create_task(app.run_worker_async(queues=[name], concurrency=concurrency, name=name, **options))


if __name__ == "__main__":
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    sys.exit(main())
