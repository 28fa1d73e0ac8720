"""Read-only: insights. What was merged into another is never listed: its head is, with the evidence of both."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row
from sqlmodel import Session

from core.errors import InvalidInput, NotFound
from core.insight_base import tree
from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, not_ours, place
from core.tables.insights import State

Sort = Literal["newest", "support", "confidence", "relevance"]
# More are not counted: nobody reads them, and the count would take longer than the list.
MOST_COUNTED = 10_000
# By relevance the newest of so many hits are ordered.
MOST_RANKED = 2_000


@dataclass(frozen=True)
class Wording:
    """A statement that was merged into another."""

    id: str
    statement: str


@dataclass(frozen=True)
class InsightRow:
    """`support`: independent documents whose supported evidence carries it; `documents`: all of them; `against`:
    independent documents that support what is in conflict with it. `shown`: an edit. `head`: what it was merged into.
    """

    id: str
    statement: str
    shown: str | None
    kind: str
    language: str | None
    question: str | None
    state: State
    reason: str | None
    tags: list[str]
    pinned: bool
    version: int
    head: str | None
    support: int
    documents: int
    documents_with_evidence: int
    open_conflicts: int
    confidence: float
    first_seen: datetime
    last_seen: datetime
    against: int = 0
    merged: tuple[Wording, ...] = ()

    @property
    def words(self) -> str:
        """As people see it."""
        return self.shown or self.statement


@dataclass(frozen=True)
class Filters:
    """Each of these that is given narrows. `q`: a web search: "quoted phrases", or, -not. `state`: one, or any of
    several; `conflict`: open ones, any, or none; `since`, `until`: when it was first seen, `until` exclusive."""

    q: str | None = None
    collection: str | None = None
    template: str | None = None
    state: str | tuple[str, ...] | None = None
    document: str | None = None
    tag: str | None = None
    language: str | None = None
    min_support: int | None = None
    min_confidence: float | None = None
    supported: bool | None = None
    conflict: Literal["open", "any", "none"] | None = None
    pinned: bool | None = None
    job: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Count:
    """`capped`: there are more than `count`."""

    count: int
    capped: bool


COLUMNS = """
i.id, i.statement, i.shown, i.kind, i.language, i.question, i.state, i.reason, i.tags, i.pinned, i.version,
i.head_id AS head, i.support, i.documents, i.documents_with_evidence, i.open_conflicts, i.confidence, i.first_seen,
(SELECT greatest(max(e.created_at), max(s.seen_at)) FROM evidence e LEFT JOIN sighting s ON s.evidence_id = e.id
 WHERE e.insight_id = i.id OR e.insight_id IN (SELECT m.id FROM insight m WHERE m.head_id = i.id)) AS last_seen
