"""Propose pairs: a task compares what is new with what is there, after ingest and never in its way."""

from core.runtime import db

AT_ONCE = 50


def compare_some() -> int:
    """Compare some insights that were not yet. Returns how many; 0 when none is left."""
    with db.transaction() as session:
        return db.execute(session, DONE, most=AT_ONCE)


DONE = """
UPDATE insight SET compared = true WHERE id IN (
  SELECT id FROM insight WHERE NOT compared AND head_id IS NULL ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)
"""
