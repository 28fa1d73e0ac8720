"""Jobs, their requests, answers and events, as lists and pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.errors import NotFound
from core.requests import former_models
from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, number


@dataclass(frozen=True)
class JobRow:
    """total = pending + in_flight + succeeded + failed + cancelled; `reused` is a part of succeeded.

    `held` behind a canary and `unread`, the documents that are still being extracted, are parts of pending; `answered`,
    answers not yet derived, and `done_there`, those that wait at their provider, are parts of in_flight. `settling` are
    provider batches of which it is not known whether their provider has them.
    """

    id: str
    name: str
    description: str
    template: str | None
    template_name: str | None
    template_version: int | None
    params: dict[str, Any]
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
    canary: int
    deadline: datetime | None
    leftovers: dict[str, Any] | None
    fallback: dict[str, Any] | None
    former: list[dict[str, Any]]
    waits_until: datetime | None
    error: str | None
    correlation_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def total(self) -> int:
        return self.pending + self.in_flight + self.succeeded + self.failed + self.cancelled

    @property
    def done(self) -> int:
        return self.succeeded + self.failed + self.cancelled

    @property
    def ended(self) -> bool:
        return self.state in ("completed", "cancelled", "failed")


@dataclass(frozen=True)
class RequestRow:
    """`state` as the API names it: pending, in_flight, succeeded, failed or cancelled."""

    id: int
    custom_id: str
    document: str | None
    document_name: str | None
    lane: str
    state: str
    attempts: int
    error_code: str | None
    error_message: str | None
    reused: bool
    provider_batch: str | None
    model: str


@dataclass(frozen=True)
class ProviderBatchRow:
    """`done` is None where the provider tells of no progress; `counts` what became of its requests, once kept.

    `next_at` is when it is looked at again, after `tries` that failed in a row; None: it has ended.
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


@dataclass(frozen=True)
class ResponseRow:
    """`result` is None where the answer could not be used, and for own requests; `text` is what the model gave."""

    request_id: int
    custom_id: str
    document: str | None
    document_name: str | None
    result: dict[str, Any] | None
    text: str
    usable: bool
    finish_reason: str
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    reused: bool
    created_at: datetime


@dataclass(frozen=True)
class EventRow:
    id: int
    time: datetime
    kind: str
    message: str


@dataclass(frozen=True)
class FailureRow:
    """Failed requests of one reason, with one document as an example."""

    code: str
    message: str
    requests: int
    example: str | None


GONE = "There is no job {}. It may have been deleted."
SELECT_JOB = """
SELECT j.id, j.name, j.description, j.template_id AS template, t.name AS template_name, j.template_version, j.params,
  j.provider, j.model, j.lane, j.state,
  coalesce(r.pending, 0) + coalesce(w.unread, 0) AS pending, coalesce(r.held, 0) AS held,
  coalesce(w.unread, 0) AS unread, coalesce(r.in_flight, 0) AS in_flight, coalesce(r.answered, 0) AS answered,
  least(b.done, r.in_flight - r.answered)::bigint AS done_there,
  coalesce(r.succeeded, 0) AS succeeded, coalesce(r.failed, 0) AS failed, coalesce(r.cancelled, 0) AS cancelled,
  coalesce(r.reused, 0) AS reused, b.settling, coalesce(u.cost, 0) AS cost_usd, coalesce(u.unpriced, 0) AS unpriced,
  coalesce(u.input_tokens, 0)::bigint AS input_tokens, coalesce(u.output_tokens, 0)::bigint AS output_tokens,
  j.estimate_usd, j.canary, j.deadline, j.leftovers, j.fallback,
  coalesce(j.former, '[]') AS former, j.waits_until, j.error, j.correlation_id, j.created_at, j.started_at,
  j.finished_at
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
"""

# Not ended, and not a draft either.
AT_WORK = ("queued", "running", "paused", "cancelling")

