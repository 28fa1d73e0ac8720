"""A job's provider batches, and how long such batches take. Read-only."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.jobs import report
from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, place


@dataclass(frozen=True)
class ProviderBatchRow:
    """`done` is None if the provider reports no progress; `counts` (once its results are kept) are its
    requests by outcome.

    `next_at` is the time of its next step, after `tries` failures in a row; None: it has ended.
    """

    id: str
    provider: str
    provider_batch_id: str | None
    model: str
    state: str
    provider_state: str | None
    requests: int
    done: int | None
    counts: dict[str, Any] | None
    estimate_usd: Decimal | None
    error: str | None
    cancel_requested: bool
    tries: int
    next_at: datetime | None
    absent_since: datetime | None
    created_at: datetime
    intent_at: datetime | None
    submitted_at: datetime | None
    ended_at: datetime | None


PROVIDER_BATCHES = """
SELECT id, provider, provider_batch_id, model, state, provider_state, requests, done, counts, estimate_usd, error,
  cancel_requested, tries, next_at, absent_since, created_at, intent_at, submitted_at, ended_at
FROM provider_batch WHERE job_id = (SELECT j.id FROM job j WHERE j.id = :job AND j.workspace_id = :workspace)
  AND (CAST(:cursor AS text) IS NULL OR id < :cursor)
ORDER BY id DESC LIMIT :limit
"""


def provider_batches(job_id: str, *, limit: int = 100, cursor: str | None = None) -> Page[ProviderBatchRow]:
    checked_limit(limit)
    name = f"{job_id}.batches"
    report.check_exists(job_id)
    with db.reading() as session:
        found = db.rows(session, PROVIDER_BATCHES, job=job_id, cursor=place(cursor, name), limit=limit + 1)
    rows = [ProviderBatchRow(**row._mapping) for row in found]
    return cut(rows, limit, name, [row.id for row in rows])


@dataclass(frozen=True)
class Turnaround:
    """Seconds from submission to end, over the newest hundred completed batches of a model."""

    p50: float
    p95: float
    batches: int


def turnaround(provider: str, model: str) -> Turnaround | None:
    """None if no batch of this model has completed yet."""
    with db.reading(everywhere=True) as session:
        found = db.row(session, TURNAROUND, provider=provider, model=model)
    return None if found is None or not found.batches else Turnaround(**found._mapping)


TURNAROUND = """
WITH newest AS (
  SELECT extract(epoch FROM ended_at - submitted_at) AS seconds FROM provider_batch
  WHERE provider = :provider AND model = :model AND state = 'completed' AND submitted_at IS NOT NULL
  ORDER BY id DESC LIMIT 100
)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)::float AS p50,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds)::float AS p95, count(*)::int AS batches
FROM newest
"""
