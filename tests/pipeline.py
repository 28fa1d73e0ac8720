"""Drive the real pipeline inside a test: the same functions the worker calls, one step at a time."""

import asyncio
import io
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
from sqlalchemy import make_url

from core.answers import derive, keep
from core.batch import steps
from core.batch.steps import Batches
from core.calls import clients
from core.calls.outcomes import Outcome
from core.documents import extract, upload
from core.injection import detect
from core.jobs import launch
from core.jobs.launch import JobSpec
from core.judging import verdicts
from core.live.lane import DATABASE_THREADS, LiveLane
from core.requests import expansion, finishing
from core.runtime import db, worker_lease

T = TypeVar("T")

# Whoever waits for something waits so long: a slow machine is not what a test is about, and only a hang meets this.
PATIENCE_S = 120

TEXT = (
    "The northern plant lost eleven percent of its output in March because two pumps failed. "
    "Repairs took nine days and cost 48,000 euros. "
    "The supplier has agreed to replace both pumps before the end of June. "
    "Management expects the plant to return to full output in July."
)


def add_document(text: str = TEXT, name: str = "report.txt", collection: str = "default") -> str:
    """A document that is extracted and ready."""
    added = upload.add(name, io.BytesIO(text.encode()), collection)
    extract.extract_document(added.document.id, worker_lease.register("test"), threading.Event())
    return added.document.id


def run_job(job_id: str, concurrency: int = 8) -> None:
    """Expand a job and let a worker of its own answer it, until it has ended."""
    expansion.expand_job(job_id)
    with_lane(lambda lane: answer(lane, job_id), concurrency)


def with_lane(work: Callable[[LiveLane], Awaitable[T]], concurrency: int = 8, grace: float = 30) -> T:
    """Run `work` with a live lane of its own worker and close it."""

    async def run() -> T:
        lane = LiveLane(worker_lease.register("test"), lambda: concurrency)
        await lane.open()
        try:
            return await work(lane)
        finally:
            await lane.close(grace)
            await clients.close()

    try:
        return asyncio.run(run())
    finally:
        clients.forget()
        # A lane that is closed does not wait for what its threads have begun, such as deriving answers.
        for thread in threading.enumerate():
            if thread.name.startswith(DATABASE_THREADS):
                thread.join(PATIENCE_S)


def pump(job_id: str, concurrency: int = 1) -> None:
    """One look at a job: what waits goes on waiting."""

    async def work(lane: LiveLane) -> None:
        await lane.pump(job_id)
        # The lane derives too: what it holds at the moment a chunk of ours steps over.
        while "answered" in await asyncio.to_thread(states, job_id):
            await asyncio.to_thread(derive.derive_chunk)

    with_lane(work, concurrency)


async def answer(lane: LiveLane, job_id: str) -> None:
    """What the clock and the queue do for one job: pump it until it has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while not await asyncio.to_thread(ended, job_id):
        assert time.monotonic() < deadline, f"the job did not end: {await asyncio.to_thread(states, job_id)}"
        await lane.pump(job_id)
        await asyncio.to_thread(derive.derive_chunk)
        await asyncio.to_thread(verdicts.read_some)
        await asyncio.sleep(0.01)


def ended(job_id: str) -> bool:
    with db.transaction(everywhere=True) as session:
        finishing.finish_if_done(session, job_id)
        state = db.scalar(session, "SELECT state FROM job WHERE id = :job", job=job_id)
    return state in ("completed", "cancelled", "failed")


def states(job_id: str) -> dict[str, int]:
    """How many requests of the job are in each state."""
    counted = rows("SELECT state, count(*) AS n FROM request WHERE job_id = :job GROUP BY state", job=job_id)
    return {row["state"]: row["n"] for row in counted}


def keep_now(*outcomes: Outcome) -> None:
    """Keep what came of live calls, as a lane does."""
    with db.transaction(everywhere=True) as session:
        keep.keep(session, outcomes)


async def until(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Look again and again from a thread until it is so; fails at the deadline."""
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, "it did not become so in time"
        await asyncio.sleep(0.01)


def make_job(document_ids: list[str], template: str = "key_points", **spec: Any) -> str:
    chosen: Mapping[str, Any] = {"provider": "offline", "documents": tuple(document_ids), **spec}
    return launch.create(JobSpec(template=template, **chosen), datetime.now(UTC))


