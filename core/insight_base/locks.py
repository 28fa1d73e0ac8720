"""Locks on insights, always in the order of their keys: two transactions that change the same ones wait, and neither
for the other."""

from collections.abc import Iterable, Sequence

from sqlmodel import Session

from core.runtime import db


def lock(session: Session, insight_ids: Iterable[str]) -> list[str]:
    """Lock these insights and their heads until commit. Returns the ids of those that exist."""
    return [row.id for row in db.rows(session, LOCK.format(which=BY_ID), ids=sorted(set(insight_ids)))]


def lock_heads(session: Session, exact_keys: Sequence[str]) -> None:
    """Lock the insights with these keys where one of them was merged: its head changes with it, which stands elsewhere
    in the order. Insights that are heads themselves are locked by whoever writes them in key order."""
    if db.scalar(session, ANY_MERGED, keys=list(exact_keys)):
        db.rows(session, LOCK.format(which=BY_KEY), keys=list(exact_keys))


ANY_MERGED = "SELECT 1 FROM insight WHERE exact_key = ANY(:keys) AND head_id IS NOT NULL LIMIT 1"
BY_ID = """
SELECT id FROM insight WHERE id = ANY(:ids)
UNION SELECT head_id FROM insight WHERE id = ANY(:ids) AND head_id IS NOT NULL
"""
BY_KEY = """
SELECT id FROM insight WHERE exact_key = ANY(:keys)
UNION SELECT head_id FROM insight WHERE exact_key = ANY(:keys) AND head_id IS NOT NULL
"""
LOCK = "SELECT id FROM insight WHERE id IN ({which}) ORDER BY exact_key, id FOR UPDATE"
