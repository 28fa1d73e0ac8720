"""Read-only: insights. What was merged into another is never listed: its head is, with the evidence of both."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session

from core.errors import InvalidInput, NotFound
from core.insight_base import listings, tree
from core.insights import order_report
from core.insights.order_report import At, Count, Sort
from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, place
from core.runtime.text import bounded
from core.search import reading
from core.tables.insights import CONFIDENCE_RANKS, COUNTS, SUPPORT_RANKS, State

# Two are the list's order, and belong to it.
__all__ = ["Count", "Filters", "InsightRow", "Sort", "Wording", "count", "find", "get", "get_all", "matching"]


@dataclass(frozen=True)
class Wording:
    """A statement that was merged into another."""

    id: str
    statement: str


@dataclass(frozen=True)
class InsightRow:
    """`support`: independent documents whose supported evidence carries it; `documents`: all of them; `against`:
    independent documents that support what is in conflict with it. `shown`: an edit. `head`: what it was merged into.
    `quarantined`: see core.tables.insights.
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
    quarantined: bool
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
    """Each of these that is given narrows. `q`: words, "phrases", or, -not (core.search.query). `state`: one, or any of
    several; `conflict`: open ones, any, or none; `since`, `until`: when it was first seen, `until` exclusive. `field`:
    each as name:value, of a choice or boolean field (true, false) of a template."""

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
    quarantined: bool | None = None
    job: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    field: tuple[str, ...] = ()


@dataclass(frozen=True)
class Search:
    """How `q` is read. `languages`: ISO 639-1, those of statements of this workspace. `note`: what to know of hits."""

    languages: tuple[str, ...]
    note: str | None


@dataclass(frozen=True)
class Found:
    page: Page[InsightRow]
    total: Count


# Whose sightings are too many to look at in passing.
MANY_DOCUMENTS = 50

COLUMNS = """
i.id, i.statement, i.shown, i.kind, i.language, i.question, i.state, i.reason, i.tags, i.pinned, i.quarantined,
i.version, i.head_id AS head, i.support, i.documents, i.documents_with_evidence, i.open_conflicts, i.confidence,
i.first_seen
"""


def _with_evidence(condition: str) -> str:
    """Insights that have such evidence themselves, or through what was merged into them."""
    return f"""i.id IN (SELECT CASE WHEN m.head_id IS NULL THEN m.id ELSE m.head_id END
      FROM evidence e JOIN insight m ON m.id = e.insight_id
      WHERE m.workspace_id = :workspace AND {condition})"""


_CONFLICTS = """i.id IN (SELECT CASE WHEN m.head_id IS NULL THEN m.id ELSE m.head_id END
  FROM pair p JOIN insight m ON m.id IN (p.first, p.second)
  WHERE p.workspace_id = :workspace AND m.workspace_id = :workspace
    AND p.kind = 'conflict' AND (p.state = 'open' OR p.verdict = 'conflict'))"""

# Not by =, which the planner makes one with the same condition of a table under a policy: behind that, it would not let
# @@ use the index (ADR 52). For the same reason a CASE stands below and not coalesce().
OF_SEARCH = "s.workspace_id = ANY(ARRAY[CAST(:workspace AS text)])"
LISTED = """i.id IN (SELECT l.insight_id FROM listing l WHERE l.workspace_id = :workspace AND l.key = {})"""
CONDITIONS = {
    "q": f"""i.id IN (SELECT s.insight_id FROM statement_search s
      WHERE {OF_SEARCH} AND s.words @@ CAST(:q AS tsquery))""",
    "collection": LISTED.format(":collection"),
    "template": LISTED.format(":template"),
    "state": "i.state = ANY(:state)",
    "document": _with_evidence("e.document_id = :document"),
    "tag": LISTED.format(":tag"),
    "language": "i.language = :language",
    "min_support": "i.support_rank >= :support_rank AND i.support >= :min_support",
    "min_confidence": "i.confidence_rank >= :confidence_rank AND i.confidence >= :min_confidence",
    "supported": "(i.support_rank > 0) = :supported",
    "pinned": "i.pinned = :pinned",
    "quarantined": "i.quarantined = :quarantined",
    "job": LISTED.format(":job"),
    "since": "i.first_seen >= :since",
    "until": "i.first_seen < :until",
}
CONFLICT = {"open": "i.open_conflicts > 0", "any": _CONFLICTS, "none": f"NOT {_CONFLICTS}"}


