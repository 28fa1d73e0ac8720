"""The first page's figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from core.money import costs
from core.money.stretches import Stretch, midnight
from core.money.sums import UTC_ZONE
from core.runtime import db

SPEND_DAYS = 14


@dataclass(frozen=True)
class Overview:
    """`insights` are those that their page lists at first; of more than MOST_INSIGHTS one more is counted. `spent` in
    USD on each of the last SPEND_DAYS days (UTC), today last; `unpriced_today` calls are not in it."""

    documents: int
    ready: int
    extracting: int
    failed_documents: int
    running_jobs: int
    jobs: int
    insights: int
    new_insights: int
    spent: tuple[Decimal, ...]
    unpriced_today: int

    @property
    def spent_today(self) -> Decimal:
        return self.spent[-1]


# Counted anew every few seconds by whoever looks at the page.
MOST_INSIGHTS = 100_000
LISTED = """workspace_id = :workspace AND head_id IS NULL AND state IN ('new', 'confirmed') AND support > 0
    AND NOT quarantined"""
SQL = f"""
SELECT
  (SELECT count(*) FROM document WHERE workspace_id = :workspace) AS documents,
  (SELECT count(*) FROM document WHERE workspace_id = :workspace AND state = 'ready') AS ready,
  (SELECT count(*) FROM document WHERE workspace_id = :workspace AND state IN ('queued', 'extracting')) AS extracting,
  (SELECT count(*) FROM document WHERE workspace_id = :workspace AND state = 'failed') AS failed_documents,
  (SELECT count(*) FROM job
    WHERE workspace_id = :workspace AND state IN ('queued', 'running', 'cancelling')) AS running_jobs,
  (SELECT count(*) FROM job WHERE workspace_id = :workspace) AS jobs,
  (SELECT count(*) FROM (SELECT FROM insight WHERE {LISTED} LIMIT :most) i) AS insights,
  (SELECT count(*) FROM (SELECT FROM insight WHERE {LISTED} AND first_seen >= :today LIMIT :most) i) AS new_insights
"""


@dataclass(frozen=True)
class TroubledJob:
    """A job that ended with failed requests."""

    id: str
    name: str
    failed: int
    finished_at: datetime | None


def read(at: datetime) -> Overview:
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [(today - timedelta(days=ago)).date() for ago in reversed(range(SPEND_DAYS))]
    with db.side_by_side() as group:
        counts = group.read(_counts, today)
        by_day = group.read(_by_day, days[0])
    sums = {row.keys[0]: row.sums for row in by_day.found}
    spent = tuple(sums[f"{day}"].cost_usd if f"{day}" in sums else Decimal(0) for day in days)
    last = sums.get(f"{days[-1]}")
    return Overview(**counts.found, spent=spent, unpriced_today=last.unpriced if last else 0)


def _counts(today: datetime) -> Mapping[str, int]:
    with db.reading() as session:
        found = db.row(session, SQL, today=today, most=MOST_INSIGHTS + 1)
    assert found is not None
    return {name: int(number) for name, number in found._mapping.items()}


def _by_day(first: date) -> Sequence[costs.Row]:
    with costs.reading() as now:
        return now.table(["day"], Stretch(midnight(first, UTC_ZONE))).rows


def troubled_jobs(limit: int = 5) -> list[TroubledJob]:
    with db.reading() as session:
        return [TroubledJob(**row._mapping) for row in db.rows(session, TROUBLED, limit=limit)]


# By ix_request_failed: the page asks often, and requests are many.
TROUBLED = """
SELECT j.id, j.name, r.failed, j.finished_at FROM (
  SELECT job_id, count(*) AS failed FROM request WHERE state = 'failed' AND job_id IS NOT NULL
  GROUP BY job_id HAVING (SELECT j.workspace_id FROM job j WHERE j.id = job_id) = :workspace
  ORDER BY job_id DESC LIMIT :limit) r
JOIN job j ON j.id = r.job_id ORDER BY j.id DESC
"""
