"""Check quotes again whose evidence has no verdict: those of an older release, document by document."""

from sqlmodel import Session

from core.evidence import quotes, support, writing
from core.runtime import db

# Evidence that is looked at in one transaction.
MOST = 2_000


def recheck_document() -> int:
    """Give a verdict to the evidence of one document. Returns how many rows got one; 0 when none is left anywhere."""
    with db.transaction() as session:
        document = db.scalar(session, NEXT_DOCUMENT)
        if document is None:
            return 0
        for _, source_text in writing.source_texts(session, [document]):
            return _recheck(session, document, source_text)
        # Without its text nothing can be checked: what was known of its quotes stays.
        return db.execute(session, WITHOUT_TEXT, document=document)


def recheck_all() -> None:
    while recheck_document():
        pass


NEXT_DOCUMENT = "SELECT document_id FROM evidence WHERE verdict IS NULL ORDER BY document_id LIMIT 1"

WITHOUT_TEXT = """
UPDATE evidence SET verdict = CASE WHEN supported THEN 'found' ELSE 'absent' END
WHERE document_id = :document AND verdict IS NULL
"""


def _recheck(session: Session, document_id: str, text: quotes.SourceText) -> int:
    rows = db.rows(session, UNCHECKED, document=document_id, most=MOST)
    found = [{"id": row.id, **writing.columns_of(quotes.check(row.quote, text, row.statement))} for row in rows]
    if found:
        db.columns(session, WRITE_VERDICTS, **{name: [row[name] for row in found] for name in found[0]})
        support.recount(session, sorted({row.insight_id for row in rows}))
    return len(found)


# In the order in which deriving locks insights.
UNCHECKED = """
SELECT e.id, e.quote, e.insight_id, i.statement FROM evidence e JOIN insight i ON i.id = e.insight_id
WHERE e.document_id = :document AND e.verdict IS NULL ORDER BY i.statement_key, e.id LIMIT :most FOR UPDATE
"""

WRITE_VERDICTS = """
UPDATE evidence e SET verdict = n.verdict, supported = n.supported, start = n.start, "end" = n."end",
  spans = n.spans::jsonb, nearest_start = n.nearest_start, nearest_end = n.nearest_end
FROM unnest(%(id)s::bigint[], %(verdict)s::text[], %(supported)s::bool[], %(start)s::int[], %(end)s::int[],
  %(spans)s::text[], %(nearest_start)s::int[], %(nearest_end)s::int[])
  AS n(id, verdict, supported, start, "end", spans, nearest_start, nearest_end)
WHERE e.id = n.id
RETURNING e.id
"""
