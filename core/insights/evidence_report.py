"""Read-only: the evidence of insights, those that were merged into them included."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.evidence import quotes
from core.evidence.quotes import Change
from core.insight_base import tree
from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, place
from core.tables.documents import QUOTES_RECOGNIZED

# Of each insight that is listed.
MOST = 100
AROUND = 160


@dataclass(frozen=True)
class Nearest:
    """The place in the document that a quote is nearest to, with its `text` there and the runs of words that differ."""

    start: int
    end: int
    text: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class EvidenceRow:
    """`start` and `end` are offsets in the document's text, around all `spans`; None where the quote was not found.

    `insight`: the head; `stated`: the insight of that very wording. `verdict`: see core.evidence.quotes; None until it
    has been checked. `quarantined`: its place lies in a passage that gives instructions to a model. `read_by_ocr`: its
    words were recognized in a picture. `nearest` where it differs. `times`: how many answers brought it, the first of
    which is `response`, the answer to `request` of `job`; `cost_usd`: what that request was billed, None without a
    price.
    """

    id: int
    insight: str
    stated: str
    document: str
    document_name: str
    quote: str
    start: int | None
    end: int | None
    spans: list[list[int]] | None
    supported: bool
    quarantined: bool
    verdict: str | None
    read_by_ocr: bool
    nearest: Nearest | None
    times: int
    response: int
    request: int | None
    job: str | None
    cost_usd: Decimal | None
    template: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class SourceRow:
    """A document with an insight's evidence. `repeats`: nearly the same text as one before it, so it counts no further
    time. `answers`: how many brought its quotes. `since`: when the first of them did."""

    document: str
    name: str
    collection: str
    quotes: int
    supported: int
    answers: int
    repeats: bool
    since: datetime


@dataclass(frozen=True)
class Context:
    """A quote as it stands in the document's text, and AROUND characters on either side of it."""

    before: str
    passage: str
    after: str


def evidence(insight_ids: list[str], *, most: int = MOST) -> list[EvidenceRow]:
    """Of each insight up to `most`, supported evidence first."""
    return found(FIRST, ids=insight_ids, most=most)


def totals(insight_ids: list[str]) -> dict[str, int]:
    """How much evidence each insight has."""
    with db.reading() as session:
        return {row.insight: row.rows for row in db.rows(session, TOTALS, ids=insight_ids)}


def page(insight_id: str, *, limit: int = 100, cursor: str | None = None) -> Page[EvidenceRow]:
    """All of one insight's, supported evidence first."""
    checked_limit(limit)
    supported, number = True, 0
    if (at := place(cursor, "evidence")) is not None:
        supported, number = at.startswith("s"), int(at[1:]) if at[1:].isdecimal() and len(at) < 20 else 0
    rows = found(PAGE, ids=[insight_id], supported=supported, after=number, limit=limit + 1)
    return cut(rows, limit, "evidence", [f"{'s' if row.supported else 'u'}{row.id}" for row in rows])


@dataclass(frozen=True)
class InContext:
    """Evidence, and the contexts of what has a place, by its id."""

    rows: Sequence[EvidenceRow]
    contexts: Mapping[int, Context]
    next_cursor: str | None = None


def evidence_in_context(insight_ids: list[str], *, most: int) -> InContext:
    """As `evidence`."""
    rows = evidence(insight_ids, most=most)
    return InContext(rows, _contexts(rows))


def page_in_context(insight_id: str, *, limit: int, cursor: str | None = None) -> InContext:
    """As `page`."""
    shown = page(insight_id, limit=limit, cursor=cursor)
    return InContext(shown.items, _contexts(shown.items), shown.next_cursor)


def _contexts(rows: Sequence[EvidenceRow]) -> dict[int, Context]:
    with db.reading() as session:
        found = db.rows(session, CONTEXTS, ids=[row.id for row in rows], around=AROUND)
    return {row.id: Context(row.before, row.passage, row.after) for row in found}


@dataclass(frozen=True)
class Place:
    """Where a quote stands in its document; where it does not, `supported` is False, and it is the nearest passage."""

    start: int | None
    end: int | None
    supported: bool


def places(asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Place]:
    """Of quotes that have been looked up, each as (document, quote)."""
    wanted = set(asked)
    if not wanted:
        return {}
    documents, quotes = ({one[at] for one in wanted} for at in (0, 1))
    with db.reading() as session:
        found = db.rows(session, PLACES, documents=sorted(documents), quotes=sorted(quotes))
    return {(row.document, row.quote): Place(row.start, row.end, row.supported) for row in found}


PLACES = """
SELECT DISTINCT ON (e.document_id, e.quote) e.document_id AS document, e.quote, e.supported,
  coalesce(e.start, e.nearest_start) AS start, coalesce(e."end", e.nearest_end) AS "end"
FROM evidence e JOIN document d ON d.id = e.document_id AND d.workspace_id = :workspace
WHERE e.document_id = ANY(:documents) AND e.quote = ANY(:quotes) AND e.verdict IS NOT NULL
ORDER BY e.document_id, e.quote, e.supported DESC, e.id
"""


