"""The queue's workers: they do what the clock and the use cases deferred."""

import asyncio
import os
import threading
from typing import Any

import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException

from core import db, queue
from core.errors import Unavailable
from core.live import LiveLane
from core.settings import Settings
from jobs import tasks

log = structlog.get_logger()


async def work(lane: LiveLane, stop_extraction: threading.Event, settings: Settings) -> None:
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
