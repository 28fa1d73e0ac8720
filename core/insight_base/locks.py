"""Locks on insights, always in the order of their keys: two transactions that change the same ones wait, and neither
for the other.

Which insights a change touches depends on heads, and those may change while it waits. So what is touched is looked up
again with the locks held; where there is more of it, all are let go and taken in order again. That works once in a
transaction, before it changes any insight: whoever changes several together locks all of them first.
"""

from collections.abc import Callable, Iterable, Sequence

from sqlmodel import Session

from core.insight_base import counts
from core.runtime import db


def lock(session: Session, insight_ids: Iterable[str]) -> list[str]:
    """Lock insights whose evidence changes, and their heads, until commit. Returns the ids of those that exist."""
    ids = sorted(set(insight_ids))
    return _lock(session, lambda: counts.heads_of(session, ids))


def lock_around(session: Session, insight_ids: Iterable[str]) -> list[str]:
    """Lock insights that change state or head, or go, with all whose counts change then (`counts.around`)."""
    ids = sorted(set(insight_ids))
    return _lock(session, lambda: counts.around(session, ids))


def lock_of_documents(session: Session, document_ids: Iterable[str]) -> list[str]:
    """Lock the insights with evidence of these documents, which the caller holds, and their heads."""
    ids = sorted(set(document_ids))
    return _lock(session, lambda: [row.id for row in db.rows(session, OF_DOCUMENTS, ids=ids)])


OF_DOCUMENTS = """
WITH theirs AS MATERIALIZED (SELECT DISTINCT insight_id FROM evidence WHERE document_id = ANY(:ids))
SELECT insight_id AS id FROM theirs
UNION SELECT i.head_id FROM insight i JOIN theirs t ON t.insight_id = i.id WHERE i.head_id IS NOT NULL
"""


def lock_by_keys(session: Session, exact_keys: Sequence[str]) -> dict[str, str]:
    """Lock the insights with these keys, whose evidence changes, and their heads. Returns their ids by key."""
    given = {"keys": list(exact_keys)}
    _lock(session, lambda: [row.id for row in db.rows(session, BY_KEY, **given)])
    return {row.exact_key: row.id for row in db.rows(session, WITH_KEYS, **given)}


WITH_KEYS = "SELECT id, exact_key FROM insight WHERE exact_key = ANY(:keys)"
BY_KEY = """
SELECT id FROM insight WHERE exact_key = ANY(:keys)
UNION SELECT head_id FROM insight WHERE exact_key = ANY(:keys) AND head_id IS NOT NULL
"""


def _lock(session: Session, touched: Callable[[], list[str]]) -> list[str]:
    wanted = touched()
    while wanted:
        db.execute(session, "SAVEPOINT insights")
        locked = [row.id for row in db.rows(session, LOCK, ids=wanted)]
        wanted = touched()
        if set(wanted) <= set(locked):
            # The savepoint is not released: whoever waits for a lock in a released one waits for the whole transaction,
            # also where that lets go of it again by rolling back to an earlier savepoint (writing.py): for ever.
            return locked
        db.execute(session, "ROLLBACK TO SAVEPOINT insights")
    return []


# What only refers to an insight, such as a new pair, neither waits for these locks nor holds them up.
# As Python sorts keys, which is the order of those that write new ones (writing.py).
IN_ORDER = 'exact_key COLLATE "C", id COLLATE "C"'
LOCK = f"SELECT id FROM insight WHERE id = ANY(:ids) ORDER BY {IN_ORDER} FOR NO KEY UPDATE"
