"""A provider batch in the hands of one worker: take it, write to it, let go of it, end it.

Who works on a batch holds it by `worker_id` and `epoch`. Taking it makes a new epoch, and every write names the one it
holds: a worker that slept through its lease finds no row and has lost it. Where a job and a batch are both written,
the job is locked first.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import case, func, update
from sqlmodel import Session, col

from core.batch import ingest, packing
from core.environment import get_settings
from core.errors import ProviderError
from core.providers.batch_api import BatchLane, Remote
from core.requests import expansion
from core.runtime import db, queue
from core.tables import Job, ProviderBatch

# What a provider says of a queue that takes no more for now.
FULL_QUEUE = "token_limit_exceeded"
# It is asked again after up to so many polls.
LONGEST_WAIT_POLLS = 60
# A tenth of a batch's age passes between two looks at it, up to this.
LONGEST_POLL = timedelta(minutes=15)
SHARE_OF_AGE = 0.1

RESULTS_GONE = (
    "The provider has deleted the results before they were fetched. Send its requests again; they are billed again."
)
NEVER_THERE = "The provider never had this batch: complete listings stayed without it."


class Lost(Exception):
    """Another worker holds this batch now, or nobody: it was dissolved."""


def take(batch_id: str, worker_id: int, *, due_only: bool) -> ProviderBatch | None:
    """Hold a batch whose next step is due, or that is open at all. None where a living worker holds it."""
    with db.transaction() as session:
        taken = db.row(
            session,
            TAKE,
            batch=batch_id,
            worker=worker_id,
            due_only=due_only,
            lease=get_settings().worker_lease_seconds,
        )
        return session.get(ProviderBatch, batch_id) if taken else None


# A hold of our own that is still there was never let go of: the database was away then.
TAKE = """
UPDATE provider_batch b SET worker_id = :worker, epoch = epoch + 1
WHERE b.id = :batch AND b.next_at IS NOT NULL AND (NOT :due_only OR b.next_at <= now())
  AND (b.worker_id IS NULL OR b.worker_id = :worker OR NOT EXISTS (
    SELECT 1 FROM worker w WHERE w.id = b.worker_id AND w.last_seen > now() - make_interval(secs => :lease)))
