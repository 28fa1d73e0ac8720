"""The life of a provider batch, one step at a time: prepare, submit once, reconcile, poll, fetch, keep.

    preparing -> submitting -> in_progress -> ended -> completed | expired | cancelled
         |            |            +-> failed (its validation; nothing ran)
         |            +-> settling -> in_progress | absent
         +-> failed (refused)

Its row is the only state, so any worker can go on after another has died. A worker works under a lease with a fencing
token (core/batch/lease.py). The intent is committed before a create is sent. If the outcome of a create is unknown, the
batch is reconciled: it is looked for at the provider, and its requests are held until it is found or certainly absent.
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
from core.budgets import holding
from core.calls import clients
from core.environment import get_settings
from core.errors import CairnError, ConfigurationError, Conflict, ProviderError, Unavailable
from core.providers import sampling
from core.providers.batch_api import Gone, Order, Remote
from core.providers.types import Provider
from core.requests import refitting, reuse, unused_temperature, waiting
from core.requests.origin import of_batch
from core.runtime import correlation, db, queue, scratch, shared_clock
from core.settings import credentials, learned_forms, store
from core.tables.batches import ProviderBatch
from core.tables.jobs import Job

log = structlog.get_logger()
# How many batches of one process write, fetch or read files at a time.
HEAVY_AT_ONCE = 2


class Batches:
    """The provider batches that one worker process works on."""

    def __init__(self, worker_id: int):
        self.worker_id = worker_id
        self.stopping = asyncio.Event()
        self.running: dict[str, asyncio.Task[None]] = {}
        self._heavy = asyncio.Semaphore(HEAVY_AT_ONCE)

    async def close(self, grace_seconds: float) -> None:
        """Let running steps end within the grace; a create that is cut off is reconciled by the next worker."""
        self.stopping.set()
        running = list(self.running.values())
        if running:
            await asyncio.wait(running, timeout=grace_seconds)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=1)

    async def advance(self, batch_id: str, *, due_only: bool = True) -> None:
        """Take every step of this batch that is due now. Nothing happens while another worker has its lease."""
        if self.stopping.is_set() or batch_id in self.running:
            return
        task = self.running[batch_id] = asyncio.create_task(self._advance(batch_id, due_only))
        task.add_done_callback(lambda _: self.running.pop(batch_id, None))
        # A cancellation means that the worker stops; `close` gives the step its time.
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
            # Our lease can be taken again; the next tick goes on from the row.
            log.warning("a batch waits for the database", batch=batch_id, reason=error.message)

    async def _step(self, batch: ProviderBatch) -> ProviderBatch | None:
        """One step. Returns the batch if its next step can follow at once."""
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


async def _reconcile_later(batch: ProviderBatch, _provider: Provider) -> ProviderBatch:
    """A batch found in `submitting`: the worker died between the create and recording its outcome, which is unknown."""
    return await _write(batch, state="settling", error=OUTCOME_UNKNOWN)


OUTCOME_UNKNOWN = (
    "Whether the provider has this batch is not known: the answer to its creation was not heard. It is being looked "
    "for there; until that is settled its requests are held, so that nothing is billed twice."
)


async def _prepare(batch: ProviderBatch, provider: Provider) -> ProviderBatch | None:
    """Write the requests to a file, upload it if the provider takes files, then create the batch.

    An uploaded file runs nothing, so everything before the create may be repeated.
    """
    try:
        path, requests = await asyncio.to_thread(_write_file, batch, provider)
        if not requests:
            await asyncio.to_thread(transitions.drop, batch)
            return None
        if batch.input_file_id is None:
            file_id = await provider.batches.upload(_order(batch, path))
            # Fewer than were packed where documents were deleted since.
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
    """Commit the intent, create once, commit the outcome. Raises ProviderError if certainly nothing was created."""
    ours = batch = await _write(batch, state="submitting", intent_at=shared_clock.now(), error=None)
    # A worker that was suspended for longer than its lease counts as dead, and its batch may be sent again.
    order = replace(_order(batch, path), confirm=lambda: asyncio.to_thread(lease.confirm, ours))
    try:
        remote = await provider.batches.create(order)
    except ProviderError as error:
        if not is_definite(error):
            log.warning("the end of a create was not heard", batch=batch.id, reason=error.code)
            return await _write(batch, state="settling", error=f"{OUTCOME_UNKNOWN} ({error.message})")
        await _write(batch, state="preparing", intent_at=None)
        raise
    log.info("batch handed over", job=batch.job_id, batch=batch.id, provider_batch_id=remote.id)
    return await asyncio.to_thread(transitions.adopt, batch, remote, "submitted", "Handed to the provider")


def is_definite(error: ProviderError) -> bool:
    """Whether this error of a create proves that the provider has not made the batch."""
    if error.status is None:
        return error.heard
    return error.status < 500 or error.status == 529


async def _reconcile(batch: ProviderBatch, provider: Provider) -> ProviderBatch | None:
    """Look at the provider for a batch whose create has an unknown outcome.

    It is adopted if found. It counts as absent once complete listings have stayed without it for
    BATCH_SETTLE_SECONDS, by a clock that did not jump, and with the same key.
    """
    order, known = _order(batch, Path()), await asyncio.to_thread(transitions.known_elsewhere, batch)
    found = await provider.batches.find(order, known)
    if found.remote is not None:
        return await _adopt_found(batch, found.remote)
    if await asyncio.to_thread(credentials.key_changed_since, batch.provider, order.intent_at):
        await _later(batch, Conflict(OTHER_KEY))
        return None
    settings = get_settings()
    at = shared_clock.now()
    since = None if found.undecided else batch.absent_since or at
    if since is not None and not shared_clock.steady_since(since):
        # The clock jumped, so the time that has passed is unknown: begin anew.
        since = at
    if since is None or (at - since).total_seconds() < settings.batch_settle_seconds:
        await _later(batch, None, absent_since=since)
        return None
    # Without its file a create that is still on its way fails.
    if batch.input_file_id is not None:
        await provider.batches.forget(batch.input_file_id)
        found = await provider.batches.find(order, known)
        if found.remote is not None:
            return await _adopt_found(batch, found.remote)
    await asyncio.to_thread(transitions.absent, batch)
    return None


async def _adopt_found(batch: ProviderBatch, remote: Remote) -> ProviderBatch:
    return await asyncio.to_thread(transitions.adopt, batch, remote, "adopted", "Found at the provider and taken up")


OTHER_KEY = (
    "Whether the provider has this batch is not known, and its key was changed since: a key of another account does "
    "not see it. Its requests are held. Look at the provider's own page: put the former key back if the batch is "
    "there, else settle it by hand."
)


async def _look(batch: ProviderBatch, provider: Provider) -> ProviderBatch | None:
    """Poll the batch, and cancel it first if that was requested."""
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
        # It may have ended meanwhile, which the next look finds.
        if error.status not in (400, 404, 409):
            raise


async def _keep(batch: ProviderBatch, provider: Provider) -> ProviderBatch | None:
    """Fetch the results and keep them; the batch ends in the same transaction."""
    assert batch.provider_batch_id is not None
    directory = scratch.make(_scratch(batch))
    try:
        remote = await provider.batches.check(batch.provider_batch_id)
        if remote.state == "in_progress":
            # A stale answer, older than the one that said `ended`: what it lacks is not missing. Ask again later.
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
    """Pack a running job's pending requests while there is headroom. Returns how many batches were made."""
    made, reserved = 0, False
    while True:
        refitting.refit(job_id)
        with db.transaction(everywhere=True) as session:
            # Keeping a batch's answers may lock the job for minutes. Skip it; the next tick looks again.
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
                asking = templates.of_job(session, job)
            packed = packing.pack(session, job, provider, asking, at, reserved=reserved)
            if packed.own_caps:
                waiting.write_for_batches(session, job, "own_caps")
            else:
                waiting.clear(session, job_id, waiting.BATCH)
            if packed.reused:
                queue.defer(session, "derive")
            if packed.batch_id is not None:
                queue.defer(session, "advance_batch", batch_id=packed.batch_id)
                made += 1
            elif not (packed.reused or packed.over_budget):
                return made
        if packed.over_budget:
            reserved = holding.ask_for_more(job_id, at)
            if not reserved:
                return made


