"""That somebody looked at the answers of a job that has ended."""

from core.runtime import db


def is_unread(job_id: str) -> bool:
    with db.reading() as session:
        return db.scalar(session, f"SELECT 1 FROM job WHERE {UNREAD}", job=job_id) is not None


def note(job_id: str) -> None:
    """The first time counts."""
    if not db.read(is_unread, job_id):
        return
    with db.transaction() as session:
        db.execute(session, f"UPDATE job SET first_read_at = now() WHERE {UNREAD}", job=job_id)


UNREAD = "id = :job AND workspace_id = :workspace AND finished_at IS NOT NULL AND first_read_at IS NULL"
