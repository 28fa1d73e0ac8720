"""Write what answers found: insights by their exact key, and evidence with its quotes looked up in the document."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from core.evidence import quotes
from core.evidence.quotes import Check, SourceText
from core.insight_base import counts, decisions, listings, locks, searched
from core.insight_base.identity import Identity, identify
from core.runtime import db, queue
from core.runtime.ids import new_id
from core.runtime.text import storable, storable_json


@dataclass(frozen=True)
class Finding:
    """`question`: what the statement answers; without it "Yes." says nothing."""

    statement: str
    quotes: tuple[str, ...]
    attributes: Mapping[str, Any]
    question: str | None = None


@dataclass(frozen=True)
class Source:
    """The document that a finding is about, and the response and template that brought it.

    `language`: that the answer was asked for in, ISO 639-1; None: that of the document.
    """

    document_id: str
    response_id: int
    template_id: str | None
    language: str | None = None


@dataclass(frozen=True)
class _Found:
    """A finding of a document that exists, and which insight it is. `group`: of documents that are one source."""

    source: Source
    finding: Finding
    workspace_id: str
    group: str
    identity: Identity


@dataclass(frozen=True)
class _Evidence:
    """A quote of a finding, looked up in its document."""

    found: _Found
    quote: str
    check: Check

    @property
    def document(self) -> str:
        return self.found.source.document_id

    @property
    def response(self) -> int:
        return self.found.source.response_id

    @property
    def key(self) -> str:
        return hashlib.sha256(self.quote.encode("utf-8", "replace")).hexdigest()[:32]


def write(session: Session, given: Sequence[tuple[Source, Finding]]) -> None:
    """Write insights and evidence in key order, and recount support. What was written before changes nothing. What is
    said of a merged insight is seen, and counts, for its head, too.

    A statement without words is left out, and so is one whose document is gone.
    """
    found = _identified(session, given)
    by_key = {one.identity.exact: one for one in reversed(found)}
    if not by_key:
        return
    # Before any lock is taken: most of the time goes into this.
    evidence = _evidence(session, found)
    insight_of = _write_insights(session, by_key, _first_counts(evidence))
    if evidence:
        columns = {name: [getattr(one, name) for one in evidence] for name in ("document", "key", "response")}
        columns["insight"] = [insight_of[one.found.identity.exact] for one in evidence]
        db.columns(session, WRITE_EVIDENCE, **columns, **_columns_of(evidence))
        db.columns(session, WRITE_SIGHTINGS, **columns)
    touched = counts.heads_of(session, insight_of.values())
    listings.add(session, insight_of.values(), {one.document for one in evidence})
    counts.recount(session, set(touched) - set(counts.later(session, touched)), only_added=True)


def _identified(session: Session, given: Sequence[tuple[Source, Finding]]) -> list[_Found]:
    ids = sorted({source.document_id for source, _ in given})
    documents = {row.id: row for row in db.rows(session, DOCUMENTS, ids=ids)} if ids else {}
    found = []
    for source, finding in given:
        document = documents.get(source.document_id)
        if document and (identity := _identity(source, finding, document)):
            found.append(_Found(source, finding, document.workspace_id, document.text_group or document.id, identity))
    return found


DOCUMENTS = "SELECT id, workspace_id, language, text_group FROM document WHERE id = ANY(:ids)"


def _identity(source: Source, finding: Finding, document: Row[Any]) -> Identity | None:
    language = source.language or document.language
    return identify(document.workspace_id, language, finding.question, storable(finding.statement))


def _evidence(session: Session, found: Sequence[_Found]) -> list[_Evidence]:
    of_document: dict[str, list[_Found]] = {}
    for one in found:
        of_document.setdefault(one.source.document_id, []).append(one)
    return [
        _Evidence(one, quote, quotes.check(quote, text_of_document, one.finding.statement))
        for document_id, text_of_document in source_texts(session, of_document)
        for one in of_document[document_id]
        for quote in one.finding.quotes or ("",)
    ]


@dataclass(frozen=True)
class _Counts:
    """As core.insight_base.counts counts them: what is written so is not written a second time."""

    support: int = 0
    documents: int = 0
    documents_with_evidence: int = 0
    quarantined: bool = False

    @property
    def confidence(self) -> float:
        return self.documents / max(self.documents_with_evidence, 1) * (1 - 0.5**self.support)


def _first_counts(evidence: Sequence[_Evidence]) -> dict[str, _Counts]:
    """By exact key, what an insight that has no other evidence counts."""
    by_key: dict[str, list[_Evidence]] = {}
    for one in evidence:
        by_key.setdefault(one.found.identity.exact, []).append(one)
    return {key: _counted(theirs) for key, theirs in by_key.items()}


def _counted(evidence: Sequence[_Evidence]) -> _Counts:
    counting = [one for one in evidence if not one.check.quarantined]
    supporting = [one for one in counting if one.check.supported]
    return _Counts(
        len({one.found.group for one in supporting}),
        len({one.document for one in supporting}),
        len({one.document for one in counting}),
        quarantined=len(counting) < len(evidence) and not supporting,
    )


def _write_insights(
    session: Session, by_key: Mapping[str, _Found], first_counts: Mapping[str, _Counts]
) -> dict[str, str]:
    """The ids of the insights by exact key; those that are new are made, and compared with others later."""
    there, made = _locked_and_made(session, by_key, first_counts)
    searched.write(session, list(made.values()))
    decisions.recall(
        session,
        [
            decisions.Statement(
                *(insight_id, one.workspace_id, one.identity.language, one.finding.question),
                *(storable(one.finding.statement), key),
            )
            for key, insight_id in made.items()
            for one in (by_key[key],)
        ],
    )
    if made:
        queue.defer(session, "compare_insights")
    return there | made


def _locked_and_made(
    session: Session, by_key: Mapping[str, _Found], first_counts: Mapping[str, _Counts]
) -> tuple[dict[str, str], dict[str, str]]:
    """Lock what is there, in order, then make what is not, in order, which waits for none but those who make the same.
    Where somebody has made it meanwhile it is there, and may have been merged: all is let go and locked again."""
    while True:
        db.execute(session, "SAVEPOINT writing")
        there = locks.lock_by_keys(session, sorted(by_key))
        new = sorted(by_key.keys() - there.keys())
        made = _make(session, {key: by_key[key] for key in new}, first_counts) if new else {}
        if len(made) == len(new):
            db.execute(session, "RELEASE SAVEPOINT writing")
            return there, made
        db.execute(session, "ROLLBACK TO SAVEPOINT writing")


def _make(session: Session, new: Mapping[str, _Found], first_counts: Mapping[str, _Counts]) -> dict[str, str]:
    counted = [first_counts.get(key, _Counts()) for key in new]
    stored = db.columns(
        session,
        WRITE_INSIGHTS,
        id=[new_id("ins") for _ in new],
        workspace_id=[one.workspace_id for one in new.values()],
        statement=[storable(one.finding.statement) for one in new.values()],
        exact=list(new),
        masked=[one.identity.masked for one in new.values()],
        language=[one.identity.language for one in new.values()],
        question=[one.finding.question for one in new.values()],
        kind=[one.source.template_id for one in new.values()],
        **{
            name: [getattr(one, name) for one in counted]
            for name in ("support", "documents", "documents_with_evidence", "confidence", "quarantined")
        },
    )
    return {row.exact_key: row.id for row in stored}


WRITE_INSIGHTS = """
INSERT INTO insight (id, workspace_id, statement, exact_key, masked_key, language, question, kind, support, documents,
  documents_with_evidence, confidence, quarantined)
