"""Drive the real pipeline inside a test: the same functions the worker calls, one step at a time."""

import asyncio
import io
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core import calls, db, documents, extract, heartbeat, jobs, live, upkeep
from core.jobs import JobSpec

TEXT = (
    "The northern plant lost eleven percent of its output in March because two pumps failed. "
    "Repairs took nine days and cost 48,000 euros. "
    "The supplier has agreed to replace both pumps before the end of June. "
    "Management expects the plant to return to full output in July."
)


def add_document(text: str = TEXT, name: str = "report.txt", collection: str = "default") -> str:
    """A document that is extracted and ready."""
    added = documents.add(name, io.BytesIO(text.encode()), collection)
    extract.extract_document(added.document.id, heartbeat.register("test"), threading.Event())
    return added.document.id


def run_job(job_id: str, concurrency: int = 8) -> None:
    """Expand a job and let a worker of its own answer it, until nothing is due any more."""
    upkeep.expand_job(job_id)

    async def work() -> None:
        lane = live.LiveLane(heartbeat.register("test"), concurrency)
        await lane.open()
        for _ in range(3):
            await lane.pump(job_id)
            while await asyncio.to_thread(live.derive_chunk):
                pass
        await lane.close(5)

    asyncio.run(work())
    calls.configured.cache_clear()


def make_job(document_ids: list[str], template: str = "key_points", **spec: Any) -> str:
    chosen: Mapping[str, Any] = {"provider": "offline", "documents": tuple(document_ids), **spec}
    return jobs.create(JobSpec(template=template, **chosen), datetime.now(UTC))


def rows(sql: str, **params: Any) -> list[dict[str, Any]]:
    with db.transaction() as session:
        return [dict(row._mapping) for row in db.rows(session, sql, **params)]
