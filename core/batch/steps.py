"""The life of a provider batch, one step at a time: prepare, submit once, settle, poll, fetch, keep.

    preparing -> submitting -> in_progress -> ended -> completed | expired | cancelled
         |            |            +-> failed (its validation; nothing ran)
         |            +-> settling -> in_progress | absent
         +-> failed (refused)

Where it stands is in its row alone, so whoever comes next goes on, whatever died before. A worker holds a batch by
`worker_id` and `epoch`, and every write names the epoch it holds: one that slept through its lease finds no row.
Before a create goes out its intent is committed; a create that nobody heard the end of is looked for at the provider,
and its requests are held until it is found or certainly absent.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from core.asking import templates
from core.batch import lease, packing, transitions
from core.calls import clients
from core.environment import get_settings
from core.errors import CairnError, ConfigurationError, Conflict, ProviderError, Unavailable
from core.providers.batch_api import Gone, Order
from core.providers.types import Provider
from core.requests import reuse, waiting
from core.requests.origin import of_batch
from core.runtime import correlation, db, queue, shared_clock
from core.settings import credentials
from core.tables.batches import ProviderBatch
from core.tables.jobs import Job

log = structlog.get_logger()
# Files are written, fetched and read by so many at a time in one process.
HEAVY_AT_ONCE = 2


class Batches:
    """The provider batches that one worker process works on."""

    def __init__(self, worker_id: int):
        self.worker_id = worker_id
        self.stopping = asyncio.Event()
        self.running: dict[str, asyncio.Task[None]] = {}
        self._heavy = asyncio.Semaphore(HEAVY_AT_ONCE)

    async def close(self, grace_seconds: float) -> None:
        """Let steps that are being made end within the grace; what is cut off is settled by whoever comes next."""
        self.stopping.set()
        running = list(self.running.values())
        if running:
            await asyncio.wait(running, timeout=grace_seconds)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=1)

    async def advance(self, batch_id: str, *, due_only: bool = True) -> None:
        """Make the steps of this batch that can be made now. Nothing happens where another worker holds it."""
        if self.stopping.is_set() or batch_id in self.running:
            return
        task = self.running[batch_id] = asyncio.create_task(self._advance(batch_id, due_only))
        task.add_done_callback(lambda _: self.running.pop(batch_id, None))
        # Who cancels us stops the worker; `close` gives the step its time.
        await asyncio.shield(task)

    async def _advance(self, batch_id: str, due_only: bool) -> None:
        with correlation.bound(await asyncio.to_thread(of_batch, batch_id)):
            await self._steps(batch_id, due_only)

    async def _steps(self, batch_id: str, due_only: bool) -> None:
        batch = await asyncio.to_thread(_take, batch_id, self.worker_id, due_only)
        try:
            while batch is not None and not self.stopping.is_set():
                batch = await self._step(batch)
            if batch is not None:
                await asyncio.to_thread(lease.release, batch, timedelta(0))
        except lease.Lost:
            log.info("a batch is held by another worker now", batch=batch_id)
        except Unavailable as error:
            # Our hold ends by itself; the next tick goes on from the row.
            log.warning("a batch waits for the database", batch=batch_id, reason=error.message)

    async def _step(self, batch: ProviderBatch) -> ProviderBatch | None:
        """One step. Returns the batch while it is held and can go on at once."""
        try:
            room = self._heavy if batch.state in HEAVY else contextlib.nullcontext()
            async with room, clients.lent(batch.provider) as provider:
                _check_address(batch, provider)
                return await STEPS[batch.state](batch, provider)
        except (lease.Lost, Unavailable):
            raise
        except CairnError as error:
            await _later(batch, error)
        except Exception:  # outer boundary of one batch: a fault must not stop the others
            log.exception("a step of a batch failed", batch=batch.id)
            await _later(batch, CairnError("A fault inside Cairn; its log has the details. It is tried again."))
        return None


def _check_address(batch: ProviderBatch, provider: Provider) -> None:
    if provider.base_url != batch.base_url:
        raise ConfigurationError(
            f"This batch is at {batch.base_url}, and {batch.provider} is now called at {provider.base_url}. "
            "Set the base URL back until it has ended."
        )


async def _unheard(batch: ProviderBatch, _provider: Provider) -> ProviderBatch:
    """Whoever created it did not live to write down what came of it."""
    return await _write(batch, state="settling", error=UNHEARD)


UNHEARD = (
    "Whether the provider has this batch is not known: the answer to its creation was not heard. It is being looked "
    "for there; until that is settled its requests are held, so that nothing is billed twice."
)


async def _prepare(batch: ProviderBatch, provider: Provider) -> ProviderBatch | None:
    """Write the requests to a file, upload it where the provider wants that, and go on to the create.

    Nothing that was uploaded runs by itself, so until then everything may be done again.
    """
    try:
        path, requests = await asyncio.to_thread(_write_file, batch, provider)
        if not requests:
            await asyncio.to_thread(transitions.drop, batch)
            return None
        if batch.input_file_id is None:
            file_id = await provider.batches.upload(_order(batch, path))
            # Documents may have been deleted since it was packed.
            batch = await _write(batch, input_file_id=file_id, requests=requests)
        return await _submit(batch, provider, path)
    except ProviderError as error:
        if error.retryable:
            raise
        await asyncio.to_thread(transitions.refuse, batch, error)
        return None
    finally:
        _clear(batch)


async def _submit(batch: ProviderBatch, provider: Provider, path: Path) -> ProviderBatch | None:
    """Commit the intent, create once, commit what came of it. Raises what says that nothing was created."""
    ours = batch = await _write(batch, state="submitting", intent_at=shared_clock.now(), error=None)
    # Whoever was stopped or suspended for long enough has been taken for dead, and its batch may go again.
    order = replace(_order(batch, path), confirm=lambda: asyncio.to_thread(lease.confirm, ours))
    try:
        remote = await provider.batches.create(order)
    except ProviderError as error:
        if not is_definite(error):
            log.warning("the end of a create was not heard", batch=batch.id, reason=error.code)
            return await _write(batch, state="settling", error=f"{UNHEARD} ({error.message})")
        await _write(batch, state="preparing", intent_at=None)
        raise
    log.info("batch handed over", job=batch.job_id, batch=batch.id, provider_batch_id=remote.id)
    return await asyncio.to_thread(transitions.adopt, batch, remote, "submitted", "Handed to the provider")


def is_definite(error: ProviderError) -> bool:
    """Whether the provider has certainly not made the batch."""
    if error.status is None:
        return error.heard
    return error.status < 500 or error.status == 529


async def _settle(batch: ProviderBatch, provider: Provider) -> ProviderBatch | None:
    """Look for a batch whose creation was not heard of."""
    order, known = _order(batch, Path()), await asyncio.to_thread(transitions.known_elsewhere, batch)
    found = await provider.batches.find(order, known)
    if found.remote is not None:
        return await asyncio.to_thread(
            transitions.adopt, batch, found.remote, "adopted", "Found at the provider and taken up"
        )
    if await asyncio.to_thread(credentials.key_changed_since, batch.provider, order.intent_at):
        await _later(batch, Conflict(OTHER_KEY))
        return None
    settings = get_settings()
    at = shared_clock.now()
    since = None if found.undecided else batch.absent_since or at
    if since is not None and not shared_clock.steady_since(since):
        # By how much it is past that is not known any more.
        since = at
    if since is None or (at - since).total_seconds() < settings.batch_settle_seconds:
        await _later(batch, None, absent_since=since)
        return None
    # A create that is still on its way must come to nothing.
    if batch.input_file_id is not None:
        await provider.batches.forget(batch.input_file_id)
        found = await provider.batches.find(order, known)
        if found.remote is not None:
            return await asyncio.to_thread(
                transitions.adopt, batch, found.remote, "adopted", "Found at the provider and taken up"
            )
    await asyncio.to_thread(transitions.absent, batch)
    return None


OTHER_KEY = (
    "Whether the provider has this batch is not known, and its key was changed since: a key of another account does "
    "not see it. Its requests are held. Look at the provider's own page: put the former key back if the batch is "
    "there, else settle it by hand."
)


async def _look(batch: ProviderBatch, provider: Provider) -> ProviderBatch | None:
    """Ask how far it is; cancel it where that is wanted."""
    assert batch.provider_batch_id is not None
    try:
        if batch.cancel_requested and batch.provider_state not in CANCELLING:
            await _cancel(batch, provider)
        remote = await provider.batches.check(batch.provider_batch_id)
    except ProviderError as error:
        if error.status == 404 and batch.cancel_requested:
            await asyncio.to_thread(transitions.gone, batch)
            return None
        raise
    if remote.state == "in_progress":
        await asyncio.to_thread(transitions.progress, batch, remote)
        return None
    if remote.state == "failed":
        await asyncio.to_thread(transitions.invalid, batch, remote)
        return None
    return await _write(
        batch,
        state="ended",
        provider_state=remote.provider_state,
        done=remote.done,
        output_file_id=remote.output_file_id,
        error_file_id=remote.error_file_id,
        ended_at=shared_clock.now(),
        error=None,
        tries=0,
    )


CANCELLING = ("cancelling", "canceling")


async def _cancel(batch: ProviderBatch, provider: Provider) -> None:
    assert batch.provider_batch_id is not None
    try:
        await provider.batches.cancel(batch.provider_batch_id)
    except ProviderError as error:
        # One that has ended meanwhile cannot be cancelled any more; looking at it tells.
        if error.status not in (400, 404, 409):
            raise


async def _keep(batch: ProviderBatch, provider: Provider) -> ProviderBatch | None:
    """Fetch the results and keep them, in one transaction with the batch's end."""
    assert batch.provider_batch_id is not None
    directory = _scratch(batch)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        remote = await provider.batches.check(batch.provider_batch_id)
        if remote.state == "in_progress":
            # An older answer than the one before: there is nothing to fetch by it, and what is missing is no loss.
            await _later(batch, None)
            return None
        files = await provider.batches.fetch(remote, lambda: _write_file(batch, provider)[0], directory)
        await asyncio.to_thread(transitions.keep, batch, provider.batches, files, remote)
    except Gone:
        await asyncio.to_thread(transitions.gone, batch)
    finally:
        _clear(batch)
    return None


