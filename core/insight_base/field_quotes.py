"""The quotes that answers give for the values of fields, looked up in their documents like those of insights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from core.evidence import quotes
from core.evidence.quotes import SourceText
from core.insight_base import writing
from core.runtime import db
from core.runtime.text import storable


@dataclass(frozen=True)
class Quoted:
    """`value`: of the field, as text: a short quote counts if it holds a figure of it."""

    document_id: str
    response_id: int
    field: str
    value: str
    quote: str


def write(session: Session, given: Sequence[Quoted]) -> None:
    """In key order. An answer that is derived again changes nothing, and a document that is gone is left out."""
    of_document: dict[str, list[Quoted]] = {}
    for one in sorted(given, key=lambda one: (one.document_id, one.response_id, one.field)):
        of_document.setdefault(one.document_id, []).append(one)
    rows = [
        _row(one, source)
        for document_id, source in (writing.source_texts(session, of_document) if of_document else ())
        for one in of_document[document_id]
    ]
    if rows:
        db.columns(session, WRITE, **{name: [row[name] for row in rows] for name in rows[0]})


def _row(one: Quoted, source: SourceText) -> Mapping[str, Any]:
    value, quote = storable(one.value), storable(one.quote)
    named = {"document": one.document_id, "response": one.response_id, "field": one.field}
    return {**named, "value": value, "quote": quote, **writing.columns_of(quotes.check(quote, source, value))}


def recheck(session: Session, document_id: str, source: SourceText) -> int:
    """Give all of a document the verdict they have in the text that the caller stores in this transaction."""
    found = [Quoted(**row._mapping) for row in db.rows(session, OF_DOCUMENT, document=document_id)]
    rows = [_row(one, source) for one in found]
    if rows:
        db.columns(session, WRITE_VERDICTS, **{name: [row[name] for row in rows] for name in rows[0]})
    return len(rows)


INCOMING = """
SELECT document, response, field, value, quote, verdict, supported, start, "end", spans::jsonb AS spans, nearest_start,
  nearest_end, quarantined
FROM unnest(%(document)s::text[], %(response)s::bigint[], %(field)s::text[], %(value)s::text[], %(quote)s::text[],
  %(verdict)s::text[], %(supported)s::bool[], %(start)s::int[], %(end)s::int[], %(spans)s::text[],
  %(nearest_start)s::int[], %(nearest_end)s::int[], %(quarantined)s::bool[])
  AS t(document, response, field, value, quote, verdict, supported, start, "end", spans, nearest_start, nearest_end,
    quarantined)
"""
WRITE = f"""
INSERT INTO field_quote (document_id, response_id, field, value, quote, verdict, supported, start, "end", spans,
  nearest_start, nearest_end, quarantined)
{INCOMING} ON CONFLICT DO NOTHING
"""
OF_DOCUMENT = "SELECT document_id, response_id, field, value, quote FROM field_quote WHERE document_id = :document"
WRITE_VERDICTS = f"""
UPDATE field_quote q SET verdict = n.verdict, supported = n.supported, start = n.start, "end" = n."end",
  spans = n.spans, nearest_start = n.nearest_start, nearest_end = n.nearest_end, quarantined = n.quarantined
FROM ({INCOMING}) n WHERE q.document_id = n.document AND q.response_id = n.response AND q.field = n.field
"""
