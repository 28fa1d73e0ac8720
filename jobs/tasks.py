"""The bodies of the tasks that core.queue defers by name."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import procrastinate

from core import batches, extract, live, upkeep
from core.batches import Batches
from core.live import LiveLane


def register(app: procrastinate.App, lane: LiveLane, handed_over: Batches, stop: threading.Event) -> None:
    # Extraction runs in subprocesses; the threads only wait for them, and must not crowd out database work.
    extractors = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="extract")

    @app.task(name="extract_document")
    async def extract_document(document_id: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(extractors, extract.extract_document, document_id, lane.worker_id, stop)

    @app.task(name="expand_job")
    async def expand_job(job_id: str) -> None:
        await asyncio.to_thread(upkeep.expand_job, job_id)

    @app.task(name="pump_job")
    async def pump_job(job_id: str) -> None:
        await asyncio.to_thread(batches.pack_job, job_id)
        await lane.pump(job_id)

    @app.task(name="advance_batch")
    async def advance_batch(batch_id: str) -> None:
        await handed_over.advance(batch_id)

    @app.task(name="derive")
    async def derive() -> None:
        while await asyncio.to_thread(live.derive_chunk):
            pass