def matching(filters: Filters) -> tuple[str, dict[str, Any]]:
    """The SQL condition on an insight i, and its parameters. Raises InvalidInput."""
    given = {field.name: getattr(filters, field.name) for field in fields(filters)}
    given = {name: value for name, value in given.items() if value not in (None, "")}
    conflict, named = given.pop("conflict", None), given.pop("field")
    conditions = ["i.workspace_id = :workspace", "i.head_id IS NULL", *(CONDITIONS[name] for name in given)]
    if conflict:
        conditions.append(CONFLICT[conflict])
    for number, one in enumerate(named):
        conditions.append(LISTED.format(f":field{number}"))
        given[f"field{number}"] = _field(one)
    return " AND ".join(conditions), _with_what_they_need(given)


def source(filters: Filters, where: str) -> order_report.Source:
    """From where the ids are listed that are `matching`, as quickly as may be."""
    given = {field.name for field in fields(filters) if getattr(filters, field.name) not in (None, "", ())}
    if not given or given - {"q", "collection", "template", "job", "tag", "field"}:
        return order_report.of_insights(where)
    keys = [f":{name}" for name in ("job", "tag", "collection", "template") if name in given]
    keys += [f":field{number}" for number in range(len(filters.field))]
    under = [f"l{n}.workspace_id = :workspace AND l{n}.key = {key}" for n, key in enumerate(keys)]
    if not under:
        return order_report.Source("statement_search", "s", "s.insight_id", OF_SEARCH, f"s.listed AND {SAID}")
    joins = [OTHER.format(n=n, under=one) for n, one in enumerate(under[1:], 1)]
    joins += [WITH_WORDS] if "q" in given else []
    return order_report.Source("listing", "l0", "l0.insight_id", under[0], joins=" ".join(joins))


SAID = "s.words @@ CAST(:q AS tsquery)"
OTHER = "JOIN listing l{n} ON l{n}.insight_id = l0.insight_id AND l{n}.workspace_id = :workspace AND {under}"
WITH_WORDS = f"JOIN statement_search s ON s.insight_id = l0.insight_id AND {OF_SEARCH} AND {SAID}"


def _with_what_they_need(given: dict[str, Any]) -> dict[str, Any]:
    if "state" in given:
        given["state"] = [given["state"]] if isinstance(given["state"], str) else list(given["state"])
    if "min_support" in given:
        given["support_rank"] = order_report.rank_of(given["min_support"], SUPPORT_RANKS)
    if "min_confidence" in given:
        given["confidence_rank"] = order_report.rank_of(given["min_confidence"], CONFIDENCE_RANKS)
    if "template" in given:
        given["template"] = listings.template(given["template"])
    if "job" in given:
        given["job"] = listings.job(given["job"])
    if "tag" in given:
        given["tag"] = listings.tag(given["tag"])
    if {"q", "collection"} & given.keys():
        with db.reading() as session:
            if "q" in given:
                given["q"] = reading.tsquery(session, bounded(given["q"], "A search", LONGEST_SEARCH))
            if "collection" in given:
                found = db.scalar(session, COLLECTION, name=given["collection"])
                given["collection"] = listings.collection(found or "")
    return given


COLLECTION = "SELECT id FROM collection WHERE name = :name AND workspace_id = :workspace"
LONGEST_SEARCH = 1_000


def _field(given: str) -> str:
    name, colon, value = given.partition(":")
    if not name or not colon:
        raise InvalidInput("field is the name of a template's field and its value, as risk:high.")
    return listings.field(name, value)


def search() -> Search:
    """How a search is read in this workspace."""
    with db.reading() as session:
        languages = tuple(one for one in reading.languages(session) if one)
        waiting = db.scalar(session, WAITING)
    note = "Statements of an older release are still being prepared for search; not all of them are found yet."
    return Search(languages, note if waiting else None)


