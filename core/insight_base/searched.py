"""The words that statements are found by: one way for what is new, for an edit, and for what an older release left."""

from collections.abc import Sequence

from sqlmodel import Session

from core.runtime import db
from core.search import index

AT_ONCE = 1_000


def write(session: Session, insight_ids: Sequence[str]) -> None:
    """Make the words of insights anew: they are new, or shown in other words."""
    found = db.rows(session, STATEMENTS, ids=list(insight_ids))
    db.columns(
        session,
        WRITE,
        insight=[row.id for row in found],
        workspace_of=[row.workspace_id for row in found],
        words=[index.vector((row.statement, row.shown), row.language) for row in found],
    )


STATEMENTS = "SELECT id, workspace_id, statement, shown, language FROM insight WHERE id = ANY(:ids) ORDER BY id"
WRITE = """
INSERT INTO statement_search (insight_id, workspace_id, words)
SELECT insight, workspace, CAST(words AS tsvector)
FROM unnest(%(insight)s::text[], %(workspace_of)s::text[], %(words)s::text[]) AS n(insight, workspace, words)
ON CONFLICT (insight_id) DO UPDATE SET words = excluded.words
"""


def renew(session: Session) -> int:
    """The words of some insights that an older release left without. Returns of how many; 0 when none is left."""
    waiting = [row.insight_id for row in db.rows(session, WITHOUT, most=AT_ONCE)]
    # Insights first, as an edit locks them; one that is being changed is left for the next time.
    ids = [row.id for row in db.rows(session, LOCK, ids=waiting)]
    write(session, ids)
    return len(ids) + db.execute(session, FORGET_GONE, ids=waiting)


WITHOUT = "SELECT insight_id FROM statement_search WHERE words IS NULL ORDER BY insight_id LIMIT :most"
LOCK = "SELECT id FROM insight WHERE id = ANY(:ids) ORDER BY id FOR KEY SHARE SKIP LOCKED"
FORGET_GONE = """
DELETE FROM statement_search s WHERE insight_id = ANY(:ids)
  AND NOT EXISTS (SELECT 1 FROM insight i WHERE i.id = s.insight_id)
"""


def forget(session: Session, insight_ids: Sequence[str]) -> None:
    db.execute(session, "DELETE FROM statement_search WHERE insight_id = ANY(:ids)", ids=list(insight_ids))
