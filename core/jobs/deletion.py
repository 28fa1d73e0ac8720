"""Delete ended jobs with their requests and the answers that no other job has."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from core.access import audit
from core.errors import Conflict
from core.jobs import control
from core.runtime import db
from core.tables.jobs import ENDED


@dataclass(frozen=True)
class Removal:
    """How many rows deleting jobs removes. Insights, evidence and usage records stay."""

    requests: int
    responses: int
    provider_batches: int


def removal(job_id: str) -> Removal:
    with db.transaction() as session:
        control.locked(session, job_id)
        return _removal(session, [job_id])


def _removal(session: Session, ids: Sequence[str]) -> Removal:
    found = db.row(session, REMOVAL, jobs=list(ids))
    assert found is not None
    return Removal(**found._mapping)


def delete(job_id: str) -> None:
    """Delete an ended job or a draft with its requests. Its usage records and insights stay. Raises Conflict."""
    with db.transaction() as session:
        job = control.changeable(session, job_id)
        if job.state not in ("draft", *ENDED):
            raise Conflict("This job is still at work. Cancel it first, then delete it.")
        before = {"state": job.state, "user": job.user}
        name = job.name
        remove(session, [job_id])
        audit.write(session, "job.delete", "job", job_id, name=name, before=before)


def remove(session: Session, ids: Sequence[str]) -> Removal:
    """Delete jobs that the caller has locked and that are drafts or have ended."""
    removed = _removal(session, ids)
    for statement in DELETE:
        db.execute(session, statement, jobs=list(ids))
    return removed


# Not the answers that evidence cites, nor those of other jobs: the last job with such an answer deletes it.
ONLY_THEIRS = """
s.id IN (
  SELECT own.id FROM request r JOIN response own ON own.request_id = r.id WHERE r.job_id = ANY(:jobs)
  UNION SELECT r.response_id FROM request r WHERE r.job_id = ANY(:jobs))
AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.response_id = s.id)
AND NOT EXISTS (SELECT 1 FROM request o WHERE o.response_id = s.id AND (o.job_id = ANY(:jobs)) IS NOT TRUE)"""

REMOVAL = f"""
SELECT (SELECT count(*)::int FROM request WHERE job_id = ANY(:jobs)) AS requests,
  (SELECT count(*)::int FROM response s WHERE {ONLY_THEIRS}) AS responses,
  (SELECT count(*)::int FROM provider_batch WHERE job_id = ANY(:jobs)) AS provider_batches
"""

DELETE = (
    f"DELETE FROM response s WHERE {ONLY_THEIRS}",
    "DELETE FROM request_body WHERE request_id IN (SELECT id FROM request WHERE job_id = ANY(:jobs))",
    "DELETE FROM judged_pair WHERE request_id IN (SELECT id FROM request WHERE job_id = ANY(:jobs))",
    "DELETE FROM odd_line WHERE batch_id IN (SELECT id FROM provider_batch WHERE job_id = ANY(:jobs))",
    "DELETE FROM provider_batch WHERE job_id = ANY(:jobs)",
    "DELETE FROM request WHERE job_id = ANY(:jobs)",
    """DELETE FROM listing l USING job j
       WHERE j.id = ANY(:jobs) AND l.workspace_id = j.workspace_id AND l.key = 'job:' || j.id""",
    "DELETE FROM job WHERE id = ANY(:jobs)",
)