WAITING = "SELECT EXISTS (SELECT 1 FROM statement_search WHERE words IS NULL AND workspace_id = :workspace)"


def find(
    filters: Filters | None = None, *, sort: Sort = "newest", limit: int = 100, cursor: str | None = None
) -> Page[InsightRow]:
    """Best first, and of equals the newest. Raises InvalidInput for an order by relevance without a search."""
    return _find(filters or Filters(), sort, limit, cursor)[0]


@dataclass(frozen=True)
class Newest:
    """`words`: as a person worded it, else as the model did. `support`: of independent documents."""

    id: str
    words: str
    support: int


def newest(limit: int) -> list[Newest]:
    """Those with a quote that was found first, and the others after them, among the LATELY newest ones."""
    with db.reading() as session:
        found = db.rows(session, NEWEST, lately=LATELY, limit=limit)
    return [Newest(**row._mapping) for row in found]


LATELY = 500
# By ix_insight_workspace, from its end.
NEWEST = """
SELECT id, words, support FROM (
  SELECT id, coalesce(shown, statement) AS words, support FROM insight
  WHERE workspace_id = :workspace AND head_id IS NULL AND state IN ('new', 'confirmed') AND NOT quarantined
  ORDER BY id DESC LIMIT :lately
) i ORDER BY support = 0, id DESC LIMIT :limit
"""


def find_and_count(
    filters: Filters | None = None, *, sort: Sort = "newest", limit: int = 100, cursor: str | None = None
) -> Found:
    """The same with how many match, on all pages: of a short list for nothing."""
    page, counted = _find(filters or Filters(), sort, limit, cursor)
    return Found(page, counted if cursor is None else count(filters))


def _find(filters: Filters, sort: Sort, limit: int, cursor: str | None) -> tuple[Page[InsightRow], Count]:
    checked_limit(limit)
    if sort == "relevance" and not filters.q:
        raise InvalidInput("Insights are ordered by relevance to a search. Give q, or another order.")
    where, given = matching(filters)
    of = f"insights-{sort}"
    at = None if (found := place(cursor, of)) is None else order_report.parsed(found)
    with db.reading() as session:
        of_list = source(filters, where) if sort in ("newest", "relevance") else order_report.of_insights(where)
        began = order_report.beginning(session, sort, at)
        chosen, counted = order_report.places(session, of_list, given, sort, at, began, limit + 1)
        rows = _of_page(session, [row.id for row in chosen])
    return cut(rows, limit, of, [At(row.place, row.id, began) for row in chosen]), counted


def _of_page(session: Session, ids: Sequence[str]) -> list[InsightRow]:
    by_id = _by_id(session, ids) if ids else {}
    return [by_id[one] for one in ids if one in by_id]


def count(filters: Filters | None = None) -> Count:
    filters = filters or Filters()
    where, given = matching(filters)
    with db.reading() as session:
        return order_report.count(session, source(filters, where), given)


def get(insight_id: str) -> InsightRow:
    """Also one that was merged: `head` is set. Raises NotFound."""
    return get_all([insight_id])[0]


def get_all(insight_ids: Sequence[str]) -> list[InsightRow]:
    """In the given order. Raises NotFound."""
    if not insight_ids:
        return []
    with db.reading() as session:
        by_id = _by_id(session, insight_ids)
    for insight_id in insight_ids:
        if insight_id not in by_id:
            raise NotFound(f"There is no insight {insight_id}. Its last evidence may have been deleted.")
    return [by_id[insight_id] for insight_id in insight_ids]