SELECT * FROM unnest(%(id)s::text[], %(workspace_id)s::text[], %(statement)s::text[], %(exact)s::text[],
  %(masked)s::text[], %(language)s::text[], %(question)s::text[], %(kind)s::text[], %(support)s::int[],
  %(documents)s::int[], %(documents_with_evidence)s::int[], %(confidence)s::float8[], %(quarantined)s::bool[])
ON CONFLICT (exact_key) DO NOTHING
RETURNING id, exact_key
"""

# One row a quote, however often it is found.
WRITE_EVIDENCE = """
INSERT INTO evidence (insight_id, document_id, response_id, template_id, quote, quote_key, attributes, verdict,
  supported, start, "end", spans, nearest_start, nearest_end, quarantined)
SELECT insight, document, response, template, quote, key, attributes::jsonb, verdict, supported, start, "end",
  spans::jsonb, nearest_start, nearest_end, quarantined
FROM unnest(%(insight)s::text[], %(document)s::text[], %(response)s::bigint[], %(template)s::text[], %(quote)s::text[],
  %(key)s::text[], %(attributes)s::text[], %(verdict)s::text[], %(supported)s::bool[], %(start)s::int[],
  %(end)s::int[], %(spans)s::text[], %(nearest_start)s::int[], %(nearest_end)s::int[], %(quarantined)s::bool[])
  AS t(insight, document, response, template, quote, key, attributes, verdict, supported, start, "end", spans,
    nearest_start, nearest_end, quarantined)
ON CONFLICT DO NOTHING
"""

# An answer that is derived again is no further sighting.
WRITE_SIGHTINGS = """
INSERT INTO sighting (evidence_id, response_id)
SELECT e.id, t.response
FROM unnest(%(insight)s::text[], %(document)s::text[], %(key)s::text[], %(response)s::bigint[])
  AS t(insight, document, key, response)
JOIN evidence e ON e.insight_id = t.insight AND e.document_id = t.document AND e.quote_key = t.key
WHERE e.response_id <> t.response
ON CONFLICT DO NOTHING
"""


def _columns_of(evidence: Sequence[_Evidence]) -> dict[str, list[Any]]:
    rows = [
        {
            "template": one.found.source.template_id,
            "quote": storable(one.quote),
            "attributes": storable_json(dict(one.found.finding.attributes)) or "{}",
            **columns_of(one.check),
        }
        for one in evidence
    ]
    return {name: [row[name] for row in rows] for name in rows[0]}


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
        "quarantined": check.quarantined,
    }


def source_texts(session: Session, document_ids: Iterable[str]) -> Iterator[tuple[str, SourceText]]:
    """Document ids with their texts, read a few at a time and folded one at a time, as texts may be long."""
    found = session.connection().execute(
        text(TEXTS).execution_options(yield_per=TEXTS_AT_ONCE), {"ids": sorted(document_ids)}
    )
    return (
        (row.document_id, SourceText(row.text, [(start, end) for start, end, _ in row.marks or ()])) for row in found
    )


TEXTS = "SELECT document_id, text, marks FROM document_text WHERE document_id = ANY(:ids)"
TEXTS_AT_ONCE = 20
