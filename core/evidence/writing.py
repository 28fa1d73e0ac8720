"""Write what answers found: insights by their statement, and evidence with its quotes looked up in the document."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from core.evidence import quotes
from core.evidence.quotes import Check, SourceText
from core.evidence.support import recount
from core.runtime import db
from core.runtime.ids import new_id
from core.runtime.text import storable, storable_json


@dataclass(frozen=True)
class Finding:
    statement: str
    quotes: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """The document that a finding is about, and the response and template that brought it."""

    document_id: str
    response_id: int
    template_id: str | None


def write(session: Session, found: Sequence[tuple[Source, Finding]]) -> None:
    """Write insights and evidence in key order, and recount support. What was written before changes nothing.

    A statement that normalises to nothing is left out, and so is one whose document has no text any more.
    """
    of_document = _by_document(session, found)
    by_key = {
        (workspace, key): (source, finding)
        for workspace, found_there in of_document.values()
        for source, finding in found_there
        if (key := quotes.normalise(finding.statement))
    }
    if not by_key:
        return
    keys = sorted(by_key)
    stored = db.columns(
        session,
        WRITE_INSIGHTS,
        id=[new_id("ins") for _ in keys],
        workspaces=[workspace for workspace, _ in keys],
        statement=[storable(by_key[key][1].statement) for key in keys],
        key=[storable(key) for _, key in keys],
        kind=[by_key[key][0].template_id for key in keys],
    )
    insight_of = {(row.workspace_id, row.statement_key): row.id for row in stored}
    evidence = [
        _evidence(insight_of[workspace, storable(key)], source, finding, quote, text_of_document)
        for document_id, text_of_document in source_texts(session, of_document)
        for workspace, found_there in (of_document[document_id],)
        for source, finding in found_there
        if (key := quotes.normalise(finding.statement))
        for quote in finding.quotes or ("",)
    ]
    if evidence:
        db.columns(session, WRITE_EVIDENCE, **{name: [row[name] for row in evidence] for name in evidence[0]})
    recount(session, sorted(insight_of.values()))


def _by_document(
    session: Session, found: Sequence[tuple[Source, Finding]]
) -> dict[str, tuple[str, list[tuple[Source, Finding]]]]:
    """What was found in each document that is still there, with the document's workspace."""
    ids = sorted({source.document_id for source, _ in found})
    theirs = db.rows(session, "SELECT id, workspace_id FROM document WHERE id = ANY(:ids)", ids=ids)
    of_document: dict[str, tuple[str, list[tuple[Source, Finding]]]] = {
        row.id: (row.workspace_id, []) for row in theirs
    }
    for source, finding in found:
        if source.document_id in of_document:
            of_document[source.document_id][1].append((source, finding))
    return of_document


# Sorted by the caller: two transactions that write the same insights lock them in the same order.
WRITE_INSIGHTS = """
INSERT INTO insight (id, workspace_id, statement, statement_key, kind)
SELECT * FROM unnest(%(id)s::text[], %(workspaces)s::text[], %(statement)s::text[], %(key)s::text[], %(kind)s::text[])
ON CONFLICT (workspace_id, statement_key) DO UPDATE SET last_seen = now()
RETURNING id, workspace_id, statement_key
"""

# The same quote of the same answer again is the same evidence.
WRITE_EVIDENCE = """
INSERT INTO evidence (insight_id, document_id, response_id, template_id, quote, quote_key, attributes, verdict,
  supported, start, "end", spans, nearest_start, nearest_end)
SELECT insight, document, response, template, quote, key, attributes::jsonb, verdict, supported, start, "end",
  spans::jsonb, nearest_start, nearest_end
FROM unnest(%(insight)s::text[], %(document)s::text[], %(response)s::bigint[], %(template)s::text[], %(quote)s::text[],
  %(key)s::text[], %(attributes)s::text[], %(verdict)s::text[], %(supported)s::bool[], %(start)s::int[],
  %(end)s::int[], %(spans)s::text[], %(nearest_start)s::int[], %(nearest_end)s::int[])
  AS t(insight, document, response, template, quote, key, attributes, verdict, supported, start, "end", spans,
    nearest_start, nearest_end)
ON CONFLICT DO NOTHING
"""


def _evidence(insight_id: str, source: Source, finding: Finding, quote: str, source_text: SourceText) -> dict[str, Any]:
    return {
        "insight": insight_id,
        "document": source.document_id,
        "response": source.response_id,
        "template": source.template_id,
        "quote": storable(quote),
        "key": hashlib.sha256(quote.encode("utf-8", "replace")).hexdigest()[:32],
        "attributes": storable_json(dict(finding.attributes)) or "{}",
        **columns_of(quotes.check(quote, source_text, finding.statement)),
    }


def columns_of(check: Check) -> dict[str, Any]:
    """A check as the columns of evidence. `spans` only where the quote stands in several parts."""
    return {
        "verdict": check.verdict,
        "supported": check.supported,
        "start": check.span.start if check.span else None,
        "end": check.span.end if check.span else None,
        "spans": json.dumps([[one.start, one.end] for one in check.spans]) if len(check.spans) > 1 else None,
        "nearest_start": check.nearest.start if check.nearest else None,
        "nearest_end": check.nearest.end if check.nearest else None,
    }


def source_texts(session: Session, document_ids: Iterable[str]) -> Iterator[tuple[str, SourceText]]:
    """Document ids with their texts, read a few at a time and folded one at a time, as texts may be long."""
    found = session.connection().execute(
        text(TEXTS).execution_options(yield_per=TEXTS_AT_ONCE), {"ids": sorted(document_ids)}
    )
    return ((row.document_id, SourceText(row.text)) for row in found)


TEXTS = "SELECT document_id, text FROM document_text WHERE document_id = ANY(:ids)"
TEXTS_AT_ONCE = 20
