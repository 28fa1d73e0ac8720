"""Take back what was said of pairs: they are as they were proposed, and open."""

from collections.abc import Sequence

from sqlmodel import Session

from core.runtime import db


def of_merges(session: Session, merges: Sequence[str]) -> int:
    """The verdicts that made these merges. Returns how many pairs are open again."""
    return db.execute(session, REOPEN_MERGED, merges=list(merges))


def of_pairs(session: Session, pairs: Sequence[str]) -> int:
    """Of those that made no merge. The caller has locked the insights around."""
    return db.execute(session, REOPEN, pairs=list(pairs))


THESE = "SELECT id FROM pair WHERE {which} AND state = 'settled' AND workspace_id = :workspace ORDER BY id FOR UPDATE"
AS_PROPOSED = """
UPDATE pair p SET state = 'open', kind = coalesce(p.proposed_as, p.kind), proposed_as = NULL, verdict = NULL,
  actor = NULL, settled_at = NULL, merge_id = NULL, judged_in = NULL, grounds = NULL
FROM theirs WHERE p.id = theirs.id AND p.workspace_id = :workspace
"""
REOPEN_MERGED = f"WITH theirs AS MATERIALIZED ({THESE.format(which='merge_id = ANY(:merges)')}) {AS_PROPOSED}"
REOPEN = f"WITH theirs AS MATERIALIZED ({THESE.format(which='id = ANY(:pairs)')}) {AS_PROPOSED}"