async def _write(batch: ProviderBatch, **values: Any) -> ProviderBatch:
    return await asyncio.to_thread(lease.write, batch, **values)


async def _later(batch: ProviderBatch, error: CairnError | None, **values: Any) -> None:
    """Release the lease until the next poll; after an error the waits grow with the tries."""
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
        _clear(batch, all_epochs=True)
    return batch


def _write_file(batch: ProviderBatch, provider: Provider) -> tuple[Path, int]:
    """The file of the batch's requests, and how many there are."""
    path = scratch.make(_scratch(batch)) / "requests"
    framing = provider.batches.framing(batch.endpoint)
    # What another process has just learned of the server holds already.
    store.load()
    with db.transaction(everywhere=True) as session:
        job = db.row(session, "SELECT template_id, sampling FROM job WHERE id = :job", job=batch.job_id)
        if job is None or job.template_id is None:
            return path, packing.write_requests(session, batch, framing, path)
        form = learned_forms.of(batch.provider, batch.base_url, batch.model)
        if not form.sampled and batch.state == "preparing":
            unused_temperature.note(session, [batch.job_id])
        return path, packing.write_requests(session, batch, framing, path, form, sampling.read(job.sampling))


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
    """A directory for this fencing token alone: a worker that lost its lease must not share files with the next one."""
    return scratch.root() / batch.id / str(batch.epoch)


def tidy() -> None:
    """Remove the files of ended batches that killed workers left behind."""
    found = {path.name: path for path in scratch.root().glob("bat_*")}
    with db.transaction(everywhere=True) as session:
        of_open = "SELECT id FROM provider_batch WHERE id = ANY(:ids) AND next_at IS NOT NULL"
        at_work = {row.id for row in db.rows(session, of_open, ids=sorted(found))}
    for name in found.keys() - at_work:
        shutil.rmtree(found[name], ignore_errors=True)


def _clear(batch: ProviderBatch, *, all_epochs: bool = False) -> None:
    own = _scratch(batch)
    shutil.rmtree(own.parent if all_epochs else own, ignore_errors=True)
    with contextlib.suppress(OSError):
        own.parent.rmdir()


STEPS: dict[str, Callable[[ProviderBatch, Provider], Awaitable[ProviderBatch | None]]] = {
    "preparing": _prepare,
    "submitting": _reconcile_later,
    "settling": _reconcile,
    "in_progress": _look,
    "ended": _keep,
}
HEAVY = ("preparing", "ended")