@reuse.or_without
def pack_job(job_id: str) -> int:
    """Pack what can be packed of a running job's pending requests. Returns how many batches were made."""
    made = 0
    while True:
        with db.transaction() as session:
            # Whoever holds the job may keep a batch's answers for minutes; the clock looks again.
            job = session.get(Job, job_id, with_for_update={"key_share": True, "skip_locked": True})
            at = db.now(session)
            if job is None or job.state != "running":
                return made
            if job.waits_until is not None and job.waits_until > at:
                waiting.write_for_batches(session, job, "provider_queue", job.waits_until)
                return made
            provider = waiting.provider_of(session, job)
            if provider is None:
                return made
            asking = None
            if job.template_id is not None:
                asking = templates.asking(session, job.template_id, job.params, job.template_version)
            packed = packing.pack(session, job, provider, asking, at)
            if packed.own_caps:
                waiting.write_for_batches(session, job, "own_caps")
            else:
                waiting.clear(session, job_id, waiting.BATCH)
            if packed.reused:
                queue.defer(session, "derive")
            if packed.batch_id is not None:
                queue.defer(session, "advance_batch", batch_id=packed.batch_id)
                made += 1
            elif not packed.reused:
                return made


async def _write(batch: ProviderBatch, **values: Any) -> ProviderBatch:
    return await asyncio.to_thread(lease.write, batch, **values)


