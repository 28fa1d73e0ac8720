"""The first page's figures in one round trip."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core import db


@dataclass(frozen=True)
class Overview:
    """`spent_today` sums today's usage records (UTC); `unpriced_today` calls are not in it."""

    documents: int
    ready: int
    extracting: int
    failed_documents: int
    running_jobs: int
    jobs: int
    failed_requests: int
    insights: int
    new_insights: int
    spent_today: Decimal
    unpriced_today: int


SQL = """
SELECT
  (SELECT count(*) FROM document) AS documents,
  (SELECT count(*) FROM document WHERE state = 'ready') AS ready,
  (SELECT count(*) FROM document WHERE state IN ('queued', 'extracting')) AS extracting,
  (SELECT count(*) FROM document WHERE state = 'failed') AS failed_documents,
  (SELECT count(*) FROM job WHERE state IN ('queued', 'running', 'cancelling')) AS running_jobs,
  (SELECT count(*) FROM job) AS jobs,
  (SELECT count(*) FROM request WHERE state = 'failed') AS failed_requests,
  (SELECT count(*) FROM insight) AS insights,
  (SELECT count(*) FROM insight WHERE first_seen >= :today) AS new_insights,
  (SELECT coalesce(sum(cost_usd), 0) FROM usage_record WHERE time >= :today) AS spent_today,
  (SELECT count(*) FROM usage_record WHERE time >= :today AND NOT priced) AS unpriced_today
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
    with db.transaction() as session:
        found = db.row(session, SQL, today=today)
    assert found is not None
    return Overview(**found._mapping)


def troubled_jobs(limit: int = 5) -> list[TroubledJob]:
    sql = """SELECT j.id, j.name, count(*) AS failed, j.finished_at FROM job j JOIN request r ON r.job_id = j.id
             WHERE r.state = 'failed' GROUP BY j.id ORDER BY j.id DESC LIMIT :limit"""
    with db.transaction() as session:
        return [TroubledJob(**row._mapping) for row in db.rows(session, sql, limit=limit)]