def rows(sql: str, **params: Any) -> list[dict[str, Any]]:
    with db.transaction(everywhere=True) as session:
        return [dict(row._mapping) for row in db.rows(session, sql, **params)]


def change(sql: str, **params: Any) -> None:
    with db.transaction(everywhere=True) as session:
        db.execute(session, sql, **params)


WAITS_FOR_A_LOCK = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@contextmanager
def database_away(url: str) -> Iterator[None]:
    """Every connection to this database is cut and no new one is let in."""
    address = make_url(url).set(drivername="postgresql", username="postgres")
    with psycopg.connect(
        address.set(database="postgres").render_as_string(hide_password=False), autocommit=True
    ) as connection:
        connection.execute(f"ALTER DATABASE {address.database} ALLOW_CONNECTIONS false")
        try:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (address.database,)
            )
            yield
        finally:
            connection.execute(f"ALTER DATABASE {address.database} ALLOW_CONNECTIONS true")


def ready_documents(count: int) -> list[str]:
    """Documents with a text each, as extraction would leave them, without the time that it takes."""
    ids = [f"doc_{n:04}" for n in range(count)]
    with db.transaction(everywhere=True) as session:
        db.execute(
            session,
            """INSERT INTO collection (id, workspace_id, name) VALUES ('col_1', 'ws_default', 'default')
               ON CONFLICT DO NOTHING""",
        )
        for statement in READY_DOCUMENTS:
            db.execute(session, statement, ids=ids)
    return ids


READY_DOCUMENTS = (
    "INSERT INTO blob (sha256, size_bytes) SELECT unnest(CAST(:ids AS text[])), 1",
    """INSERT INTO document (id, workspace_id, name, collection_id, sha256, media_type, size_bytes, state, tokens,
         text_group)
       SELECT i, 'ws_default', i, 'col_1', i, 'text/plain', 1, 'ready', 20, i FROM unnest(CAST(:ids AS text[])) i""",
    # A group of its own each, though they are nearly equal: jobs processes would look for the groups of all.
    "INSERT INTO text_group (id, workspace_id, bands) SELECT unnest(CAST(:ids AS text[])), 'ws_default', '{}'",
    # Looked through for instructions already: jobs processes would do it for all.
    f"""INSERT INTO document_text (document_id, text, sha256, page_starts, marks_version)
       SELECT i, i || ' was replaced. It works again.', encode(sha256(convert_to(i, 'UTF8')), 'hex'), '{{0}}',
         {detect.VERSION} FROM unnest(CAST(:ids AS text[])) i""",
)


def until_now(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """`until` for a test without an event loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.01)


def run_batches(job_id: str, seconds: float = PATIENCE_S, rounds: int | None = None) -> None:
    """What the clock and the queue do for a job with batches: until it has ended, or so many rounds of it."""

    async def work(lane: LiveLane) -> None:
        handed_over = Batches(lane.worker_id)
        deadline = time.monotonic() + seconds
        done = 0
        while not await asyncio.to_thread(over, job_id) and done != rounds:
            assert time.monotonic() < deadline, f"the job did not end: {await asyncio.to_thread(states, job_id)}"
            await asyncio.to_thread(expansion.expand_job, job_id)
            await asyncio.to_thread(steps.pack_job, job_id)
            await lane.pump(job_id)
            for batch_id in await asyncio.to_thread(open_batches, job_id):
                await handed_over.advance(batch_id, due_only=False)
            await asyncio.to_thread(derive.derive_chunk)
            await asyncio.to_thread(verdicts.read_some)
            done += 1
            await asyncio.sleep(0.01)
        await handed_over.close(5)

    with_lane(work)


def over(job_id: str) -> bool:
    return ended(job_id) and not open_batches(job_id)


def open_batches(job_id: str) -> list[str]:
    found = rows("SELECT id FROM provider_batch WHERE job_id = :job AND next_at IS NOT NULL ORDER BY id", job=job_id)
    return [row["id"] for row in found]


def batch_rows(job_id: str) -> list[dict[str, Any]]:
    return rows("SELECT * FROM provider_batch WHERE job_id = :job ORDER BY id", job=job_id)


# Of all workers, as after a sleep of the machine.
SLEPT = "UPDATE worker SET last_seen = now() - interval '1 hour'"


def are_alive() -> bool:
    """Whether all workers have been seen within the last half a minute."""
    return not rows("SELECT 1 FROM worker WHERE last_seen < now() - interval '30 seconds'")