async def _later(batch: ProviderBatch, error: CairnError | None, **values: Any) -> None:
    """Let go of it until it is due again; with an error, after waits that grow."""
    wait = lease.poll()
    if error is not None:
        log.warning("a batch's step is tried again later", batch=batch.id, state=batch.state, reason=error.code)
        asked = timedelta(seconds=getattr(error, "retry_after", None) or 0)
        wait = max(asked, min(wait * 2 ** min(batch.tries, 10), max(wait, lease.LONGEST_POLL)))
        values = {"tries": batch.tries + 1, "error": error.message, **values}
    await asyncio.to_thread(lease.release, batch, wait, **values)


def _take(batch_id: str, worker_id: int, due_only: bool) -> ProviderBatch | None:
    batch = lease.take(batch_id, worker_id, due_only=due_only)
    if batch is not None:
        _clear(batch, all_holds=True)
    return batch


def _write_file(batch: ProviderBatch, provider: Provider) -> tuple[Path, int]:
    """The file of its requests, and how many there are."""
    path = _scratch(batch) / "requests"
    path.parent.mkdir(parents=True, exist_ok=True)
    with db.transaction() as session:
        return path, packing.write_requests(session, batch, provider.batches.framing(batch.endpoint), path)


def _order(batch: ProviderBatch, path: Path) -> Order:
    return Order(
        path=path,
        endpoint=batch.endpoint,
        nonce=batch.nonce,
        requests=batch.requests,
        intent_at=batch.intent_at or batch.created_at,
        input_file_id=batch.input_file_id,
    )


def _scratch(batch: ProviderBatch) -> Path:
    """A place of this hold alone: two who both believe to hold a batch must not share files."""
    return get_settings().data_dir / "scratch" / batch.id / str(batch.epoch)


def tidy() -> None:
    """Remove the files of batches that have ended: of who was killed between the end and its tidying."""
    found = {path.name: path for path in (get_settings().data_dir / "scratch").glob("bat_*")}
    with db.transaction() as session:
        of_open = "SELECT id FROM provider_batch WHERE id = ANY(:ids) AND next_at IS NOT NULL"
        at_work = {row.id for row in db.rows(session, of_open, ids=sorted(found))}
    for name in found.keys() - at_work:
        shutil.rmtree(found[name], ignore_errors=True)


def _clear(batch: ProviderBatch, *, all_holds: bool = False) -> None:
    own = _scratch(batch)
    shutil.rmtree(own.parent if all_holds else own, ignore_errors=True)
    with contextlib.suppress(OSError):
        own.parent.rmdir()


STEPS: dict[str, Callable[[ProviderBatch, Provider], Awaitable[ProviderBatch | None]]] = {
    "preparing": _prepare,
    "submitting": _unheard,
    "settling": _settle,
    "in_progress": _look,
    "ended": _keep,
}
HEAVY = ("preparing", "ended")
