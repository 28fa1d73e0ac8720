"""That somebody looked at the answers of a job that has ended."""

from core.runtime import db


def note(job_id: str) -> None:
    """The first time counts."""
    with db.transaction() as session:
        db.execute(session, NOTE, job=job_id)


NOTE = """
UPDATE job SET first_read_at = now()
WHERE id = :job AND workspace_id = :workspace AND finished_at IS NOT NULL AND first_read_at IS NULL
"""
