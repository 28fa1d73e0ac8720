"""Support and confidence of insights, recounted from their evidence."""

from collections.abc import Sequence

from sqlmodel import Session

from core.runtime import db


def recount(session: Session, insight_ids: Sequence[str]) -> int:
    """Recount insights whose evidence changed, and delete those without any. Returns how many were deleted.

    Support is the number of distinct documents with supported evidence. Confidence grows with it and shrinks with
    evidence that is not: the share of supported evidence times 1 - 1/2^support.
    """
    db.execute(session, RECOUNT, ids=sorted(set(insight_ids)))
    return db.execute(session, DROP_UNFOUNDED, ids=sorted(set(insight_ids)))


RECOUNT = """
UPDATE insight i SET support = e.support, confidence = e.share * (1 - power(0.5, e.support))
FROM (
  SELECT insight_id, count(DISTINCT document_id) FILTER (WHERE supported) AS support,
    avg(CASE WHEN supported THEN 1.0 ELSE 0.0 END) AS share
  FROM evidence WHERE insight_id = ANY(:ids) GROUP BY insight_id
) e WHERE e.insight_id = i.id
"""

DROP_UNFOUNDED = """
DELETE FROM insight i WHERE i.id = ANY(:ids) AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.insight_id = i.id)
"""
