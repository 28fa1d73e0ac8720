"""The timeline of a job."""

from sqlmodel import Session

from core.tables.jobs import JobEvent


def note(session: Session, job_id: str, kind: str, message: str) -> None:
    """Write an event of a job's life."""
    session.add(JobEvent(job_id=job_id, kind=kind, message=message))
    session.flush()
