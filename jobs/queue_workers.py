"""The queue's workers: they run the tasks that the scheduler and the use cases deferred."""

import asyncio
import threading
from typing import Any

import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException

from core.batch.steps import Batches
from core.documents.claims import READERS, SPARE
from core.errors import Unavailable
from core.live.lane import LiveLane
from core.runtime import engines, queue, worker_lease
from jobs import tasks

log = structlog.get_logger()
RESTART_SECONDS = 1.0
LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 3.0
# Tasks about documents that take no reader: quotes that are checked again, documents that are read again.
BESIDE = 2


async def work(lane: LiveLane, handed_over: Batches, stop_extraction: threading.Event) -> None:
    """Run the queue's workers, and start them again whenever they end: a database that goes away ends them."""
    logged = ""
    while not lane.stopping.is_set():
        reason = "the connection was lost"
        try:
            await _work_once(lane, handed_over, stop_extraction)
        except (ConnectorException, psycopg.Error, Unavailable) as error:
            reason = next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)
        if reason != logged:
            log.warning("the queue's workers ended and start again", reason=reason)
            logged = reason
        await asyncio.sleep(RESTART_SECONDS)


async def _work_once(lane: LiveLane, handed_over: Batches, stop_extraction: threading.Event) -> None:
    """A worker that loses its connection ends without an error: then the other is ended, too, and both start again.

    A worker that loses only its notifications does not even end, but finds tasks by polling, for ever. So a connection
    beside theirs detects that the server has gone.
    """
    url = engines.engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    name = worker_lease.connection_name(lane.worker_id)
    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=6, kwargs={"application_name": name})
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
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, application_name=name) as beside:
        await app.open_async()
        workers: list[asyncio.Task[None]] = [
            asyncio.create_task(app.run_worker_async(queues=[which], concurrency=most, name=which, **options))
            for which, most in ((queue.DOCUMENTS, READERS + SPARE + BESIDE), (queue.JOBS, 32))
        ]
        workers.append(asyncio.create_task(_until_cut(beside)))
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # While the database is away they do not end; the next workers need not wait for that.
            ending = asyncio.create_task(_end(app, workers))
            _endings.add(ending)
            ending.add_done_callback(_endings.discard)
            await asyncio.wait({ending}, timeout=PATIENCE_SECONDS)
    for worker in workers:
        if worker.done() and not worker.cancelled() and (error := worker.exception()):
            raise error


_endings: set[asyncio.Task[None]] = set()


async def _end(app: procrastinate.App, workers: list[asyncio.Task[None]]) -> None:
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    await app.close_async()


async def _until_cut(connection: psycopg.AsyncConnection[Any]) -> None:
    """Raises when the connection ends. It listens to no channel; a query every few seconds checks that it is alive."""
    while True:
        async for _ in connection.notifies(timeout=LOOK_SECONDS):
            pass
        await connection.execute("SELECT 1")
