"""Jobs as lists and pages show them. Read-only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from core.errors import NotFound
from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, place
from core.tables.jobs import ACTIVE, ENDED, GOING, JUDGE, WAITS_FOR, WaitsFor, asks_documents, in_sql


@dataclass(frozen=True)
class JobRow:
    """total = pending + in_flight + succeeded + failed + cancelled; `reused` is a part of succeeded.

    pending includes `held` (behind a canary, or merges) and `unread` (documents still being extracted); in_flight
    includes `answered` (kept, not derived) and `done_there` (answered in a provider batch, not fetched). `settling`
    counts provider batches whose outcome is unknown. `waits_for` is None unless the job is going, or paused for a
    budget. `held_usd`: reserved, not booked yet. Money in USD.
    """

    id: str
    name: str
    description: str
    template: str | None
    template_name: str | None
    template_version: int | None
    params: dict[str, Any]
    sampling: dict[str, Any] | None
    temperature_unused: bool
    provider: str
    model: str
    lane: str
    state: str
    pending: int
    held: int
    unread: int
    in_flight: int
    answered: int
    done_there: int
    succeeded: int
    failed: int
    cancelled: int
    reused: int
    settling: int
    cost_usd: Decimal | None
    unpriced: int
    input_tokens: int
    output_tokens: int
    estimate_usd: Decimal | None
    reserved_usd: Decimal | None
    held_usd: Decimal
    user: str
    collections: list[str]
    canary: int
    deadline: datetime | None
    leftovers: dict[str, Any] | None
    fallback: dict[str, Any] | None
    former: list[dict[str, Any]]
    waits_for: WaitsFor | None
    error: str | None
    correlation_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def asks_documents(self) -> bool:
        return asks_documents(self.template)

    @property
    def judges(self) -> bool:
        return self.template == JUDGE

    @property
    def total(self) -> int:
        return self.pending + self.in_flight + self.succeeded + self.failed + self.cancelled

    @property
    def done(self) -> int:
        return self.succeeded + self.failed + self.cancelled

    @property
    def ended(self) -> bool:
        return self.state in ENDED


def _job_row(found: Row[Any]) -> JobRow:
    values = dict(found._mapping)
    values["waits_for"] = WAITS_FOR.validate_python(found.waits_for) if found.waits_for else None
    return JobRow(**values)


GONE = "There is no job {}. It may have been deleted."
SELECT_JOB = f"""
SELECT j.id, j.name, j.description, j.template_id AS template, t.name AS template_name, j.template_version, j.params,
  j.sampling, j.temperature_unused, j.provider, j.model, j.lane, j.state,
  coalesce(r.pending, 0) + coalesce(w.unread, 0) AS pending, coalesce(r.held, 0) AS held,
  coalesce(w.unread, 0) AS unread, coalesce(r.in_flight, 0) AS in_flight, coalesce(r.answered, 0) AS answered,
  least(b.done, r.in_flight - r.answered)::bigint AS done_there,
  coalesce(r.succeeded, 0) AS succeeded, coalesce(r.failed, 0) AS failed, coalesce(r.cancelled, 0) AS cancelled,
  coalesce(r.reused, 0) AS reused, b.settling, coalesce(u.cost, 0) AS cost_usd, coalesce(u.unpriced, 0) AS unpriced,
  coalesce(u.input_tokens, 0)::bigint AS input_tokens, coalesce(u.output_tokens, 0)::bigint AS output_tokens,
  j.estimate_usd, j.reserved_usd, CASE WHEN j.state IN {in_sql(ACTIVE)}
    THEN greatest(coalesce(j.reserved_usd, 0) - coalesce(u.cost, 0), 0) ELSE 0 END AS held_usd, j."user", j.collections,
  j.canary, j.deadline, j.leftovers, j.fallback,
  coalesce(j.former, '[]') AS former,
  CASE WHEN j.state IN {in_sql(GOING)} OR j.state = 'paused' AND j.waits_for ->> 'kind' = 'budget'
    THEN j.waits_for END AS waits_for,
  j.error, j.correlation_id, j.created_at, j.started_at, j.finished_at
