"""A job that sets a temperature says so where its model took none: in its row, and once in its timeline."""

from collections.abc import Collection

from sqlmodel import Session

from core.requests import events
from core.runtime import db


def note(session: Session, job_ids: Collection[str]) -> None:
    """These jobs' questions were, or will be, asked without the temperature that they set; others stay as they are."""
    for row in db.rows(session, NOTE, jobs=sorted(job_ids)) if job_ids else ():
        message = f"{row.provider}/{row.model} takes no temperature: {row.temperature} is not used, its own is."
        events.note(session, row.id, "temperature", message)


NOTE = """
UPDATE job SET temperature_unused = true
WHERE id = ANY(:jobs) AND NOT temperature_unused AND sampling -> 'temperature' IS NOT NULL
RETURNING id, provider, model, sampling ->> 'temperature' AS temperature
"""
