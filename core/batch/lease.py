"""The lease of a provider batch: one worker acquires it, writes under it and releases it.

The lease holds while the worker of `worker_id` is alive. `epoch` is its fencing token: acquiring raises it, and every
write names the one it holds, so a worker that slept through its lease writes nothing. A transaction that writes a job
and a batch locks the job first.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, update
from sqlmodel import Session, col

from core.environment import get_settings
from core.runtime import db, worker_lease
from core.tables.batches import ProviderBatch

# The longest time between two looks at a batch.
LONGEST_POLL = timedelta(minutes=15)


class Lost(Exception):
    """The lease of this batch is lost: another worker has it, or the batch was dissolved."""


def take(batch_id: str, worker_id: int, *, due_only: bool) -> ProviderBatch | None:
    """Acquire the lease of an open batch; with `due_only` only if its next step is due. None: it could not be had."""
    with db.transaction(everywhere=True) as session:
        taken = db.row(
            session,
            TAKE,
            batch=batch_id,
            worker=worker_id,
            due_only=due_only,
            lease=get_settings().worker_lease_seconds,
        )
        if taken is None:
            return None
        worker_lease.renew(session, worker_id)
        return session.get(ProviderBatch, batch_id)


# A lease of our own may be taken again: its release failed because the database was away.
TAKE = f"""
UPDATE provider_batch b SET worker_id = :worker, epoch = epoch + 1
WHERE b.id = :batch AND b.next_at IS NOT NULL AND (NOT :due_only OR b.next_at <= now())
  AND (b.worker_id IS NULL OR b.worker_id = :worker OR {worker_lease.dead("b.worker_id")})
RETURNING b.id
"""


def write(batch: ProviderBatch, **values: Any) -> ProviderBatch:
    """A fenced write in a transaction of its own. Raises Lost."""
    with db.transaction(everywhere=True) as session:
        return fenced_write(session, batch, **values)


def confirm(batch: ProviderBatch) -> None:
    """Check the lease without a write. Raises Lost."""
    with db.transaction(everywhere=True) as session:
        held = "SELECT 1 FROM provider_batch WHERE id = :id AND epoch = :epoch"
        if not db.scalar(session, held, id=batch.id, epoch=batch.epoch):
            raise Lost


def release(batch: ProviderBatch, wait: timedelta, **values: Any) -> None:
    """Give the lease back; the next step is due after `wait`. Raises Lost."""
    with db.transaction(everywhere=True) as session:
        fenced_write(session, batch, worker_id=None, next_at=due_at(batch, db.now(session) + wait), **values)


def poll() -> timedelta:
    return timedelta(seconds=get_settings().batch_poll_seconds)


def due_at(batch: ProviderBatch, at: datetime) -> datetime | ColumnElement[datetime]:
    """The next step is due `at`, or now if the batch was cancelled meanwhile. A value or an SQL expression."""
    return at if batch.cancel_requested else case((col(ProviderBatch.cancel_requested), func.now()), else_=at)


def fenced_write(session: Session, batch: ProviderBatch, **values: Any) -> ProviderBatch:
    """Write columns of a batch under our fencing token and return its row. Raises Lost."""
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
