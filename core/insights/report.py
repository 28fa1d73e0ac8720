"""Read-only: insights and their evidence."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.errors import NotFound
from core.evidence import quotes
from core.evidence.quotes import Change
from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, not_ours, place


@dataclass(frozen=True)
class InsightRow:
    """`support` is the number of distinct documents whose supported evidence carries it."""

    id: str
    statement: str
    kind: str
    state: str
    support: int
    confidence: float
    first_seen: datetime
    last_seen: datetime


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

    `verdict`: see core.evidence.quotes; None until it has been checked. `nearest` where it differs.
    """

    id: int
    insight: str
    document: str
    document_name: str
    quote: str
    start: int | None
    end: int | None
    spans: list[list[int]] | None
    supported: bool
    verdict: str | None
    nearest: Nearest | None
    response: int
    template: str
    attributes: dict[str, Any]


SELECT_INSIGHT = (
    "SELECT i.id, i.statement, i.kind, i.state, i.support, i.confidence, i.first_seen, i.last_seen FROM insight i"
)

# The search condition stays inline: behind a join its selectivity is hidden from the planner.
FILTERS = {
    "q": "i.search @@ websearch_to_tsquery('english', :q)",
    "state": "i.state = :state",
    "template": "EXISTS (SELECT 1 FROM evidence e WHERE e.insight_id = i.id AND e.template_id = :template)",
    "document": "EXISTS (SELECT 1 FROM evidence e WHERE e.insight_id = i.id AND e.document_id = :document)",
    "collection": """EXISTS (SELECT 1 FROM evidence e JOIN document d ON d.id = e.document_id
        JOIN collection c ON c.id = d.collection_id WHERE e.insight_id = i.id AND c.name = :collection)""",
    "supported": "(i.support > 0) = :supported",
}


def _where(filters: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    given = {name: value for name, value in filters.items() if value not in (None, "")}
    return " AND ".join(["true", *(FILTERS[name] for name in given)]), given


def find(
    *,
    q: str | None = None,
    collection: str | None = None,
    template: str | None = None,
    state: str | None = None,
    document: str | None = None,
    supported: bool | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[InsightRow]:
    """Newest first. `q` is a web search: "quoted phrases", or, -not."""
    checked_limit(limit)
    where, given = _where(
        {"q": q, "collection": collection, "template": template, "state": state, "document": document}
        | {"supported": supported}
    )
    if (after := place(cursor, "insights")) is not None:
        where += " AND (i.last_seen, i.id) < (CAST(:seen AS timestamptz), :after)"
        given["seen"], given["after"] = _seen_and_id(after)
    sql = f"{SELECT_INSIGHT} WHERE {where} ORDER BY i.last_seen DESC, i.id DESC LIMIT :limit"
    with db.transaction() as session:
        rows = [InsightRow(**row._mapping) for row in db.rows(session, sql, limit=limit + 1, **given)]
    return cut(rows, limit, "insights", [f"{row.last_seen.isoformat()}~{row.id}" for row in rows])


def count(**filters: Any) -> int:
    """How many insights match the filters of `find`."""
    where, given = _where(filters)
    with db.transaction() as session:
        found: int = db.scalar(session, f"SELECT count(*) FROM insight i WHERE {where}", **given)
        return found


def get(insight_id: str) -> InsightRow:
    with db.transaction() as session:
        found = db.row(session, f"{SELECT_INSIGHT} WHERE i.id = :id", id=insight_id)
    if found is None:
        raise NotFound(f"There is no insight {insight_id}. Its last evidence may have been deleted.")
    return InsightRow(**found._mapping)


EVIDENCE = """
SELECT e.id, e.insight_id AS insight, e.document_id AS document, d.name AS document_name, e.quote, e.start, e."end",
  e.spans, e.supported, e.verdict, e.response_id AS response, e.template_id AS template, e.attributes,
  e.nearest_start, e.nearest_end, substr(t.text, e.nearest_start + 1, e.nearest_end - e.nearest_start) AS nearest_text
FROM evidence e JOIN document d ON d.id = e.document_id
LEFT JOIN document_text t ON t.document_id = e.document_id AND e.nearest_end IS NOT NULL
WHERE e.insight_id = ANY(:ids) ORDER BY e.insight_id, e.supported DESC, e.id
"""


def evidence(insight_ids: list[str]) -> list[EvidenceRow]:
    """Evidence of several insights, supported evidence first."""
    with db.transaction() as session:
        return [_evidence_row(dict(row._mapping)) for row in db.rows(session, EVIDENCE, ids=insight_ids)]


def _evidence_row(columns: dict[str, Any]) -> EvidenceRow:
    start, end, there = (columns.pop(f"nearest_{name}") for name in ("start", "end", "text"))
    nearest = None if there is None else Nearest(start, end, there, quotes.changes(columns["quote"], there))
    return EvidenceRow(**columns, nearest=nearest)


def _seen_and_id(after: str) -> tuple[datetime, str]:
    seen, _, insight_id = after.partition("~")
    try:
        # A plus sign that was not escaped in a link arrives as a space.
        return datetime.fromisoformat(seen.replace(" ", "+")).astimezone(UTC), insight_id
    except (ValueError, OverflowError):
        raise not_ours() from None
