"""Read-only: what a retention rule would remove, and what was removed so far."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.retention import rules
from core.retention.rules import Kind, RetentionRule
from core.runtime import db
from core.tables.jobs import ENDED, in_sql

OLD: dict[Kind, str] = {
    "documents": """document old JOIN collection c ON c.id = old.collection_id
      WHERE old.created_at < :before AND c.name <> ALL(:excepted)""",
    "jobs": f"job old WHERE old.state IN {in_sql(ENDED)} AND old.finished_at < :before",
}


def which(kind: Kind, rule: RetentionRule, at: datetime) -> dict[str, Any]:
    """Parameters of the conditions in OLD."""
    before: dict[str, Any] = {"before": at - rule.period}
    return before | {"excepted": list(rule.excepted)} if kind == "documents" else before


@dataclass(frozen=True)
class Preview:
    """What would be removed. `size_bytes` and `busy` (with open requests) are of documents, `requests` of jobs."""

    number: int
    oldest: datetime | None
    size_bytes: int = 0
    busy: int = 0
    requests: int = 0


def preview(kind: Kind, rule: RetentionRule, at: datetime) -> Preview:
    with db.reading(everywhere=True) as session:
        found = db.row(session, PREVIEW[kind], **which(kind, rule, at))
    assert found is not None
    return Preview(**found._mapping)


PREVIEW: dict[Kind, str] = {
    "documents": f"""
SELECT count(*)::int AS number, min(created_at) AS oldest, coalesce(sum(size_bytes), 0)::bigint AS size_bytes,
  count(*) FILTER (WHERE EXISTS (SELECT 1 FROM request r WHERE r.document_id = d.id
    AND r.state IN ('held', 'pending', 'in_flight', 'answered')))::int AS busy
FROM (SELECT old.* FROM {OLD["documents"]}) d""",
    "jobs": f"""
SELECT count(DISTINCT j.id)::int AS number, min(j.finished_at) AS oldest, count(r.id)::int AS requests
FROM (SELECT old.* FROM {OLD["jobs"]}) j LEFT JOIN request r ON r.job_id = j.id""",
}


@dataclass(frozen=True)
class Run:
    """A run of removals; `counts` by what was removed, and the rule's `days`."""

    time: datetime
    kind: str
    counts: dict[str, int]


def runs(limit: int = 5) -> list[Run]:
    """The newest removals."""
    with db.reading(everywhere=True) as session:
        return [Run(**row._mapping) for row in db.rows(session, RUNS, limit=limit)]


# A run writes an entry for each block that it removed.
RUNS = """
SELECT max(time) AS time, kind, jsonb_object_agg(name, value) AS counts FROM (
  SELECT max(e.time) AS time, e.object ->> 'id' AS kind, coalesce(e.after ->> 'run', e.id::text) AS run, one.name,
    CASE WHEN one.name = 'days' THEN max(one.value::bigint) ELSE sum(one.value::bigint)::bigint END AS value
  FROM (SELECT * FROM audit_entry WHERE action = 'retention.run' ORDER BY id DESC LIMIT 1000) e,
    jsonb_each_text(e.after - 'run') AS one(name, value)
  GROUP BY 2, 3, 4
) counted GROUP BY kind, run ORDER BY 1 DESC LIMIT :limit
"""


def next_run(kind: Kind, at: datetime) -> datetime:
    """The first run that applies the stored rule; where none is stored, the first for a rule stored at `at`."""
    with db.reading(everywhere=True) as session:
        changed = db.scalar(session, "SELECT changed_at FROM setting WHERE name = :name", name=rules.name(kind))
    return rules.next_run(at, changed or at)
