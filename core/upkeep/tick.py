"""The scheduler's tick: take over from dead workers, and defer a task for each row that is due. Rows are the truth, so
a tick makes up for every lost task, and running it twice changes nothing."""

from datetime import datetime

from sqlmodel import Session

from core.budgets import room
from core.environment import get_settings
from core.insight_base import renewal
from core.requests import finishing, former_models
from core.runtime import db, queue
from core.tables.jobs import ACTIVE, GOING, in_sql
from core.upkeep import takeover


def tick(at: datetime) -> None:
    """One round of the scheduler, by the leader only."""
    takeover.take_over(at)
    room.go_on_where_there_is_room(at)
    with db.transaction(everywhere=True) as session:
        db.bound_lock_waits(session, get_settings().worker_lease_seconds)
        nudge(session)


def nudge(session: Session) -> None:
    """Defer a task for each document, job and batch that is due, at most 500 of each, and end jobs that are done."""
    for row in db.rows(session, DUE_DOCUMENTS):
        queue.defer(session, "extract_document", document_id=row.id)
    for row in db.rows(session, DUE_JOBS):
        if row.state in GOING:
            queue.defer(session, "expand_job" if row.expandable else "pump_job", job_id=row.id)
        finishing.finish_if_done(session, row.id)
    for row in db.rows(session, DUE_BATCHES):
        queue.defer(session, "advance_batch", batch_id=row.id)
    if db.scalar(session, "SELECT 1 FROM request WHERE state = 'answered' LIMIT 1"):
        queue.defer(session, "derive")
    if db.scalar(session, "SELECT 1 FROM evidence WHERE verdict IS NULL LIMIT 1"):
        queue.defer(session, "recheck_quotes")
    if db.scalar(session, "SELECT 1 FROM read_again WHERE worker_id IS NULL AND error_code IS NULL LIMIT 1"):
        queue.defer(session, "read_again")
    if db.scalar(session, renewal.IS_DUE):
        queue.defer(session, "renew_insights")
    if db.scalar(session, NOT_COMPARED):
        queue.defer(session, "compare_insights")
    if db.scalar(session, UNREAD_VERDICT):
        queue.defer(session, "read_verdicts")
    if db.scalar(session, "SELECT 1 FROM invoice_fetch WHERE state = 'queued' OR state = 'running' LIMIT 1"):
        queue.defer(session, "fetch_invoices")


NOT_COMPARED = "SELECT 1 FROM insight WHERE NOT compared AND NOT quarantined AND head_id IS NULL LIMIT 1"
# Any 500 of them: a task reads the document whose turn it is, not the one it names.
DUE_DOCUMENTS = """
SELECT d.id FROM (SELECT id FROM document WHERE state = 'queued' LIMIT 500) d
WHERE NOT EXISTS (SELECT 1 FROM procrastinate_jobs t
  WHERE t.status = 'todo' AND t.queueing_lock = 'extract_document:' || d.id)
ORDER BY d.id
"""

DUE_JOBS = f"""
SELECT j.id, j.state, EXISTS (SELECT 1 FROM job_document d JOIN document x ON x.id = d.document_id
    WHERE d.job_id = j.id AND NOT d.expanded AND x.state IN ('ready', 'failed')) OR j.state = 'queued'
  OR j.former IS NOT NULL AND EXISTS (SELECT 1 FROM request r WHERE r.job_id = j.id AND {former_models.WAITS})
    AS expandable
FROM job j WHERE j.state IN {in_sql(ACTIVE)}
ORDER BY j.state = 'paused', j.id LIMIT 500
"""

UNREAD_VERDICT = """
SELECT 1 FROM judged_pair q JOIN request r ON r.id = q.request_id
WHERE q.outcome IS NULL AND r.state = 'succeeded' LIMIT 1
"""
DUE_BATCHES = "SELECT id FROM provider_batch WHERE next_at <= now() ORDER BY next_at LIMIT 500"
