"""Read-only: what a job changed, or what has changed since a moment: statements that are new, that gained independent
documents, that something found contradicts, and that were dismissed and are said again.

It is worked out from evidence: what the job brought, and what was there before the last of it. So it stays true when
later jobs bring more. Since a moment so much may have come that it is told from the first on, up to another moment.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlmodel import Session

from core.errors import InvalidInput, NotFound
from core.insights import report
from core.insights.report import InsightRow
from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, not_ours, place
from core.tables.insights import COUNTS

# Pieces of evidence, and as many further sightings of such, that are told at once.
MOST_TOLD = 20_000

What = Literal["new", "strengthened", "contradicted", "dismissed_again"]


@dataclass(frozen=True)
class Change:
    """`before`, `after`: independent documents with support, without what came and with it."""

    insight: InsightRow
    what: What
    before: int
    after: int


@dataclass(frozen=True)
class Changes:
    """How many there are of each, and a page of them. `quarantined`: that wait for a person, and are none of these.
    `until`: what came from then on is not among them."""

    new: int
    strengthened: int
    contradicted: int
    dismissed_again: int
    quarantined: int
    page: Page[Change]
    until: datetime | None = None


def changes(
    *, job: str | None = None, since: datetime | None = None, limit: int = 100, cursor: str | None = None
) -> Changes:
    """Newest insight first. Give `job` or `since`. Raises NotFound for a job that is not there, and InvalidInput."""
    checked_limit(limit)
    if (job is None) == (since is None):
        raise InvalidInput("Give job or since: the job whose changes you want, or from when on.")
    after, what = _after(place(cursor, "changes"))
    with db.reading() as session:
        begun = since or _begun(session, job or "")
        brought = OF_JOB if job else SINCE
        until = None if job else db.scalar(session, UNTIL, begun=begun, most=MOST_TOLD)
        sql = CHANGES.format(brought=brought, counts=COUNTS)
        given = {"job": job, "begun": begun, "until": until}
        found = db.rows(session, sql, **given, after=after, what=what, limit=limit + 1)
    listed = [row for row in found if row.insight]
    rows = {row.id: row for row in report.get_all(sorted({row.insight for row in listed}))}
    items = [Change(rows[row.insight], row.what, row.before, row.after) for row in listed]
    page = cut(items, limit, "changes", [f"{one.insight.id}~{one.what}" for one in items])
    counted = found[0].counted
    told = {kind: counted.get(kind, 0) for kind in (*get_args(What), "quarantined")}
    return Changes(**told, page=page, until=until)


def _after(at: str | None) -> tuple[str | None, str | None]:
    if at is None:
        return None, None
    insight, sign, what = at.partition("~")
    if not sign:
        raise not_ours()
    return insight, what


def _begun(session: Session, job: str) -> Any:
    begun = db.scalar(session, BEGUN, job=job)
    if begun is None:
        raise NotFound(f"There is no job {job}.")
    return begun


BEGUN = "SELECT created_at FROM job WHERE id = :job AND workspace_id = :workspace"
# Evidence that came, and which insights were said with it, again or for the first time.
OF_JOB = """
brought AS MATERIALIZED (
  SELECT e.id, e.insight_id, e.created_at FROM request r
  JOIN evidence e ON e.response_id = r.response_id AND e.document_id = r.document_id
  JOIN job j ON j.id = r.job_id AND j.workspace_id = :workspace
  WHERE r.job_id = :job AND e.created_at >= :begun
), said AS MATERIALIZED (
  SELECT insight_id, created_at AS at FROM brought
  UNION ALL SELECT e.insight_id, s.seen_at FROM request r JOIN sighting s ON s.response_id = r.response_id
  JOIN evidence e ON e.id = s.evidence_id AND e.document_id = r.document_id
  JOIN job j ON j.id = r.job_id AND j.workspace_id = :workspace
  WHERE r.job_id = :job AND s.seen_at >= :begun
)"""
SINCE = """
brought AS MATERIALIZED (
  SELECT e.id, e.insight_id, e.created_at FROM evidence e
  JOIN insight i ON i.id = e.insight_id AND i.workspace_id = :workspace
  WHERE e.created_at >= :begun AND (CAST(:until AS timestamptz) IS NULL OR e.created_at < :until)
), said AS MATERIALIZED (
  SELECT insight_id, created_at AS at FROM brought
  UNION ALL SELECT e.insight_id, s.seen_at FROM sighting s JOIN evidence e ON e.id = s.evidence_id
  JOIN insight i ON i.id = e.insight_id AND i.workspace_id = :workspace
  WHERE s.seen_at >= :begun AND (CAST(:until AS timestamptz) IS NULL OR s.seen_at < :until)
)"""
# When so much has come since then; what came in one transaction has one time, and is told whole.
UNTIL = """
SELECT least(
  (SELECT min(e.created_at) FROM evidence e WHERE e.created_at > (
    SELECT e.created_at FROM evidence e JOIN insight i ON i.id = e.insight_id AND i.workspace_id = :workspace
    WHERE e.created_at >= :begun ORDER BY e.created_at OFFSET :most - 1 LIMIT 1)),
  (SELECT min(s.seen_at) FROM sighting s WHERE s.seen_at > (
    SELECT s.seen_at FROM sighting s JOIN evidence e ON e.id = s.evidence_id
    JOIN insight i ON i.id = e.insight_id AND i.workspace_id = :workspace
    WHERE s.seen_at >= :begun ORDER BY s.seen_at OFFSET :most - 1 LIMIT 1))
)
"""
CHANGES = """
WITH {brought}, head AS MATERIALIZED (
  SELECT coalesce(i.head_id, i.id) AS id, max(s.at) AS last, coalesce(max(b.last), max(s.at)) AS last_brought
  FROM said s JOIN insight i ON i.id = s.insight_id
  LEFT JOIN (SELECT insight_id, max(created_at) AS last FROM brought GROUP BY 1) b ON b.insight_id = s.insight_id
  WHERE i.workspace_id = :workspace GROUP BY 1
), shown AS MATERIALIZED (
  SELECT h.*, i.state FROM head h JOIN insight i ON i.id = h.id AND i.workspace_id = :workspace WHERE NOT i.quarantined
), member AS MATERIALIZED (
  SELECT id AS head, id FROM head
  UNION ALL SELECT i.head_id, i.id FROM insight i JOIN head h ON h.id = i.head_id WHERE i.workspace_id = :workspace
), counted AS MATERIALIZED (
  SELECT h.id, h.last, bool_or(b.id IS NULL AND e.created_at <= h.last_brought) AS was_there,
    count(DISTINCT coalesce(d.text_group, d.id)) FILTER (WHERE e.supported AND b.id IS NULL
      AND e.created_at <= h.last_brought) AS before,
    count(DISTINCT coalesce(d.text_group, d.id)) FILTER (WHERE e.supported AND e.created_at <= h.last_brought) AS after
  FROM shown h JOIN member m ON m.head = h.id JOIN evidence e ON e.insight_id = m.id AND {counts}
  JOIN document d ON d.id = e.document_id AND d.workspace_id = :workspace
  LEFT JOIN brought b ON b.id = e.id GROUP BY h.id, h.last
), judged AS MATERIALIZED (
  -- Dismissed before it was said again, not because of that.
  SELECT c.*, i.state = 'dismissed' AND NOT EXISTS (SELECT 1 FROM insight_change x WHERE x.insight_id = c.id
    AND x.workspace_id = :workspace AND x.after->>'state' = 'dismissed' AND x.changed_at > c.last) AS again
  FROM counted c JOIN insight i ON i.id = c.id AND i.workspace_id = :workspace
), opposed AS (
  SELECT m.head AS said, p.second AS other FROM member m JOIN pair p ON p.first = m.id
  WHERE p.workspace_id = :workspace AND p.kind = 'conflict' AND (p.state = 'open' OR p.verdict = 'conflict')
    AND p.created_at >= :begun AND (CAST(:until AS timestamptz) IS NULL OR p.created_at < :until)
  UNION SELECT m.head, p.first FROM member m JOIN pair p ON p.second = m.id
  WHERE p.workspace_id = :workspace AND p.kind = 'conflict' AND (p.state = 'open' OR p.verdict = 'conflict')
    AND p.created_at >= :begun AND (CAST(:until AS timestamptz) IS NULL OR p.created_at < :until)
), contradicted AS (
  -- What was there before, or of two that came together the first.
  SELECT DISTINCT h.id, h.support FROM opposed o JOIN insight i ON i.id = o.other
  JOIN insight h ON h.id = CASE WHEN i.head_id IS NULL THEN i.id ELSE i.head_id END
  JOIN judged s ON s.id = o.said LEFT JOIN judged j ON j.id = h.id
  WHERE h.id <> o.said AND i.workspace_id = :workspace AND h.workspace_id = :workspace AND NOT h.quarantined
    AND CASE WHEN j.id IS NULL THEN h.first_seen < s.last ELSE j.was_there OR h.id < o.said END
), change AS MATERIALIZED (
  SELECT id AS insight, before, after,
    CASE WHEN again THEN 'dismissed_again' WHEN was_there THEN 'strengthened' ELSE 'new' END AS what
  FROM judged WHERE again OR NOT was_there OR after > before
  UNION ALL SELECT c.id, coalesce(j.before, c.support), coalesce(j.after, c.support), 'contradicted'
  FROM contradicted c LEFT JOIN judged j ON j.id = c.id
)
SELECT p.*, n.counted FROM (
  SELECT coalesce(jsonb_object_agg(what, n), jsonb_build_object()) AS counted FROM (
    SELECT what, count(*) AS n FROM change GROUP BY what
    UNION ALL SELECT 'quarantined', count(*) FROM head h
      JOIN insight i ON i.id = h.id AND i.workspace_id = :workspace WHERE i.quarantined AND i.state = 'new'
  ) every
) n LEFT JOIN (
  SELECT * FROM change WHERE CAST(:after AS text) IS NULL OR (insight, what) < (:after, CAST(:what AS text))
  ORDER BY insight DESC, what DESC LIMIT :limit
) p ON true ORDER BY p.insight DESC, p.what DESC
"""
