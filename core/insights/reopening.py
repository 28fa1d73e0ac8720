"""Take back what was said of pairs: they are as they were proposed, and open."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from core.insights import history
from core.insights.history import Side
from core.insights.review_report import MIRRORED
from core.runtime import db


def of_merges(session: Session, merges: Sequence[str]) -> int:
    """The verdicts that made these merges. Returns how many pairs are open again."""
    return db.execute(session, REOPEN_MERGED, merges=list(merges))


def of_pairs(session: Session, pairs: Sequence[str]) -> int:
    """Of those that made no merge. The caller has locked the insights around."""
    return db.execute(session, REOPEN, pairs=list(pairs))


def note(session: Session, pairs: Sequence[Row[Any]]) -> None:
    """In the history of both sides, where a conflict came or went with it. Of each pair: its id, verdict, proposed_as,
    and the heads a and b."""
    entries: list[tuple[str, Side, Side]] = [
        (one, {"pair": row.id, "with": other, "verdict": verdict}, {"pair": row.id, "kind": row.proposed_as})
        for row in pairs
        if "conflict" in (row.verdict, row.proposed_as)
        for one, other, verdict in (
            (row.a, row.b, row.verdict),
            (row.b, row.a, MIRRORED.get(row.verdict, row.verdict)),
        )
    ]
    if entries:
        history.note(session, history.new_change(), "review", entries)


THESE = "SELECT id FROM pair WHERE {which} AND state = 'settled' AND workspace_id = :workspace ORDER BY id FOR UPDATE"
AS_PROPOSED = """
UPDATE pair p SET state = 'open', kind = coalesce(p.proposed_as, p.kind), proposed_as = NULL, verdict = NULL,
  actor = NULL, settled_at = NULL, merge_id = NULL, judged_in = NULL, grounds = NULL
FROM theirs WHERE p.id = theirs.id AND p.workspace_id = :workspace
"""
REOPEN_MERGED = f"WITH theirs AS MATERIALIZED ({THESE.format(which='merge_id = ANY(:merges)')}) {AS_PROPOSED}"
REOPEN = f"WITH theirs AS MATERIALIZED ({THESE.format(which='id = ANY(:pairs)')}) {AS_PROPOSED}"