HEADS = """
SELECT j.id, j.name, j.state, j.finished_at FROM job j LEFT JOIN template t ON t.id = j.template_id
WHERE (CAST(:states AS text[]) IS NULL OR j.state = ANY(:states))
  AND (CAST(:lane AS text) IS NULL OR j.lane = :lane)
  AND (CAST(:text AS text) IS NULL OR strpos(lower(concat_ws(' ', j.name, j.id, t.name, j.model)), lower(:text)) > 0)
  AND (CAST(:cursor AS text) IS NULL OR j.id < :cursor)
ORDER BY j.id DESC LIMIT :limit
"""


def find(
    *,
    state: str | Sequence[str] | None = None,
    lane: str | None = None,
    text: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
    known: Sequence[JobRow] = (),
) -> Page[JobRow]:
    """Jobs of a state or one of several. Counting is what costs, and an ended job's figures stay: who looks again and
    again hands in the rows that are `known`, and only what may have changed is counted.
    """
    checked_limit(limit)
    states = [state] if isinstance(state, str) else state and list(state)
    with db.transaction() as session:
        heads = db.rows(session, HEADS, states=states, lane=lane, text=text or None, cursor=cursor, limit=limit + 1)
        still = {(row.id, row.name, row.state, row.finished_at): row for row in known if row.ended}
        found = {head.id: still[tuple(head)] for head in heads if tuple(head) in still}
        changed = [head.id for head in heads if head.id not in found]
        if changed:
            counted = db.rows(session, SELECT_JOB + " WHERE j.id = ANY(:ids)", ids=changed)
            found |= {row.id: JobRow(**row._mapping) for row in counted}
    rows = [found[head.id] for head in heads if head.id in found]
    return cut(rows, limit, [row.id for row in rows])


def get(job_id: str) -> JobRow:
    with db.transaction() as session:
        found = db.row(session, SELECT_JOB + " WHERE j.id = :job", job=job_id)
    if found is None:
        raise NotFound(GONE.format(job_id))
    return JobRow(**found._mapping)


def _exists(job_id: str) -> None:
    with db.transaction() as session:
        if db.scalar(session, "SELECT 1 FROM job WHERE id = :job", job=job_id) is None:
            raise NotFound(GONE.format(job_id))


# What the API and the pages call by one name.
STATES = {"pending": ["pending", "held"], "in_flight": ["in_flight", "answered"]}

REQUESTS = f"""
SELECT r.id, r.custom_id, r.document_id AS document, d.name AS document_name, r.lane,
  CASE r.state WHEN 'answered' THEN 'in_flight' WHEN 'held' THEN 'pending' ELSE r.state END AS state, r.attempts,
  r.error_code, r.error_message, r.reused, r.provider_batch_id AS provider_batch,
  coalesce(r.model, {former_models.asked("model")}) AS model
FROM request r JOIN job j ON j.id = r.job_id LEFT JOIN document d ON d.id = r.document_id
WHERE r.job_id = :job AND (CAST(:states AS text[]) IS NULL OR r.state = ANY(:states))
  AND (CAST(:error AS text) IS NULL OR r.error_code = :error)
  AND (CAST(:cursor AS bigint) IS NULL OR r.id < :cursor)
ORDER BY r.id DESC LIMIT :limit OFFSET :offset
"""


def requests(
    job_id: str,
    *,
    state: str | None = None,
    error: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
    offset: int = 0,
) -> Page[RequestRow]:
    checked_limit(limit)
    _exists(job_id)
    chosen = {
        "states": None if state is None else STATES.get(state, [state]),
        "error": error,
        "cursor": number(cursor),
        "offset": offset,
    }
    with db.transaction() as session:
        found = db.rows(session, REQUESTS, job=job_id, limit=limit + 1, **chosen)
    rows = [RequestRow(**row._mapping) for row in found]
    return cut(rows, limit, [str(row.id) for row in rows])


PROVIDER_BATCHES = """
SELECT id, provider, provider_batch_id, model, state, provider_state, requests, done, counts, estimate_usd, error,
  cancel_requested, tries, next_at, absent_since, created_at, intent_at, submitted_at, ended_at
FROM provider_batch WHERE job_id = :job AND (CAST(:cursor AS text) IS NULL OR id < :cursor)
ORDER BY id DESC LIMIT :limit
"""


