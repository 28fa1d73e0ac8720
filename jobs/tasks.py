"""The bodies of the tasks that core.runtime.queue defers by name.

Each gets the correlation id of the click or API call that deferred it; an id in the row goes before it.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import procrastinate

from core.answers import derive as answers_derive
from core.batch import steps
from core.batch.steps import Batches
from core.documents import extract, read_again
from core.documents.claims import READERS, SPARE, Turns
from core.insight_base import rechecking, renewal
from core.insights import comparing
from core.invoices import fetching
from core.judging import verdicts
from core.live.lane import LiveLane
from core.requests import expansion
from core.requests.origin import of_job
from core.runtime import correlation


@asynccontextmanager
async def about_job(job_id: str, correlation_id: str | None) -> AsyncIterator[None]:
    """Bind the correlation id in the job's row, also where the scheduler deferred the task."""
    with correlation.bound(await asyncio.to_thread(of_job, job_id) or correlation_id, job=job_id):
        yield


def register(app: procrastinate.App, lane: LiveLane, handed_over: Batches, stop: threading.Event) -> None:
    # Other processes do the reading; the threads only wait for them, and must not crowd out database work.
    extractors = ThreadPoolExecutor(READERS + SPARE, thread_name_prefix="extract")
    turns = Turns(lane.worker_id)

    @app.task(name="extract_document")
    async def extract_document(document_id: str, correlation_id: str | None = None) -> None:
        """One document is read for each of these tasks; which one, the turn decides."""
        await asyncio.get_running_loop().run_in_executor(extractors, extract.extract_next, turns, stop)

    @app.task(name="expand_job")
    async def expand_job(job_id: str, correlation_id: str | None = None) -> None:
        async with about_job(job_id, correlation_id):
            await asyncio.to_thread(expansion.expand_job, job_id)

    @app.task(name="pump_job")
    async def pump_job(job_id: str, correlation_id: str | None = None) -> None:
        async with about_job(job_id, correlation_id):
            await asyncio.to_thread(steps.pack_job, job_id)
            await lane.pump(job_id)

    @app.task(name="advance_batch")
    async def advance_batch(batch_id: str, correlation_id: str | None = None) -> None:
        await handed_over.advance(batch_id)

    @app.task(name="derive")
    async def derive(correlation_id: str | None = None) -> None:
        while await asyncio.to_thread(answers_derive.derive_chunk):
            pass

    _register_long_ones(app, lane, stop)


def _register_long_ones(app: procrastinate.App, lane: LiveLane, stop: threading.Event) -> None:
    """One of each at a time in this process, with threads of their own: new documents keep theirs."""
    names = ("recheck_quotes", "read_again", "renew_insights", "compare_insights", "read_verdicts", "fetch_invoices")
    at_it = {name: threading.Lock() for name in names}
    threads = ThreadPoolExecutor(len(at_it), thread_name_prefix="again")

    async def until_none_is_left(name: str, do_one: Callable[[], object]) -> None:
        if not at_it[name].acquire(blocking=False):
            return
        try:
            left: object = True
            while left and not stop.is_set():
                left = await asyncio.get_running_loop().run_in_executor(threads, do_one)
        finally:
            at_it[name].release()

    @app.task(name="recheck_quotes")
    async def recheck_quotes(correlation_id: str | None = None) -> None:
        await until_none_is_left("recheck_quotes", rechecking.recheck_document)

    @app.task(name="read_again")
    async def read_documents_again(correlation_id: str | None = None) -> None:
        await until_none_is_left("read_again", lambda: read_again.read_next(lane.worker_id, stop))

    @app.task(name="renew_insights")
    async def renew_insights(correlation_id: str | None = None) -> None:
        await until_none_is_left("renew_insights", renewal.renew)

    @app.task(name="compare_insights")
    async def compare_insights(correlation_id: str | None = None) -> None:
        await until_none_is_left("compare_insights", comparing.compare_some)

    @app.task(name="read_verdicts")
    async def read_verdicts(correlation_id: str | None = None) -> None:
        await until_none_is_left("read_verdicts", verdicts.read_some)

    @app.task(name="fetch_invoices")
    async def fetch_invoices(correlation_id: str | None = None) -> None:
        await until_none_is_left("fetch_invoices", fetching.fetch_next)
