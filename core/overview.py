"""The first page's figures."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.money import costs
from core.money.stretches import Stretch
from core.runtime import db


@dataclass(frozen=True)
class Overview:
    """`spent_today` sums today's usage records (UTC); `unpriced_today` calls are not in it."""

    documents: int
    ready: int
    extracting: int
    failed_documents: int
    running_jobs: int
    jobs: int
    insights: int
    new_insights: int
    spent_today: Decimal
    unpriced_today: int


SQL = """
SELECT
  (SELECT count(*) FROM document WHERE workspace_id = :workspace) AS documents,
  (SELECT count(*) FROM document WHERE workspace_id = :workspace AND state = 'ready') AS ready,
  (SELECT count(*) FROM document WHERE workspace_id = :workspace AND state IN ('queued', 'extracting')) AS extracting,
  (SELECT count(*) FROM document WHERE workspace_id = :workspace AND state = 'failed') AS failed_documents,
  (SELECT count(*) FROM job
    WHERE workspace_id = :workspace AND state IN ('queued', 'running', 'cancelling')) AS running_jobs,
  (SELECT count(*) FROM job WHERE workspace_id = :workspace) AS jobs,
  (SELECT count(*) FROM insight WHERE workspace_id = :workspace) AS insights,
  (SELECT count(*) FROM insight WHERE workspace_id = :workspace AND first_seen >= :today) AS new_insights
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
    with db.reading() as session:
        found = db.row(session, SQL, today=today)
    assert found is not None
    with costs.reading() as now:
        spent = now.total(Stretch(today))
    return Overview(**found._mapping, spent_today=spent.cost_usd, unpriced_today=spent.unpriced)


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