RETURNING b.id
"""


def write(batch: ProviderBatch, **values: Any) -> ProviderBatch:
    """Write to a batch that we hold. Raises Lost."""
    with db.transaction() as session:
        return _set(session, batch, **values)


def confirm(batch: ProviderBatch) -> None:
    """Raises Lost where we do not hold it any more."""
    with db.transaction() as session:
        held = "SELECT 1 FROM provider_batch WHERE id = :id AND epoch = :epoch"
        if not db.scalar(session, held, id=batch.id, epoch=batch.epoch):
            raise Lost


def release(batch: ProviderBatch, wait: timedelta, **values: Any) -> None:
    """Let go of it; its next step is due after `wait`."""
    with db.transaction() as session:
        _set(session, batch, worker_id=None, next_at=_due(batch, db.now(session) + wait), **values)


def adopt(batch: ProviderBatch, remote: Remote, kind: str, words: str) -> ProviderBatch:
    """The provider has it."""
    with db.transaction() as session:
        held = _set(
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
        expansion.note(session, batch.job_id, kind, f"{words}: {batch.requests:,} requests as {remote.id}.")
        return held


def progress(batch: ProviderBatch, remote: Remote) -> None:
    """It is still at work: look again after a tenth of its age."""
    with db.transaction() as session:
        if remote.provider_state != "validating":
            _end_waits(session, batch.job_id)
        at = db.now(session)
        age = at - (batch.submitted_at or batch.created_at)
        _set(
            session,
            batch,
            provider_state=remote.provider_state,
            done=remote.done,
            error=None,
            tries=0,
            worker_id=None,
            next_at=_due(batch, at + max(poll(), min(age * SHARE_OF_AGE, LONGEST_POLL))),
        )


def keep(batch: ProviderBatch, lane: BatchLane, files: list[Path], remote: Remote) -> None:
    """Keep its results, in one transaction with its end."""
    usage = None if remote.usage is None else asdict(remote.usage)
    with _end(batch, remote.state, provider_state=remote.provider_state, usage=usage, error=None) as (session, held):
        _end_waits(session, batch.job_id)
        kept = ingest.keep(session, held, lane, files, remote, db.now(session))
        expansion.note(session, batch.job_id, f"batch_{remote.state}", _told(batch, kept))


def gone(batch: ProviderBatch) -> None:
    """The provider has deleted its results."""
    with _end(batch, "completed", error=RESULTS_GONE) as (session, held):
        ingest.gone(session, held, db.now(session))
        expansion.note(session, batch.job_id, "results_gone", f"{batch.provider_batch_id}: {RESULTS_GONE}")


def invalid(batch: ProviderBatch, remote: Remote) -> None:
    """The provider took it and refused it afterwards: nothing ran. A full queue is no failure: what is left waits."""
    reason = "; ".join(dict.fromkeys(refused.message for refused in remote.refused)) or "The provider gave no reason."
    with _end(batch, "failed", provider_state=remote.provider_state, error=reason[:2000]) as (session, held):
        at = db.now(session)
        ingest.refused(session, held, remote.refused, at)
        if any(refused.code == FULL_QUEUE for refused in remote.refused):
            _wait_for_room(session, batch.job_id, at)
        else:
            expansion.note(
                session, batch.job_id, "refused", f"The provider refused {batch.provider_batch_id}: {reason}"
            )


def refuse(batch: ProviderBatch, error: ProviderError) -> None:
    """The provider did not create it, and would not if it was asked again."""
    with _end(batch, "failed", intent_at=None, error=error.message) as (session, _):
        packing.fail(session, batch, error.code, error.message)
        words = f"The provider refused {batch.requests:,} requests: {error.message}"
        expansion.note(session, batch.job_id, "refused", words)


def drop(batch: ProviderBatch) -> None:
    """Nothing of it is left to be sent."""
    with _end(batch, "cancelled", error="Its documents were deleted before it was handed over."):
        pass


def absent(batch: ProviderBatch) -> None:
    """The provider certainly never had it: its requests may go out again."""
    with _end(batch, "absent", error=NEVER_THERE) as (session, _):
        packing.give_back(session, [batch.id])
        expansion.note(session, batch.job_id, "absent", f"{batch.requests:,} requests go again. {NEVER_THERE}")


def known_elsewhere(batch: ProviderBatch) -> list[str]:
    """What the provider has and is known to be another batch of ours."""
    with db.transaction() as session:
        found = db.rows(
            session,
            """SELECT provider_batch_id AS id FROM provider_batch
               WHERE provider_batch_id IS NOT NULL AND provider = :provider AND created_at > :since""",
            provider=batch.provider,
            since=batch.created_at - timedelta(days=2),
        )
        return [row.id for row in found]


def poll() -> timedelta:
    return timedelta(seconds=get_settings().batch_poll_seconds)


def _due(batch: ProviderBatch, at: datetime) -> Any:
    """At once where it was cancelled while we looked."""
    return at if batch.cancel_requested else case((col(ProviderBatch.cancel_requested), func.now()), else_=at)


def _set(session: Session, batch: ProviderBatch, **values: Any) -> ProviderBatch:
    done = session.connection().execute(
        update(ProviderBatch)
        .where(col(ProviderBatch.id) == batch.id, col(ProviderBatch.epoch) == batch.epoch)
        .values(**values)
    )
    if not done.rowcount:
        raise Lost
    held = session.get(ProviderBatch, batch.id, populate_existing=True)
    assert held is not None
    return held


@contextlib.contextmanager
def _end(batch: ProviderBatch, state: str, **values: Any) -> Iterator[tuple[Session, ProviderBatch]]:
    """The last transaction of a batch: its state, its requests and its job's next nudge, all or nothing."""
    with db.transaction() as session:
        db.execute(session, "SELECT 1 FROM job WHERE id = :job FOR NO KEY UPDATE", job=batch.job_id)
        ended_at = batch.ended_at or db.now(session)
        yield session, _set(session, batch, state=state, worker_id=None, next_at=None, ended_at=ended_at, **values)
        queue.defer(session, "derive")
        queue.defer(session, "pump_job", job_id=batch.job_id)
        expansion.finish_if_done(session, batch.job_id)


def _told(batch: ProviderBatch, kept: ingest.Kept) -> str:
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
    """The provider's queue is full: wait longer each time."""
    job = session.get(Job, job_id)
    if job is None:
        return
    wait = poll() * min(2**job.waits, LONGEST_WAIT_POLLS)
    job.waits, job.waits_until = job.waits + 1, at + wait
    session.flush()
    minutes = max(1, round(wait.total_seconds() / 60))
    expansion.note(
        session, job_id, "waiting", f"The provider's queue is full: what is left goes again in {minutes} min."
    )


def _end_waits(session: Session, job_id: str) -> None:
    db.execute(session, "UPDATE job SET waits = 0, waits_until = NULL WHERE id = :job AND waits > 0", job=job_id)