def _by_id(session: Session, insight_ids: Sequence[str]) -> dict[str, InsightRow]:
    """Of those that there are."""
    ids = list(insight_ids)
    with db.side_by_side(session) as group:
        found = group.read(db.rows, session, GIVEN, ids=ids)
        seen = group.read(db.rows, session, LAST_SEEN, ids=ids)
        wordings = group.read(db.rows, session, MERGED, ids=ids)
        is_opposed = group.read(db.scalar, session, IS_OPPOSED, ids=ids)
    last_seen = {row.id: row.last_seen for row in seen.found}
    merged: dict[str, list[Wording]] = {}
    for row in wordings.found:
        merged.setdefault(row.head_id, []).append(Wording(row.id, row.statement))
    # Few are in conflict, and what stands against them is dear to find.
    opposed = db.rows(session, AGAINST, ids=ids) if is_opposed.found else []
    against = {row.id: row.against for row in opposed}
    # By place: the columns stand in the order of the fields.
    together: list[tuple[Any, ...]] = [
        (*row, last_seen.get(row.id, row.first_seen), against.get(row.id, 0), tuple(merged.get(row.id, ())))
        for row in found.found
    ]
    return {row.id: row for row in (InsightRow(*values) for values in together)}


GIVEN = f"SELECT {COLUMNS} FROM insight i WHERE i.id = ANY(:ids) AND i.workspace_id = :workspace"

MERGED = """
SELECT head_id, id, statement FROM insight WHERE head_id = ANY(:ids) AND workspace_id = :workspace ORDER BY id
"""

# By the newest evidence, and by further answers that brought some: of what has very much evidence only by the first.
LAST_SEEN = f"""
WITH member AS MATERIALIZED (
  SELECT m.insight, m.member, i.documents_with_evidence AS documents FROM ({tree.OUR_MEMBERS}) m
  JOIN insight i ON i.id = m.insight WHERE i.workspace_id = :workspace
)
SELECT m.insight AS id, greatest(max(newest.at), max(again.at)) AS last_seen FROM member m
LEFT JOIN LATERAL (
  SELECT e.created_at AS at FROM evidence e WHERE e.insight_id = m.member ORDER BY e.created_at DESC LIMIT 1
) newest ON true
LEFT JOIN LATERAL (
  SELECT max(s.seen_at) AS at FROM evidence e JOIN sighting s ON s.evidence_id = e.id
  WHERE e.insight_id = m.member AND m.documents <= {MANY_DOCUMENTS}
) again ON true
GROUP BY m.insight
"""

OPPOSES = "p.kind = 'conflict' AND (p.state = 'open' OR p.verdict = 'conflict')"
IS_OPPOSED = f"""
WITH member AS MATERIALIZED ({tree.OUR_MEMBERS})
SELECT EXISTS (SELECT FROM member m JOIN pair p ON p.first = m.member WHERE {OPPOSES} AND p.workspace_id = :workspace)
  OR EXISTS (SELECT FROM member m JOIN pair p ON p.second = m.member WHERE {OPPOSES} AND p.workspace_id = :workspace)
"""

# What stands against a statement: the evidence of all that is in conflict with it, and of what was merged into that.
AGAINST = f"""
WITH member AS MATERIALIZED ({tree.OUR_MEMBERS}), opposed AS (
  SELECT m.insight, p.second AS other FROM member m JOIN pair p ON p.first = m.member WHERE {OPPOSES}
  UNION SELECT m.insight, p.first FROM member m JOIN pair p ON p.second = m.member WHERE {OPPOSES}
), heads AS (
  SELECT DISTINCT o.insight, coalesce(i.head_id, i.id) AS head FROM opposed o JOIN insight i ON i.id = o.other
  WHERE coalesce(i.head_id, i.id) <> o.insight
), theirs AS (
  SELECT insight, head AS other FROM heads
  UNION SELECT h.insight, i.id FROM heads h JOIN insight i ON i.head_id = h.head
)
SELECT t.insight AS id, count(DISTINCT coalesce(d.text_group, d.id)) AS against
FROM theirs t JOIN evidence e ON e.insight_id = t.other AND e.supported JOIN document d ON d.id = e.document_id
JOIN insight o ON o.id = t.other
JOIN insight h ON h.id = CASE WHEN o.head_id IS NULL THEN o.id ELSE o.head_id END
WHERE {COUNTS} AND h.workspace_id = :workspace
GROUP BY t.insight
"""
