"""The queue's workers: they do what the clock and the use cases deferred."""

import asyncio
import os
import threading
from typing import Any

import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException

from core import db, heartbeat, queue
from core.batches import Batches
from core.errors import Unavailable
from core.live import LiveLane
from jobs import tasks

log = structlog.get_logger()
RESTART_SECONDS = 1.0


async def work(lane: LiveLane, handed_over: Batches, stop_extraction: threading.Event) -> None:
    """The queue's workers, again and again: a database that goes away ends them, and they come back with it."""
    while not lane.stopping.is_set():
        reason = "the connection was lost"
        try:
            await _work_once(lane, handed_over, stop_extraction)
        except (ConnectorException, psycopg.Error, Unavailable) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
        log.warning("the queue's workers ended and start again", reason=reason)
        await asyncio.sleep(RESTART_SECONDS)


async def _work_once(lane: LiveLane, handed_over: Batches, stop_extraction: threading.Event) -> None:
    """A worker that loses its connection ends without an error: then the other ends, too, and both start again."""
    url = db.engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    named = {"application_name": heartbeat.connection_name(lane.worker_id)}
    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=6, kwargs=named)
    app = procrastinate.App(connector=connector)
    tasks.register(app, lane, handed_over, stop_extraction)
    options: dict[str, Any] = {
        "install_signal_handlers": False,
        "listen_notify": True,
        "fetch_job_polling_interval": 5.0,
        "delete_jobs": "always",
        "shutdown_graceful_timeout": 1.0,
        "update_heartbeat_interval": 2.0,
        "stalled_worker_timeout": queue.GONE_SECONDS,
    }
    async with app.open_async():
        workers = [
            asyncio.create_task(app.run_worker_async(queues=[name], concurrency=concurrency, name=name, **options))
            for name, concurrency in ((queue.DOCUMENTS, max(2, os.cpu_count() or 2)), (queue.JOBS, 32))
        ]
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for worker in workers:
                worker.cancel()
            ended = await asyncio.gather(*workers, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome
