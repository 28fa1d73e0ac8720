"""Jobs whose provider is not set up in this process wait and say so."""

from sqlmodel import Session

from core.calls import clients
from core.providers.types import Provider
from core.runtime import db
from core.tables.jobs import Job


def provider_of(session: Session, job: Job) -> Provider | None:
    """None where this process cannot call the job's provider: the job says so and waits for a process that can."""
    found = clients.configured().get(job.provider)
    if found is None:
        reason = f"{NOT_SET_UP} {clients.missing(job.provider)}"
        if job.error != reason:
            db.execute(session, "UPDATE job SET error = :reason WHERE id = :job", job=job.id, reason=reason)
            db.execute(session, NOTE_WAITING, job=job.id, reason=reason)
    elif (job.error or "").startswith(NOT_SET_UP):
        db.execute(session, "UPDATE job SET error = NULL WHERE id = :job", job=job.id)
    return found


NOT_SET_UP = "The job waits. In the jobs process,"


SHUT = "The live requests wait:"
FULL = "Waits for the rate limit of"


# Once, though some processes may be able to and others not.
NOTE_WAITING = """
INSERT INTO job_event (job_id, kind, message)
SELECT n.job, 'waiting', n.reason FROM (SELECT CAST(:job AS text) AS job, CAST(:reason AS text) AS reason) n
WHERE NOT EXISTS (SELECT 1 FROM job_event e WHERE e.job_id = n.job AND e.kind = 'waiting' AND e.message = n.reason)
"""
