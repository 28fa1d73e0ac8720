"""Transitions of a provider batch: taken up, in progress, and every way to end. Each is one fenced transaction."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session

from core.batch import ingest, lease, release
from core.batch.lease import LONGEST_POLL
from core.errors import ProviderError
from core.providers.batch_api import BatchLane, Remote
from core.requests import events, finishing, waiting
from core.runtime import db, queue
from core.tables.batches import ProviderBatch
from core.tables.jobs import Job

# The longest wait for a full queue, in polls; a batch is looked at again after this share of its age.
LONGEST_WAIT_POLLS = 60
SHARE_OF_AGE = 0.1

RESULTS_GONE = (
    "The provider has deleted the results before they were fetched. Send its requests again; they are billed again."
)
NEVER_THERE = "The provider never had this batch: complete listings stayed without it."


def adopt(batch: ProviderBatch, remote: Remote, kind: str, words: str) -> ProviderBatch:
    """The batch is at the provider. `kind` and `words` go to the job's timeline."""
    with db.transaction(everywhere=True) as session:
        held = lease.fenced_write(
            session,
            batch,
            state="in_progress",
            provider_batch_id=remote.id,
            provider_state=remote.provider_state,
            submitted_at=remote.created_at,
            absent_since=None,
            error=None,
            tries=0,
        )
        events.note(session, batch.job_id, kind, f"{words}: {batch.requests:,} requests as {remote.id}.")
        return held


def progress(batch: ProviderBatch, remote: Remote) -> None:
    """The provider is still working on it: look again after a share of its age."""
    with db.transaction(everywhere=True) as session:
        if remote.provider_state != "validating":
            _end_waits(session, batch.job_id)
        at = db.now(session)
        age = at - (batch.submitted_at or batch.created_at)
        lease.fenced_write(
            session,
            batch,
            provider_state=remote.provider_state,
            done=remote.done,
            error=None,
            tries=0,
            worker_id=None,
            next_at=lease.due_at(batch, at + max(lease.poll(), min(age * SHARE_OF_AGE, LONGEST_POLL))),
        )


def keep(batch: ProviderBatch, lane: BatchLane, files: list[Path], remote: Remote) -> None:
    """Keep the results in the transaction that ends the batch."""
    usage = None if remote.usage is None else asdict(remote.usage)
    with _end(batch, remote.state, provider_state=remote.provider_state, usage=usage, error=None) as (session, held):
        _end_waits(session, batch.job_id)
        kept = ingest.keep(session, held, lane, files, remote, db.now(session))
        events.note(session, batch.job_id, f"batch_{remote.state}", _outcome(batch, kept))


def gone(batch: ProviderBatch) -> None:
    """The provider has deleted the results."""
    with _end(batch, "completed", error=RESULTS_GONE) as (session, held):
        ingest.gone(session, held, db.now(session))
        events.note(session, batch.job_id, "results_gone", f"{batch.provider_batch_id}: {RESULTS_GONE}")


def invalid(batch: ProviderBatch, remote: Remote) -> None:
    """The provider created the batch and refused it in validation: nothing ran. With a full queue its requests wait."""
    reason = "; ".join(dict.fromkeys(refused.message for refused in remote.refused)) or "The provider gave no reason."
    with _end(batch, "failed", provider_state=remote.provider_state, error=reason[:2000]) as (session, held):
        at = db.now(session)
        ingest.refused(session, held, remote.refused, at)
        if any(refused.queue_is_full for refused in remote.refused):
            _wait_for_room(session, batch.job_id, at)
        else:
            events.note(session, batch.job_id, "refused", f"The provider refused {batch.provider_batch_id}: {reason}")


def refuse(batch: ProviderBatch, error: ProviderError) -> None:
    """The provider refused to create the batch, for good: its requests fail."""
    with _end(batch, "failed", intent_at=None, error=error.message) as (session, _):
        release.fail(session, batch, error.code, error.message)
        words = f"The provider refused {batch.requests:,} requests: {error.message}"
        events.note(session, batch.job_id, "refused", words)


def drop(batch: ProviderBatch) -> None:
    """No request is left to send."""
    with _end(batch, "cancelled", error="Its documents were deleted before it was handed over."):
        pass


def absent(batch: ProviderBatch) -> None:
    """Reconciled: the provider certainly never had the batch, so its requests may be sent again."""
    with _end(batch, "absent", error=NEVER_THERE) as (session, _):
        release.give_back(session, [batch.id])
        events.note(session, batch.job_id, "absent", f"{batch.requests:,} requests go again. {NEVER_THERE}")


def known_elsewhere(batch: ProviderBatch) -> list[str]:
    """The provider's ids of other batches of ours, from two days before this one on."""
    with db.transaction(everywhere=True) as session:
        found = db.rows(
            session,
            """SELECT provider_batch_id AS id FROM provider_batch
               WHERE provider_batch_id IS NOT NULL AND provider = :provider AND created_at > :since""",
            provider=batch.provider,
            since=batch.created_at - timedelta(days=2),
        )
        return [row.id for row in found]


@contextlib.contextmanager
def _end(batch: ProviderBatch, state: str, **values: Any) -> Iterator[tuple[Session, ProviderBatch]]:
    """The transaction that ends a batch. The caller moves its requests inside; the job's next tasks are deferred."""
    with db.transaction(everywhere=True) as session:
        db.execute(session, "SELECT 1 FROM job WHERE id = :job FOR NO KEY UPDATE", job=batch.job_id)
        ended_at = batch.ended_at or db.now(session)
        yield (
            session,
            lease.fenced_write(session, batch, state=state, worker_id=None, next_at=None, ended_at=ended_at, **values),
        )
        queue.defer(session, "derive")
        queue.defer(session, "pump_job", job_id=batch.job_id)
        finishing.finish_if_done(session, batch.job_id)


def _outcome(batch: ProviderBatch, kept: ingest.Ingested) -> str:
    odd = sum(kept.odd.values())
    parts = [
        f"{kept.answered:,} answered",
        f"{kept.failed:,} failed" if kept.failed else "",
        f"{kept.again:,} go again" if kept.again else "",
        f"{kept.cancelled:,} cancelled" if kept.cancelled else "",
        f"{kept.missing:,} without a line" if kept.missing else "",
        f"{odd:,} lines that could not be used" if odd else "",
    ]
    return f"{batch.provider_batch_id} has ended: {', '.join(part for part in parts if part)}."


def _wait_for_room(session: Session, job_id: str, at: datetime) -> None:
    """Backpressure from the provider's queue: the job packs nothing for a while, twice as long each time."""
    job = session.get(Job, job_id)
    if job is None:
        return
    wait = lease.poll() * min(2**job.waits, LONGEST_WAIT_POLLS)
    job.waits, job.waits_until = job.waits + 1, at + wait
    session.flush()
    waiting.write_for_batches(session, job, "provider_queue", job.waits_until)
    minutes = max(1, round(wait.total_seconds() / 60))
    events.note(session, job_id, "waiting", f"The provider's queue is full: what is left goes again in {minutes} min.")


def _end_waits(session: Session, job_id: str) -> None:
    db.execute(session, "UPDATE job SET waits = 0, waits_until = NULL WHERE id = :job AND waits > 0", job=job_id)
    waiting.clear(session, job_id, ("provider_queue",))
