"""Read-only: how a part of the insight base grows: what is first seen when, and what more documents say of late."""

from dataclasses import dataclass
from datetime import date, datetime

from core.insights.report import Filters, matching
from core.runtime import db
from core.tables.insights import COUNTS


@dataclass(frozen=True)
class Day:
    """Insights first seen on a UTC day: how many, and how many of them more than one independent document supports."""

    day: date
    new: int
    corroborated: int


@dataclass(frozen=True)
class Growing:
    """`gained`: documents that came with support; `support`: independent ones in all."""

    insight: str
    words: str
    gained: int
    support: int


@dataclass(frozen=True)
class Shares:
    """Of what is there now, or, `capped`, of the newest MOST. `supported`: at least one document; `corroborated`: at
    least two independent ones."""

    insights: int
    capped: bool
    supported: int
    corroborated: int
    in_conflict: int


def by_day(filters: Filters, since: datetime, until: datetime) -> list[Day]:
    """Days on which nothing came are left out."""
    where, given = matching(filters)
    with db.reading() as session:
        rows = db.rows(session, BY_DAY.format(where=where), begin=since, end=until, **given)
        return [Day(**row._mapping) for row in rows]


# To look at more takes longer than a page may, and says the same of the base as it grows.
MOST = 100_000


def shares(filters: Filters) -> Shares:
    where, given = matching(filters)
    with db.reading() as session:
        row = db.row(session, SHARES.format(where=where), most=MOST, **given)
    assert row is not None
    return Shares(**row._mapping)


def growing(filters: Filters, since: datetime, *, most: int = 8) -> list[Growing]:
    """What gained most, of those that were known before."""
    where, given = matching(filters)
    with db.reading() as session:
        rows = db.rows(session, GROWING.format(where=where), begin=since, most=most, **given)
        return [Growing(**row._mapping) for row in rows]


BY_DAY = """
SELECT CAST(i.first_seen AT TIME ZONE 'UTC' AS date) AS day, count(*) AS new,
  count(*) FILTER (WHERE i.support >= 2) AS corroborated
FROM insight i WHERE i.workspace_id = :workspace AND {where} AND i.first_seen >= :begin AND i.first_seen < :end
GROUP BY 1 ORDER BY 1
"""
SHARES = """
SELECT count(*) FILTER (WHERE place <= :most) AS insights, count(*) > :most AS capped,
  count(*) FILTER (WHERE place <= :most AND support >= 1) AS supported,
  count(*) FILTER (WHERE place <= :most AND support >= 2) AS corroborated,
  count(*) FILTER (WHERE place <= :most AND open_conflicts > 0) AS in_conflict
FROM (
  SELECT i.support, i.open_conflicts, row_number() OVER (ORDER BY i.id DESC) AS place
  FROM insight i WHERE i.workspace_id = :workspace AND {where} ORDER BY i.id DESC LIMIT :most + 1
) newest
"""
# One that only its merged wordings carry grows by them.
GROWING = f"""
WITH gained AS MATERIALIZED (
  SELECT coalesce(w.head_id, w.id) AS id, count(DISTINCT e.document_id) AS gained
  FROM evidence e JOIN insight w ON w.id = e.insight_id AND w.workspace_id = :workspace
  JOIN insight h
    ON h.id = CASE WHEN w.head_id IS NULL THEN w.id ELSE w.head_id END AND h.workspace_id = :workspace
  WHERE {COUNTS} AND e.created_at >= :begin AND e.supported AND w.first_seen < :begin GROUP BY 1
)
SELECT i.id AS insight, coalesce(i.shown, i.statement) AS words, g.gained, i.support
FROM gained g JOIN insight i ON i.id = g.id WHERE i.workspace_id = :workspace AND {{where}}
ORDER BY g.gained DESC, i.id DESC LIMIT :most
"""
