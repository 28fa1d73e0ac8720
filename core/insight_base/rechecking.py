"""Check quotes again: those without a verdict, of an older release, and those of a document that gets a new text."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from core.evidence import quotes
from core.insight_base import counts, locks, writing
from core.runtime import db

# Evidence without a verdict that is looked at in one transaction.
MOST = 2_000
# By quote and statement, the columns of evidence that hold its verdict.
Checked = Mapping[tuple[str, str], Mapping[str, Any]]


def recheck_document() -> int:
    """Give a verdict to the evidence of one document. Returns how many rows got one; 0 when none is left anywhere."""
    with db.transaction(everywhere=True) as session:
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
    unchecked = EVIDENCE.format(which="AND e.verdict IS NULL", most=MOST)
    found = db.rows(session, unchecked, document=document_id)
    locks.lock(session, [row.insight_id for row in found])
    # What somebody else has checked meanwhile, against a new text perhaps, is left as it is.
    again = EVIDENCE.format(which="AND e.verdict IS NULL AND e.id = ANY(:ids)", most="ALL")
    rows = db.rows(session, f"{again} FOR UPDATE OF e", document=document_id, ids=[row.id for row in found])
    return _write(session, rows, text, {})


def check_ahead(document_id: str, text: quotes.SourceText) -> Checked:
    """Look the document's quotes up in a text that it does not have yet. Nothing is written, and nothing locked."""
    with db.transaction(everywhere=True) as session:
        pairs = {(row.quote, row.statement) for row in db.rows(session, QUOTES, document=document_id)}
    return {(quote, statement): _verdict(quote, text, statement) for quote, statement in pairs}


QUOTES = """
SELECT e.quote, i.statement FROM evidence e JOIN insight i ON i.id = e.insight_id WHERE e.document_id = :document
"""


def recheck_against(session: Session, document_id: str, text: quotes.SourceText, checked: Checked) -> int:
    """Give all evidence of a document the verdict it has in the text that the caller stores in this transaction, in
    which it has locked the document. `checked`: what is known from `check_ahead`. Returns how many rows there are."""
    every = EVIDENCE.format(which="", most="ALL")
    locks.lock(session, [row.insight_id for row in db.rows(session, every, document=document_id)])
    rows = db.rows(session, every, document=document_id)
    return _write(session, rows, text, checked)


def _write(session: Session, rows: Sequence[Row[Any]], text: quotes.SourceText, checked: Checked) -> int:
    found = [
        {"id": row.id, **(checked.get((row.quote, row.statement)) or _verdict(row.quote, text, row.statement))}
        for row in rows
    ]
    if found:
        db.columns(session, WRITE_VERDICTS, **{name: [row[name] for row in found] for name in found[0]})
        counts.recount(session, counts.heads_of(session, {row.insight_id for row in rows}))
    return len(found)


def _verdict(quote: str, text: quotes.SourceText, statement: str) -> dict[str, Any]:
    return writing.columns_of(quotes.check(quote, text, statement))


EVIDENCE = """
SELECT e.id, e.quote, e.insight_id, i.statement FROM evidence e JOIN insight i ON i.id = e.insight_id
WHERE e.document_id = :document {which} ORDER BY e.id LIMIT {most}
"""

WRITE_VERDICTS = """
UPDATE evidence e SET verdict = n.verdict, supported = n.supported, start = n.start, "end" = n."end",
  spans = n.spans::jsonb, nearest_start = n.nearest_start, nearest_end = n.nearest_end, quarantined = n.quarantined
FROM unnest(%(id)s::bigint[], %(verdict)s::text[], %(supported)s::bool[], %(start)s::int[], %(end)s::int[],
  %(spans)s::text[], %(nearest_start)s::int[], %(nearest_end)s::int[], %(quarantined)s::bool[])
  AS n(id, verdict, supported, start, "end", spans, nearest_start, nearest_end, quarantined)
WHERE e.id = n.id
RETURNING e.id
"""
