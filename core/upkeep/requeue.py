"""Bring work that stands still back into its queue, by a person. Each of these may be done twice without harm."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session

from core.errors import Conflict
from core.runtime import db, queue
from core.tables.settings import AuditEntry
from core.upkeep import stuck as report
from core.upkeep import takeover, tick
from core.upkeep.stuck import ABANDONED, STUCK_BATCH, STUCK_DOCUMENT, Kind


def requeue(kind: Kind, ids: Sequence[str], at: datetime, user: str = "") -> int:
    """Requeue what of these is still stuck; returns how much."""
    if kind == "requests":
        return _requeue_requests(list(ids), at, user)
    with db.transaction() as session:
        number = ACTIONS[kind](session, list(ids))
        _audit(session, kind, ids, number, user)
        return number


def _requeue_requests(ids: Sequence[str], at: datetime, user: str) -> int:
    """As the clock does: those of every dead worker go back, and what was not heard is booked as an estimate.

    Raises Conflict while it is not known who is alive.
    """
    before = _abandoned()
    takeover.take_over(at)
    left = _abandoned()
    if before and left == before:
        raise Conflict("PostgreSQL has just started: who is alive is not known yet. Try again in half a minute.")
    with db.transaction() as session:
        tick.nudge(session)
        _audit(session, "requests", ids, before - left, user)
    return before - left


def _abandoned() -> int:
    with db.transaction() as session:
        number: int = db.scalar(session, f"SELECT count(*) FROM request r WHERE {ABANDONED}", **report.limits())
        return number


def _audit(session: Session, kind: Kind, ids: Sequence[str], number: int, user: str) -> None:
    entry = AuditEntry(user=user, action="requeue", subject=kind, after={"ids": list(ids), "requeued": number})
    session.add(entry)


def _documents(session: Session, ids: list[str]) -> int:
    found = [row.id for row in db.rows(session, RELEASE_DOCUMENTS, ids=ids, **report.limits())]
    for document_id in found:
        _again(session, "extract_document", document_id)
        queue.defer(session, "extract_document", document_id=document_id)
    return len(found)


# One that waited already goes on being late: only its next start may end that.
RELEASE_DOCUMENTS = f"""
UPDATE document d SET state = 'queued', worker_id = NULL, stage = NULL,
  waiting_since = CASE WHEN d.state = 'queued' THEN d.waiting_since ELSE now() END
WHERE d.id = ANY(:ids) AND {STUCK_DOCUMENT} RETURNING d.id
"""


def _batches(session: Session, ids: list[str]) -> int:
    found = [row.id for row in db.rows(session, RELEASE_BATCHES, ids=ids, **report.limits())]
    for batch_id in found:
        _again(session, "advance_batch", batch_id)
        queue.defer(session, "advance_batch", batch_id=batch_id)
    return len(found)


RELEASE_BATCHES = f"""
UPDATE provider_batch b SET next_at = now(), tries = 0 WHERE b.id = ANY(:ids) AND {STUCK_BATCH} RETURNING b.id
"""


def _answers(session: Session, _ids: list[str]) -> int:
    """Whoever derives takes all that is there."""
    number = sum(row.number for row in report.of_kind(session, "answers"))
    _again(session, "derive")
    queue.defer(session, "derive")
    return number


def _tasks(session: Session, ids: list[str]) -> int:
    """A task only nudges: forgotten, what it was about is due again by its rows."""
    stuck = {row.id for row in report.of_kind(session, "tasks")} & set(ids)
    found = db.execute(
        session, "DELETE FROM procrastinate_jobs WHERE id = ANY(CAST(:ids AS bigint[]))", ids=sorted(map(int, stuck))
    )
    tick.nudge(session)
    return found


def _again(session: Session, task: str, *arguments: str) -> None:
    """Without the one that nobody takes, a new one is told of at once."""
    sql = "DELETE FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock = :lock"
    db.execute(session, sql, lock=":".join([task, *arguments]))


ACTIONS: dict[Kind, Callable[[Session, list[str]], int]] = {
    "documents": _documents,
    "batches": _batches,
    "answers": _answers,
    "tasks": _tasks,
}
