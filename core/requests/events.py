"""The timeline of a job."""

from sqlmodel import Session

from core.tables.jobs import JobEvent


def note(session: Session, job_id: str, kind: str, message: str) -> None:
    """Add an event. `kind` is a word for programs, `message` a sentence for people."""
    session.add(JobEvent(job_id=job_id, kind=kind, message=message))
    session.flush()