"""


def _with_evidence(condition: str) -> str:
    """Insights that have such evidence themselves, or through what was merged into them."""
    return f"""(EXISTS (SELECT 1 FROM evidence e WHERE e.insight_id = i.id AND {condition})
      OR EXISTS (SELECT 1 FROM insight m JOIN evidence e ON e.insight_id = m.id
        WHERE m.head_id = i.id AND m.workspace_id = :workspace AND {condition}))"""


_CONFLICTS = """EXISTS (SELECT 1 FROM insight m JOIN pair p ON m.id IN (p.first, p.second)
  WHERE (m.id = i.id OR m.head_id = i.id) AND m.workspace_id = :workspace
    AND p.kind = 'conflict' AND (p.state = 'open' OR p.verdict = 'conflict'))"""

# The search condition stays inline: behind a join its selectivity is hidden from the planner.
CONDITIONS = {
    "q": "i.search @@ websearch_to_tsquery('english', :q)",
    "collection": _with_evidence(
        """EXISTS (SELECT 1 FROM document d JOIN collection c ON c.id = d.collection_id
             WHERE d.id = e.document_id AND c.name = :collection AND c.workspace_id = :workspace)"""
    ),
    "template": _with_evidence("e.template_id = :template"),
    "state": "i.state = ANY(:state)",
    "document": _with_evidence("e.document_id = :document"),
    "tag": ":tag = ANY(i.tags)",
    "language": "i.language = :language",
    "min_support": "i.support >= :min_support",
    "min_confidence": "i.confidence >= :min_confidence",
    "supported": "(i.support > 0) = :supported",
    "pinned": "i.pinned = :pinned",
    "job": _with_evidence(
        """EXISTS (SELECT 1 FROM request r
             WHERE r.job_id = :job AND (r.response_id = e.response_id
               OR r.response_id IN (SELECT s.response_id FROM sighting s WHERE s.evidence_id = e.id)))"""
    ),
    "since": "i.first_seen >= :since",
    "until": "i.first_seen < :until",
}
CONFLICT = {"open": "i.open_conflicts > 0", "any": _CONFLICTS, "none": f"NOT {_CONFLICTS}"}


def matching(filters: Filters) -> tuple[str, dict[str, Any]]:
    """The SQL condition on an insight i, and its parameters."""
    given = {field.name: getattr(filters, field.name) for field in fields(filters)}
    given = {name: value for name, value in given.items() if value not in (None, "")}
    if isinstance(state := given.get("state"), str):
        given["state"] = [state]
    elif state is not None:
        given["state"] = list(state)
    conflict = given.pop("conflict", None)
    conditions = ["i.workspace_id = :workspace", "i.head_id IS NULL", *(CONDITIONS[name] for name in given)]
    return " AND ".join([*conditions, CONFLICT[conflict]] if conflict else conditions), given


# What a list is ordered by, before the id, and the type of it in a cursor.
ORDERS: dict[Sort, tuple[str, str]] = {
    "newest": ("0", "int"),
    "support": ("i.support", "int"),
    "confidence": ("i.confidence", "float8"),
    "relevance": ("ts_rank(i.search, websearch_to_tsquery('english', :q))", "float4"),
}


def find(
    filters: Filters | None = None, *, sort: Sort = "newest", limit: int = 100, cursor: str | None = None
) -> Page[InsightRow]:
    """Best first, and of equals the newest. Raises InvalidInput for an order by relevance without a search."""
    checked_limit(limit)
    filters = filters or Filters()
    if sort == "relevance" and not filters.q:
        raise InvalidInput("Insights are ordered by relevance to a search. Give q, or another order.")
    where, given = matching(filters)
    order, kind = ORDERS[sort]
    of = f"insights-{sort}"
    after = "true"
    if (at := place(cursor, of)) is not None:
        given["value"], given["after"] = _value_and_id(at)
        after = f"(i.place, i.id) < (CAST(:value AS {kind}), :after)" if sort != "newest" else "i.id < :after"
    with db.transaction() as session:
        sql = (NEWEST if sort == "newest" else ORDERED).format(
            columns=COLUMNS, order=order, where=where, after=after, ranked=MOST_RANKED if sort == "relevance" else "ALL"
        )
        found = db.rows(session, sql, limit=limit + 1, **given)
        rows = _rows(session, found)
    return cut(rows, limit, of, [f"{row.place}~{row.id}" for row in found])


NEWEST = """
SELECT {columns}, {order} AS place FROM insight i WHERE {where} AND {after} ORDER BY i.id DESC LIMIT :limit
"""
ORDERED = """
SELECT * FROM (SELECT {columns}, {order} AS place FROM insight i WHERE {where} ORDER BY i.id DESC LIMIT {ranked}) i
WHERE {after} ORDER BY place DESC, id DESC LIMIT :limit
"""


def count(filters: Filters | None = None) -> Count:
    where, given = matching(filters or Filters())
    sql = f"SELECT count(*) FROM (SELECT 1 FROM insight i WHERE {where} LIMIT {MOST_COUNTED + 1}) found"
    with db.transaction() as session:
        found: int = db.scalar(session, sql, **given)
    return Count(min(found, MOST_COUNTED), found > MOST_COUNTED)


def get(insight_id: str) -> InsightRow:
    """Also one that was merged: `head` is set. Raises NotFound."""
    return get_all([insight_id])[0]


def get_all(insight_ids: Sequence[str]) -> list[InsightRow]:
    """In the given order. Raises NotFound."""
    with db.transaction() as session:
        found = db.rows(session, f"SELECT {COLUMNS} FROM insight i WHERE {GIVEN}", ids=list(insight_ids))
        by_id = {row.id: row for row in _rows(session, found)}
    for insight_id in insight_ids:
        if insight_id not in by_id:
            raise NotFound(f"There is no insight {insight_id}. Its last evidence may have been deleted.")
    return [by_id[insight_id] for insight_id in insight_ids]


GIVEN = "i.id = ANY(:ids) AND i.workspace_id = :workspace"


def _rows(session: Session, found: Sequence[Row[Any]]) -> list[InsightRow]:
    ids = [row.id for row in found]
    against = {row.id: row.against for row in db.rows(session, AGAINST, ids=ids)}
    merged: dict[str, list[Wording]] = {}
    for row in db.rows(session, MERGED, ids=ids):
        merged.setdefault(row.head_id, []).append(Wording(row.id, row.statement))
    names = {field.name for field in fields(InsightRow)}
    return [
        InsightRow(
            **{name: value for name, value in row._mapping.items() if name in names},
            against=against.get(row.id, 0),
            merged=tuple(merged.get(row.id, ())),
        )
        for row in found
    ]


MERGED = """
SELECT head_id, id, statement FROM insight WHERE head_id = ANY(:ids) AND workspace_id = :workspace ORDER BY id
"""

# What stands against a statement: the evidence of all that is in conflict with it, and of what was merged into that.
AGAINST = f"""
WITH member AS MATERIALIZED ({tree.OUR_MEMBERS}), opposed AS (
  SELECT m.insight, p.second AS other FROM member m JOIN pair p ON p.first = m.member
  WHERE p.kind = 'conflict' AND (p.state = 'open' OR p.verdict = 'conflict')
  UNION SELECT m.insight, p.first FROM member m JOIN pair p ON p.second = m.member
  WHERE p.kind = 'conflict' AND (p.state = 'open' OR p.verdict = 'conflict')
), heads AS (
  SELECT DISTINCT o.insight, coalesce(i.head_id, i.id) AS head FROM opposed o JOIN insight i ON i.id = o.other
  WHERE coalesce(i.head_id, i.id) <> o.insight
), theirs AS (
  SELECT insight, head AS other FROM heads
  UNION SELECT h.insight, i.id FROM heads h JOIN insight i ON i.head_id = h.head
)
SELECT t.insight AS id, count(DISTINCT coalesce(d.text_group, d.id)) AS against
FROM theirs t JOIN evidence e ON e.insight_id = t.other AND e.supported JOIN document d ON d.id = e.document_id
GROUP BY t.insight
"""


def _value_and_id(at: str) -> tuple[float, str]:
    value, _, insight_id = at.partition("~")
    try:
        return float(value), insight_id
    except ValueError:
        raise not_ours() from None
