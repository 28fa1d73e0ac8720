"""Support and confidence of insights, recounted from their evidence and their open conflicts.

Everything that is counted is counted here, from rows alone: a recount of all insights changes none.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from core.insight_base import judged, listings, searched, traces, tree
from core.runtime import db, queue
from core.tables.insights import COUNTS

# What a person confirmed is at least this sure.
CONFIRMED = 0.95


def recount(session: Session, insight_ids: Iterable[str], *, only_added: bool = False) -> int:
    """Recount insights whose evidence, state, head or conflicts changed, and delete those that have no evidence left.
    Returns how many were deleted. `only_added`: evidence came and nothing went, and the caller lists them.

    Support is the number of independent documents with supported evidence: texts that are nearly the same count once.
    A head counts the evidence of what was merged into it. An insight without evidence stays while others are merged
    into it. Evidence in passages that give instructions counts once its insight is confirmed (COUNTS).
    """
    ids = sorted(set(insight_ids))
    if not ids:
        return 0
    dropped = 0
    if unfounded := [row.id for row in db.rows(session, UNFOUNDED, ids=ids)]:
        # What goes contradicts nothing any more.
        ids = sorted({*ids, *around(session, unfounded)})
        # Leaves first: an insight that others were merged into stays as long as one of them does.
        while gone := _drop(session, unfounded):
            dropped += gone
    turned = db.rows(session, RECOUNT, ids=ids, confirmed=CONFIRMED)
    if turned:
        _follow(session, ids, turned)
    if not only_added:
        listings.renew(session, ids)
    return dropped


def _follow(session: Session, ids: Sequence[str], turned: Sequence[Row[Any]]) -> None:
    """What is in quarantine contradicts nothing, and is compared with nothing: whoever came into it, or out of it, has
    others counted anew. Those that the caller has not locked are left to a task."""
    opposed = around(session, [row.id for row in turned])
    db.execute(session, RECOUNT, ids=ids, confirmed=CONFIRMED)
    if others := sorted(set(opposed) - set(ids)):
        db.execute(session, NOTE_DUE, ids=others, seconds=0)
    if any(not row.quarantined for row in turned):
        queue.defer(session, "compare_insights")


def _drop(session: Session, ids: Sequence[str]) -> int:
    gone = [row.id for row in db.rows(session, DROPPABLE, ids=ids)]
    traces.forget(session, gone)
    listings.forget(session, gone)
    searched.forget(session, gone)
    judged.forget(session, gone)
    return db.execute(session, "DELETE FROM insight WHERE id = ANY(:ids)", ids=gone) if gone else 0


def later(session: Session, insight_ids: Iterable[str]) -> list[str]:
    """Those whose counts are left to a task (`recount_due`), as they have so many documents: one more or less says
    little, and a count of all of them takes as long as all else that ingest does. Each is counted once in a while."""
    found = db.rows(session, MANY, ids=sorted(set(insight_ids)), many=MANY_DOCUMENTS)
    if found:
        db.execute(session, NOTE_DUE, ids=[row.id for row in found], seconds=EVERY_SECONDS)
    return [row.id for row in found]


# From so many documents with evidence on.
MANY_DOCUMENTS = 1_000
EVERY_SECONDS = 3600
MANY = "SELECT id FROM insight WHERE id = ANY(:ids) AND documents_with_evidence >= :many ORDER BY id"
NOTE_DUE = """
INSERT INTO recount_due (insight_id, due_at)
SELECT unnest(CAST(:ids AS text[])), now() + :seconds * interval '1 second'
ON CONFLICT DO NOTHING
"""


def heads_of(session: Session, insight_ids: Iterable[str]) -> list[str]:
    """The insights and their heads."""
    return [row.id for row in db.rows(session, WITH_HEADS, ids=sorted(set(insight_ids)))]


WITH_HEADS = """
SELECT id FROM insight WHERE id = ANY(:ids)
UNION SELECT head_id FROM insight WHERE id = ANY(:ids) AND head_id IS NOT NULL
"""


def around(session: Session, insight_ids: Iterable[str]) -> list[str]:
    """All whose counts change when these change state or head: they, their heads, what was merged into those, and what
    contradicts any of them, with its heads."""
    return [row.id for row in db.rows(session, AROUND.format(which="id = ANY(:ids)"), ids=sorted(set(insight_ids)))]


AROUND = """
WITH theirs AS MATERIALIZED (
  SELECT id, coalesce(head_id, id) AS head FROM insight WHERE {which}
), tree AS MATERIALIZED (
  SELECT id FROM theirs UNION SELECT head FROM theirs
  UNION SELECT i.id FROM insight i JOIN theirs t ON i.head_id = t.head
), opposed AS (
  SELECT p.second AS id FROM pair p JOIN tree t ON t.id = p.first WHERE p.state = 'open' AND p.kind = 'conflict'
  UNION SELECT p.first FROM pair p JOIN tree t ON t.id = p.second WHERE p.state = 'open' AND p.kind = 'conflict'
)
SELECT id FROM tree UNION SELECT id FROM opposed
UNION SELECT i.head_id FROM insight i JOIN opposed o ON o.id = i.id WHERE i.head_id IS NOT NULL
"""

RECOUNT = f"""
WITH member AS MATERIALIZED ({tree.MEMBERS}),
evidenced AS (
  SELECT m.insight, count(DISTINCT coalesce(d.text_group, d.id)) FILTER (WHERE e.supported AND {COUNTS}) AS support,
    count(DISTINCT d.id) FILTER (WHERE e.supported AND {COUNTS}) AS documents,
    count(DISTINCT d.id) FILTER (WHERE {COUNTS}) AS with_evidence, bool_or(NOT {COUNTS}) AS some_wait
  FROM member m JOIN insight h ON h.id = m.insight
  JOIN evidence e ON e.insight_id = m.member JOIN document d ON d.id = e.document_id GROUP BY m.insight
),
opposed AS (
  SELECT m.insight, p.second AS other FROM member m JOIN pair p ON p.first = m.member
  WHERE p.state = 'open' AND p.kind = 'conflict'
  UNION SELECT m.insight, p.first FROM member m JOIN pair p ON p.second = m.member
  WHERE p.state = 'open' AND p.kind = 'conflict'
),
conflicting AS (
  SELECT o.insight, count(DISTINCT h.id) AS conflicts
  FROM opposed o JOIN insight i ON i.id = o.other JOIN insight h
    ON h.id = CASE WHEN i.head_id IS NULL THEN i.id ELSE i.head_id END
  WHERE h.id <> o.insight AND h.state <> 'dismissed' AND NOT h.quarantined GROUP BY o.insight
),
counted AS (
  SELECT i.id, coalesce(e.support, 0) AS support, coalesce(e.documents, 0) AS documents,
    coalesce(e.with_evidence, 0) AS with_evidence, coalesce(c.conflicts, 0) AS conflicts,
    coalesce(e.some_wait AND e.support = 0, false) AS quarantined, i.quarantined AS was,
    coalesce(e.documents / nullif(e.with_evidence, 0)::float8 * (1 - power(0.5::float8, e.support))
      * CASE WHEN c.conflicts > 0 THEN 0.5 ELSE 1 END, 0) AS sum
  FROM insight i LEFT JOIN evidenced e ON e.insight = i.id LEFT JOIN conflicting c ON c.insight = i.id
  WHERE i.id = ANY(:ids)
),
judged AS (
  SELECT c.*, CASE i.state WHEN 'dismissed' THEN 0 WHEN 'confirmed' THEN greatest(c.sum, :confirmed) ELSE c.sum END
    AS confidence
  FROM counted c JOIN insight i USING (id)
),
noted AS (
  INSERT INTO former_count (workspace_id, insight_id, support, confidence)
  SELECT i.workspace_id, i.id, i.support, i.confidence FROM judged j JOIN insight i ON i.id = j.id
  WHERE (i.support, i.confidence) IS DISTINCT FROM (j.support, j.confidence)
), changed AS (
  UPDATE insight i SET support = j.support, documents = j.documents, documents_with_evidence = j.with_evidence,
    open_conflicts = j.conflicts, confidence = j.confidence, quarantined = j.quarantined
  FROM judged j WHERE j.id = i.id
    AND (i.support, i.documents, i.documents_with_evidence, i.open_conflicts, i.confidence, i.quarantined)
      IS DISTINCT FROM (j.support, j.documents, j.with_evidence, j.conflicts, j.confidence, j.quarantined)
  RETURNING i.id, j.quarantined, j.was
)
SELECT id, quarantined FROM changed WHERE quarantined <> was
"""

UNFOUNDED = f"""
SELECT i.id FROM insight i WHERE i.id IN (SELECT member FROM ({tree.MEMBERS}) m)
  AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.insight_id = i.id)
"""
DROPPABLE = """
SELECT i.id FROM insight i WHERE i.id = ANY(:ids)
  AND NOT EXISTS (SELECT 1 FROM merged g WHERE g.into_id = i.id AND g.active)
"""