def provider_batches(job_id: str, *, limit: int = 100, cursor: str | None = None) -> Page[ProviderBatchRow]:
    checked_limit(limit)
    _exists(job_id)
    with db.transaction() as session:
        found = db.rows(session, PROVIDER_BATCHES, job=job_id, cursor=cursor, limit=limit + 1)
    rows = [ProviderBatchRow(**row._mapping) for row in found]
    return cut(rows, limit, [row.id for row in rows])


@dataclass(frozen=True)
class Turnaround:
    """How long batches took here, in seconds, over the newest hundred."""

    p50: float
    p95: float
    batches: int


def turnaround(provider: str, model: str) -> Turnaround | None:
    """None where none of this model has been through yet."""
    with db.transaction() as session:
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

# What a reused answer cost was paid elsewhere: here it is free.
RESPONSES = """
SELECT r.id AS request_id, r.custom_id, r.document_id AS document, d.name AS document_name,
  CASE WHEN s.verdict = 'ok' THEN s.result END AS result, coalesce(s.text, '') AS text,
  coalesce(s.verdict = 'ok', false) AS usable, s.finish_reason, s.input_tokens, s.cached_input_tokens, s.output_tokens,
  u.cost AS cost_usd, r.reused, s.created_at
FROM request r JOIN response s ON s.id = r.response_id LEFT JOIN document d ON d.id = r.document_id
LEFT JOIN LATERAL (
  SELECT CASE WHEN bool_and(priced) THEN sum(cost_usd) END AS cost FROM usage_record
  WHERE request_id = r.id AND job_id IS NOT DISTINCT FROM r.job_id
) u ON true
WHERE r.job_id = :job AND r.state IN ('succeeded', 'failed') AND (CAST(:cursor AS bigint) IS NULL OR r.id < :cursor)
ORDER BY r.id DESC LIMIT :limit
"""


def responses(job_id: str, *, limit: int = 100, cursor: str | None = None) -> Page[ResponseRow]:
    checked_limit(limit)
    _exists(job_id)
    with db.transaction() as session:
        found = db.rows(session, RESPONSES, job=job_id, cursor=number(cursor), limit=limit + 1)
    rows = [ResponseRow(**row._mapping) for row in found]
    return cut(rows, limit, [str(row.request_id) for row in rows])


def events(job_id: str, *, limit: int = 100, cursor: str | None = None) -> Page[EventRow]:
    checked_limit(limit)
    _exists(job_id)
    sql = """SELECT id, time, kind, message FROM job_event
             WHERE job_id = :job AND (CAST(:cursor AS bigint) IS NULL OR id < :cursor) ORDER BY id DESC LIMIT :limit"""
    with db.transaction() as session:
        found = db.rows(session, sql, job=job_id, cursor=number(cursor), limit=limit + 1)
    rows = [EventRow(**row._mapping) for row in found]
    return cut(rows, limit, [str(row.id) for row in rows])


def failures(job_id: str) -> list[FailureRow]:
    """Failed requests grouped by reason, the most frequent first."""
    sql = """SELECT coalesce(r.error_code, 'unknown') AS code, min(r.error_message) AS message, count(*) AS requests,
               min(CASE WHEN r.document_id IS NULL THEN r.custom_id ELSE d.name END) AS example
             FROM request r LEFT JOIN document d ON d.id = r.document_id
             WHERE r.job_id = :job AND r.state = 'failed' GROUP BY r.error_code ORDER BY requests DESC"""
    with db.transaction() as session:
        return [FailureRow(**row._mapping) for row in db.rows(session, sql, job=job_id)]


def count_by_state() -> dict[str, int]:
    with db.transaction() as session:
        return {row.state: row.n for row in db.rows(session, "SELECT state, count(*) AS n FROM job GROUP BY state")}
