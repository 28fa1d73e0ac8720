"""Requeue work that stands still, on a person's demand. Doing it twice does no harm."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session

from core.access import audit
from core.access.roles import require
from core.errors import Conflict
from core.runtime import db, queue
from core.upkeep import stuck as report
from core.upkeep import takeover, tick
from core.upkeep.stuck import ABANDONED, STUCK_BATCH, STUCK_DOCUMENT, Kind


def requeue(kind: Kind, ids: Sequence[str], at: datetime) -> int:
    """Requeue those of `ids` that are still stuck; returns their number. Raises Conflict (requests only)."""
    require("stuck.requeue")
    if kind == "requests":
        return _requeue_requests(list(ids), at)
    with db.transaction() as session:
        number = ACTIONS[kind](session, list(ids))
        _audit(session, kind, ids, number)
        return number


def _requeue_requests(ids: Sequence[str], at: datetime) -> int:
    """As the scheduler does: requests of every dead worker go back, and calls with an unknown outcome are booked as an
    estimate.

    Raises Conflict while no lease can be trusted, right after a start of PostgreSQL.
    """
    before = _abandoned()
    takeover.take_over(at)
    left = _abandoned()
    if before and left == before:
        raise Conflict("PostgreSQL has just started: who is alive is not known yet. Try again in half a minute.")
    with db.transaction() as session:
        tick.nudge(session)
        _audit(session, "requests", ids, before - left)
    return before - left


def _abandoned() -> int:
    with db.transaction() as session:
        number: int = db.scalar(session, f"SELECT count(*) FROM request r WHERE {ABANDONED}", **report.limits())
        return number


def _audit(session: Session, kind: Kind, ids: Sequence[str], number: int) -> None:
    audit.write(session, "stuck.requeue", kind, after={"ids": list(ids), "requeued": number}, of_machine=True)


def _documents(session: Session, ids: list[str]) -> int:
    found = [row.id for row in db.rows(session, RELEASE_DOCUMENTS, ids=ids, **report.limits())]
    for document_id in found:
        _again(session, "extract_document", document_id)
        queue.defer(session, "extract_document", document_id=document_id)
    return len(found)


# A document that waited already stays late: only the start of its extraction ends that.
RELEASE_DOCUMENTS = f"""
UPDATE document d SET state = 'queued', worker_id = NULL, stage = NULL,
  waiting_since = CASE WHEN d.state = 'queued' THEN d.waiting_since ELSE now() END
WHERE d.id = ANY(:ids) AND d.workspace_id = :workspace AND {STUCK_DOCUMENT} RETURNING d.id
"""


def _batches(session: Session, ids: list[str]) -> int:
    found = [row.id for row in db.rows(session, RELEASE_BATCHES, ids=ids, **report.limits())]
    for batch_id in found:
        _again(session, "advance_batch", batch_id)
        queue.defer(session, "advance_batch", batch_id=batch_id)
    return len(found)


RELEASE_BATCHES = f"""
UPDATE provider_batch b SET next_at = now(), tries = 0 FROM job j
WHERE b.id = ANY(:ids) AND j.id = b.job_id AND j.workspace_id = :workspace AND {STUCK_BATCH} RETURNING b.id
"""


def _answers(session: Session, _ids: list[str]) -> int:
    """One derive task takes all answers, whatever their ids."""
    number = sum(row.number for row in report.of_kind(session, "answers"))
    _again(session, "derive")
    queue.defer(session, "derive")
    return number


def _tasks(session: Session, ids: list[str]) -> int:
    """Delete the tasks, and defer what is due by the rows they pointed to."""
    stuck = {row.id for row in report.of_kind(session, "tasks")} & set(ids)
    found = db.execute(
        session, "DELETE FROM procrastinate_jobs WHERE id = ANY(CAST(:ids AS bigint[]))", ids=sorted(map(int, stuck))
    )
    tick.nudge(session)
    return found


def _again(session: Session, task: str, *arguments: str) -> None:
    """Delete the queued task: its lock would drop the new one as a duplicate. A new one notifies the workers."""
    sql = "DELETE FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock = :lock"
    db.execute(session, sql, lock=":".join([task, *arguments]))


ACTIONS: dict[Kind, Callable[[Session, list[str]], int]] = {
    "documents": _documents,
    "batches": _batches,
    "answers": _answers,
    "tasks": _tasks,
}