FROM job j LEFT JOIN template t ON t.id = j.template_id
LEFT JOIN LATERAL (
  SELECT count(*) FILTER (WHERE state IN ('pending', 'held')) AS pending,
    count(*) FILTER (WHERE state = 'held') AS held,
    count(*) FILTER (WHERE state IN ('in_flight', 'answered')) AS in_flight,
    count(*) FILTER (WHERE state = 'answered') AS answered,
    count(*) FILTER (WHERE state = 'succeeded') AS succeeded, count(*) FILTER (WHERE state = 'failed') AS failed,
    count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
    count(*) FILTER (WHERE state = 'succeeded' AND reused) AS reused
  FROM request WHERE job_id = j.id
) r ON true
LEFT JOIN LATERAL (
  SELECT coalesce(sum(done) FILTER (WHERE state IN ('in_progress', 'ended')), 0) AS done,
    count(*) FILTER (WHERE state = 'settling') AS settling
  FROM provider_batch WHERE job_id = j.id
) b ON true
LEFT JOIN LATERAL (SELECT count(*) AS unread FROM job_document d WHERE d.job_id = j.id AND NOT d.expanded) w ON true
LEFT JOIN LATERAL (
  SELECT sum(cost_usd) AS cost, count(*) FILTER (WHERE NOT priced) AS unpriced, sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens
  FROM usage_record WHERE job_id = j.id
) u ON true
WHERE j.workspace_id = :workspace
"""

MATCHING = """(CAST(:states AS text[]) IS NULL OR j.state = ANY(:states))
  AND (CAST(:lane AS text) IS NULL OR j.lane = :lane)
  AND (CAST(:text AS text) IS NULL OR strpos(lower(concat_ws(' ', j.name, j.id, t.name, j.model)), lower(:text)) > 0)"""
HEADS = f"""
SELECT j.id, j.name, j.state, j.finished_at FROM job j LEFT JOIN template t ON t.id = j.template_id
WHERE j.workspace_id = :workspace AND {MATCHING} AND (CAST(:cursor AS text) IS NULL OR j.id < :cursor)
ORDER BY j.id DESC LIMIT :limit
"""
# Of those alone their requests are counted.
FIRST = f"{SELECT_JOB} AND j.id = ANY(ARRAY(SELECT id FROM ({HEADS}) heads)) ORDER BY j.id DESC"
EVERY = f"{SELECT_JOB} AND {MATCHING} ORDER BY j.id DESC"


def find(
    *,
    state: str | Sequence[str] | None = None,
    lane: str | None = None,
    text: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
    known: Sequence[JobRow] = (),
) -> Page[JobRow]:
    """Jobs in one of these states, the newest first.

    Counting a job's requests is the expensive part, and an ended job's counts do not change: a page that refreshes
    passes the rows it has as `known`, and only the others are counted.
    """
    checked_limit(limit)
    after = place(cursor, "jobs")
    states = [state] if isinstance(state, str) else state and list(state)
    given = {"states": states, "lane": lane, "text": text or None, "cursor": after, "limit": limit + 1}
    with db.reading() as session:
        if not known:
            every = [_job_row(row) for row in db.rows(session, FIRST, **given)]
            return cut(every, limit, "jobs", [row.id for row in every])
        heads = db.rows(session, HEADS, **given)
        still = {(row.id, row.name, row.state, row.finished_at): row for row in known if row.ended}
        found = {head.id: still[tuple(head)] for head in heads if tuple(head) in still}
        changed = [head.id for head in heads if head.id not in found]
        if changed:
            counted = db.rows(session, SELECT_JOB + " AND j.id = ANY(:ids)", ids=changed)
            found |= {row.id: _job_row(row) for row in counted}
    rows = [found[head.id] for head in heads if head.id in found]
    return cut(rows, limit, "jobs", [row.id for row in rows])


def every(session: Session, states: Sequence[str], lane: str | None, text: str | None) -> Iterator[JobRow]:
    """All of that list."""
    given = {"states": list(states) or None, "lane": lane, "text": text or None}
    return map(_job_row, db.stream(session, EVERY, **given))


def get(job_id: str) -> JobRow:
    """Raises NotFound."""
    with db.reading() as session:
        found = db.row(session, SELECT_JOB + " AND j.id = :job", job=job_id)
    if found is None:
        raise NotFound(GONE.format(job_id))
    return _job_row(found)


def check_exists(job_id: str) -> None:
    """Raises NotFound."""
    with db.reading() as session:
        there = "SELECT 1 FROM job WHERE id = :job AND workspace_id = :workspace"
        if db.scalar(session, there, job=job_id) is None:
            raise NotFound(GONE.format(job_id))


def count_by_state() -> dict[str, int]:
    sql = "SELECT state, count(*) AS n FROM job WHERE workspace_id = :workspace GROUP BY state"
    with db.reading() as session:
        return {row.state: row.n for row in db.rows(session, sql)}
