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
    ids = [row.insight_id for row in db.rows(session, WITHOUT, most=AT_ONCE)]
    # What is edited meanwhile waits, and is written after this.
    db.execute(session, "SELECT 1 FROM insight WHERE id = ANY(:ids) ORDER BY id FOR KEY SHARE", ids=ids)
    write(session, ids)
    # Of an insight that is gone.
    db.execute(session, "DELETE FROM statement_search WHERE insight_id = ANY(:ids) AND words IS NULL", ids=ids)
    return len(ids)


WITHOUT = """
SELECT insight_id FROM statement_search WHERE words IS NULL ORDER BY insight_id LIMIT :most FOR UPDATE SKIP LOCKED
"""


def forget(session: Session, insight_ids: Sequence[str]) -> None:
    db.execute(session, "DELETE FROM statement_search WHERE insight_id = ANY(:ids)", ids=list(insight_ids))
