"""A provider batch in the hands of one worker: take it, write to it, let go of it, end it.

Who works on a batch holds it by `worker_id` and `epoch`. Taking it makes a new epoch, and every write names the one it
holds: a worker that slept through its lease finds no row and has lost it. Where a job and a batch are both written,
the job is locked first.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, update
from sqlmodel import Session, col

from core.environment import get_settings
from core.runtime import db, worker_lease
from core.tables.batches import ProviderBatch

# A tenth of a batch's age passes between two looks at it, up to this.
LONGEST_POLL = timedelta(minutes=15)


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
TAKE = f"""
UPDATE provider_batch b SET worker_id = :worker, epoch = epoch + 1
WHERE b.id = :batch AND b.next_at IS NOT NULL AND (NOT :due_only OR b.next_at <= now())
  AND (b.worker_id IS NULL OR b.worker_id = :worker OR {worker_lease.dead("b.worker_id")})
RETURNING b.id
"""


def write(batch: ProviderBatch, **values: Any) -> ProviderBatch:
    """Write to a batch that we hold. Raises Lost."""
    with db.transaction() as session:
        return fenced_write(session, batch, **values)


def confirm(batch: ProviderBatch) -> None:
    """Raises Lost where we do not hold it any more."""
    with db.transaction() as session:
        held = "SELECT 1 FROM provider_batch WHERE id = :id AND epoch = :epoch"
        if not db.scalar(session, held, id=batch.id, epoch=batch.epoch):
            raise Lost


def release(batch: ProviderBatch, wait: timedelta, **values: Any) -> None:
    """Let go of it; its next step is due after `wait`."""
    with db.transaction() as session:
        fenced_write(session, batch, worker_id=None, next_at=due_at(batch, db.now(session) + wait), **values)


def poll() -> timedelta:
    return timedelta(seconds=get_settings().batch_poll_seconds)


def due_at(batch: ProviderBatch, at: datetime) -> Any:
    """At once where it was cancelled while we looked."""
    return at if batch.cancel_requested else case((col(ProviderBatch.cancel_requested), func.now()), else_=at)


def fenced_write(session: Session, batch: ProviderBatch, **values: Any) -> ProviderBatch:
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