def sources(insight_id: str, *, most: int = MOST) -> list[SourceRow]:
    """The documents with its evidence, those that support it first."""
    with db.reading() as session:
        return [SourceRow(**row._mapping) for row in db.rows(session, SOURCES, ids=[insight_id], most=most)]


# The few of one page are chosen before texts and costs are looked up for them.
SHOWN = f"""
SELECT e.id, c.insight, e.insight_id AS stated, e.document_id AS document, d.name AS document_name, e.quote, e.start,
  e."end", e.spans, e.supported, e.quarantined, e.verdict, {QUOTES_RECOGNIZED} AS read_by_ocr,
  e.response_id AS response, e.template_id AS template, e.attributes,
  1 + (SELECT count(*) FROM sighting g WHERE g.evidence_id = e.id) AS times,
  s.request_id AS request, r.job_id AS job,
  (SELECT CASE WHEN bool_and(u.priced) THEN sum(u.cost_usd) END FROM usage_record u
   WHERE u.request_id = s.request_id AND u.workspace_id = :workspace) AS cost_usd,
  e.nearest_start, e.nearest_end, substr(t.text, e.nearest_start + 1, e.nearest_end - e.nearest_start) AS nearest_text
FROM chosen c JOIN evidence e ON e.id = c.id JOIN document d ON d.id = e.document_id AND d.workspace_id = :workspace
LEFT JOIN response s ON s.id = e.response_id LEFT JOIN request r ON r.id = s.request_id
LEFT JOIN document_text t ON t.document_id = e.document_id AND e.nearest_end IS NOT NULL
ORDER BY c.insight, e.supported DESC, e.id
"""
FIRST = f"""
WITH member AS MATERIALIZED ({tree.OUR_MEMBERS}), chosen AS MATERIALIZED (
  SELECT h.insight, f.id FROM (SELECT DISTINCT insight FROM member) h CROSS JOIN LATERAL (
    SELECT e.id FROM evidence e JOIN member m ON m.member = e.insight_id WHERE m.insight = h.insight
    ORDER BY e.supported DESC, e.id LIMIT :most) f
)
{SHOWN}
"""
PAGE = f"""
WITH member AS MATERIALIZED ({tree.OUR_MEMBERS}), chosen AS MATERIALIZED (
  SELECT m.insight, e.id FROM member m JOIN evidence e ON e.insight_id = m.member
  WHERE (NOT e.supported, e.id) > (NOT CAST(:supported AS bool), :after) ORDER BY e.supported DESC, e.id LIMIT :limit
)
{SHOWN}
"""
SOURCES = f"""
WITH member AS MATERIALIZED ({tree.OUR_MEMBERS}), source AS (
  SELECT e.document_id, min(e.created_at) AS since, count(*) AS quotes,
    count(*) FILTER (WHERE e.supported) AS supported,
    CAST(sum(1 + (SELECT count(*) FROM sighting g WHERE g.evidence_id = e.id)) AS bigint) AS answers
  FROM member m JOIN evidence e ON e.insight_id = m.member GROUP BY e.document_id
)
SELECT d.id AS document, d.name, c.name AS collection, s.quotes, s.supported, s.answers, s.since,
  row_number() OVER (PARTITION BY coalesce(d.text_group, d.id) ORDER BY s.supported = 0, d.id) > 1 AS repeats
FROM source s JOIN document d ON d.id = s.document_id AND d.workspace_id = :workspace
JOIN collection c ON c.id = d.collection_id
ORDER BY s.supported = 0, d.id LIMIT :most
"""
CONTEXTS = """
SELECT e.id, substr(t.text, greatest(p.start - :around, 0) + 1, least(p.start, :around)) AS before,
  substr(t.text, p.start + 1, p.until - p.start) AS passage, substr(t.text, p.until + 1, :around) AS after
FROM evidence e JOIN document d ON d.id = e.document_id AND d.workspace_id = :workspace
JOIN document_text t ON t.document_id = d.id
CROSS JOIN LATERAL (SELECT coalesce(e.start, e.nearest_start) AS start, coalesce(e."end", e.nearest_end) AS until) p
WHERE e.id = ANY(:ids) AND p.until IS NOT NULL
"""
TOTALS = f"""
SELECT m.insight, count(*) AS rows FROM ({tree.OUR_MEMBERS}) m JOIN evidence e ON e.insight_id = m.member
GROUP BY m.insight
"""


def found(sql: str, **given: Any) -> list[EvidenceRow]:
    """What a statement chooses that ends in SHOWN."""
    with db.reading() as session:
        return [_row(dict(row._mapping)) for row in db.rows(session, sql, **given)]


def _row(columns: dict[str, Any]) -> EvidenceRow:
    start, end, there = (columns.pop(f"nearest_{name}") for name in ("start", "end", "text"))
    nearest = None if there is None else Nearest(start, end, there, quotes.changes(columns["quote"], there))
    return EvidenceRow(**columns, nearest=nearest)
