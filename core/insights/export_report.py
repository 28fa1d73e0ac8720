"""Read-only: insights with their quotes, as many as there are. Rows come by cursors of the caller's transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlmodel import Session

from core.insights.report import Filters, matching
from core.runtime import db
from core.tables.insights import COUNTS

# Heads whose quotes are looked up together.
BLOCK = 500


@dataclass(frozen=True)
class Wanted:
    """All that match `filters`, or of these the ones named by `ids`. What no quote supports only where `unsupported`
    asks for it: insights and single quotes. What is in quarantine never leaves."""

    filters: Filters = field(default_factory=Filters)
    ids: Sequence[str] | None = None
    unsupported: bool = False


@dataclass(frozen=True)
class Head:
    """`statement` as people see it; `original`: what the model said, where a person reworded it."""

    id: str
    statement: str
    original: str | None
    state: str
    reason: str | None
    tags: list[str]
    pinned: bool
    support: int
    documents: int
    confidence: float
    conflicts: int
    question: str | None
    language: str | None
    first_seen: datetime

    @property
    def link(self) -> str:
        """Its page, below the address of Cairn."""
        return f"/insight?id={self.id}"


@dataclass(frozen=True)
class Quote:
    """`wording`: the statement that it is quoted for, where that was merged into the insight. `page` where the document
    has pages and the quote was found; `start`, `end`: offsets in its text."""

    insight: str
    id: int
    wording: str | None
    document: str
    document_name: str
    collection: str
    quote: str
    verdict: str | None
    supported: bool
    page: int | None
    start: int | None
    end: int | None
    template: str
    job: str | None


Which = tuple[str, dict[str, Any]]


def condition(wanted: Wanted) -> Which:
    """On an insight i, with its parameters. It looks up how a search is read, in a transaction of its own."""
    where, given = matching(wanted.filters)
    if wanted.ids is None:
        return where, given
    return f"{where} AND i.id = ANY(:chosen)", {**given, "chosen": list(wanted.ids)}


def find(session: Session, wanted: Wanted, which: Which) -> Iterator[tuple[Head, Iterator[Quote]]]:
    where, given = which
    heads = (Head(**row._mapping) for row in db.stream(session, HEADS.format(where=where), **given))
    narrowed = {"collection": wanted.filters.collection or None, "document": wanted.filters.document or None}
    while block := list(islice(heads, BLOCK)):
        ids = [head.id for head in block]
        rows = db.stream(session, QUOTES, ids=ids, unsupported=wanted.unsupported, **narrowed)
        quotes = _Ahead(Quote(**row._mapping) for row in rows)
        for head in block:
            yield head, quotes.of(head.id)


class _Ahead:
    """Quotes in the order of their insights, handed out insight by insight."""

    def __init__(self, quotes: Iterator[Quote]):
        self._quotes = quotes
        self._next = next(quotes, None)

    def of(self, insight: str) -> Iterator[Quote]:
        while (quote := self._next) is not None and quote.insight == insight:
            self._next = next(self._quotes, None)
            yield quote


HEADS = """
SELECT i.id, coalesce(i.shown, i.statement) AS statement,
  CASE WHEN i.shown <> i.statement THEN i.statement END AS original, i.state, i.reason, i.tags, i.pinned, i.support,
  i.documents, i.confidence, i.open_conflicts AS conflicts, i.question, i.language, i.first_seen
FROM insight i WHERE i.workspace_id = :workspace AND NOT i.quarantined AND {where} ORDER BY i.id DESC
"""
# Where the list is of a collection or a document, no quote is of another one.
QUOTES = f"""
WITH member AS MATERIALIZED (
  SELECT id AS insight, id AS member, NULL AS wording FROM insight WHERE id = ANY(:ids) AND workspace_id = :workspace
  UNION ALL
  SELECT head_id, id, statement FROM insight WHERE head_id = ANY(:ids) AND workspace_id = :workspace
)
SELECT m.insight, e.id, m.wording, e.document_id AS document, d.name AS document_name, c.name AS collection, e.quote,
  e.verdict, e.supported, width_bucket(e.start, t.page_starts) AS page, e.start, e."end", e.template_id AS template,
  r.job_id AS job
FROM member m JOIN evidence e ON e.insight_id = m.member
JOIN insight h ON h.id = m.insight AND h.workspace_id = :workspace
JOIN document d ON d.id = e.document_id AND d.workspace_id = :workspace JOIN collection c ON c.id = d.collection_id
LEFT JOIN document_text t ON t.document_id = e.document_id AND d.pages IS NOT NULL AND e.start IS NOT NULL
LEFT JOIN response s ON s.id = e.response_id LEFT JOIN request r ON r.id = s.request_id
WHERE {COUNTS} AND (e.supported OR :unsupported) AND (CAST(:collection AS text) IS NULL OR c.name = :collection)
  AND (CAST(:document AS text) IS NULL OR d.id = :document)
ORDER BY m.insight DESC, e.supported DESC, e.id
"""
