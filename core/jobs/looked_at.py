"""That somebody looked at the answers of a job that has ended."""

from core.runtime import db


def note(job_id: str) -> None:
    """The first time counts."""
    with db.reading() as session:
        if db.scalar(session, f"SELECT 1 FROM job WHERE {UNREAD}", job=job_id) is None:
            return
    with db.transaction() as session:
        db.execute(session, f"UPDATE job SET first_read_at = now() WHERE {UNREAD}", job=job_id)


UNREAD = "id = :job AND workspace_id = :workspace AND finished_at IS NOT NULL AND first_read_at IS NULL"
