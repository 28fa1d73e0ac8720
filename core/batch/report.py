"""Read-only: batches in flight (for our caps), a summary of a job's batches, its rejected result lines, and usage
without an answer."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from core.requests import single_flight
from core.runtime import db
from core.runtime.paging import checked_limit

# How much of a rejected line is shown.
SHOWN_BYTES = 2_000


@dataclass(frozen=True)
class InFlight:
    """What our caps limit: open batches at one provider, over all jobs. `tokens` are input tokens, `usd` estimated."""

    batches: int
    tokens: int
    usd: Decimal


def in_flight(session: Session, provider: str) -> InFlight:
    """Of all workspaces, as our own caps count them."""
    with db.seeing_all(session):
        found = db.row(session, IN_FLIGHT, provider=provider)
    assert found is not None
    return InFlight(**found._mapping)


IN_FLIGHT = """
SELECT count(*)::int AS batches, coalesce(sum(input_tokens), 0)::bigint AS tokens, coalesce(sum(estimate_usd), 0) AS usd
FROM provider_batch WHERE next_at IS NOT NULL AND provider = :provider
"""


@dataclass(frozen=True)
class Group:
    """A job's provider batches in one state. `since`: when the first of them was handed over, or was about to be.

    `done`: how many of the requests are answered, as far as the provider reports it.
    """

    batches: int
    requests: int
    done: int
    since: datetime | None


@dataclass(frozen=True)
class BatchSummary:
    """A job's batches by state. `twins`: its pending requests wait for the answers of equal requests in flight.

    `trouble`: the error of a batch whose last step failed and is tried again. `in_flight`: at the job's provider.
    """

    groups: dict[str, Group]
    in_flight: InFlight | None
    twins: bool
    trouble: str | None


NO_BATCHES = BatchSummary({}, None, False, None)


def summary(job_id: str, provider: str | None = None) -> BatchSummary:
    """`provider`: whose batches in flight are told, too."""
    with db.reading() as session:
        found = db.rows(session, GROUPS, job=job_id)
        groups = {row.state: Group(row.batches, row.requests, row.done, row.since) for row in found}
        worst = max((row for row in found if row.tries), key=lambda row: row.tries, default=None)
        twins = bool(db.scalar(session, TWINS, job=job_id))
        used = in_flight(session, provider) if provider else None
        return BatchSummary(groups, used, twins, worst.trouble if worst else None)


OF_JOB = "job_id = (SELECT j.id FROM job j WHERE j.id = :job AND j.workspace_id = :workspace)"
FAILING = "next_at IS NOT NULL AND tries > 0"
GROUPS = f"""
SELECT state, count(*)::int AS batches, sum(requests)::int AS requests, coalesce(sum(done), 0)::int AS done,
  min(coalesce(submitted_at, intent_at)) AS since, max(tries) FILTER (WHERE {FAILING}) AS tries,
  (array_agg(error ORDER BY tries DESC) FILTER (WHERE {FAILING}))[1] AS trouble
FROM provider_batch WHERE {OF_JOB} GROUP BY state
"""

# Requests go out in order of id, so the first hundred show what the job waits for.
TWINS = f"""
SELECT coalesce(bool_and({single_flight.twin("mine.fingerprint")}), false)
FROM (SELECT fingerprint FROM request WHERE {OF_JOB} AND state = 'pending' ORDER BY id LIMIT 100) mine
"""


@dataclass(frozen=True)
class Beyond:
    """Billed usage of a job without an answer. `status`: unattributed, or unheard (the outcome of a call is unknown).

    `cost_usd` None: not priced.
    """

    status: str
    records: int
    tokens: int
    cost_usd: Decimal | None


def beyond(job_id: str) -> list[Beyond]:
    with db.reading() as session:
        return [Beyond(**row._mapping) for row in db.rows(session, BEYOND, job=job_id)]


BEYOND = """
SELECT status, count(*)::int AS records, sum(input_tokens + output_tokens)::bigint AS tokens,
  CASE WHEN bool_and(priced) THEN sum(cost_usd) END AS cost_usd
FROM usage_record
WHERE workspace_id = :workspace AND job_id = :job AND status IN ('unattributed', 'unheard')
GROUP BY status ORDER BY status
"""


@dataclass(frozen=True)
class OddLineRow:
    """A rejected result line (dead letter). `raw` is its beginning, `size` its whole length in bytes."""

    id: int
    batch: str
    kind: str
    raw: bytes
    size: int


def odd_lines(job_id: str, *, batch: str | None = None, limit: int = 20) -> list[OddLineRow]:
    checked_limit(limit)
    with db.reading() as session:
        found = db.rows(session, ODD_LINES, job=job_id, batch=batch, limit=limit, shown=SHOWN_BYTES)
        return [OddLineRow(**row._mapping) for row in found]


ODD_LINES = """
SELECT o.id, o.batch_id AS batch, o.kind, substring(o.raw FOR :shown) AS raw, octet_length(o.raw) AS size
FROM provider_batch b JOIN odd_line o ON o.batch_id = b.id JOIN job j ON j.id = b.job_id
WHERE j.workspace_id = :workspace AND b.job_id = :job AND (CAST(:batch AS text) IS NULL OR b.id = :batch)
ORDER BY o.id LIMIT :limit
"""


def odd_counts(job_id: str) -> dict[str, int]:
    """How many result lines of a job were rejected, by kind."""
    sql = """SELECT o.kind, count(*)::int AS n FROM provider_batch b JOIN odd_line o ON o.batch_id = b.id
             JOIN job j ON j.id = b.job_id WHERE j.workspace_id = :workspace AND b.job_id = :job
             GROUP BY o.kind ORDER BY n DESC, o.kind"""
    with db.reading() as session:
        return {row.kind: row.n for row in db.rows(session, sql, job=job_id)}
