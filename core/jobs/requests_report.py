"""A job's requests, responses, events and failures. Read-only."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.jobs import report
from core.requests import former_models
from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, number


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
class ResponseRow:
    """`result` is None if the answer could not be used, and for custom requests; `text` is the model's own text."""

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
    """Failed requests of one reason, of how many `documents` (0: of none), and one of these as an example."""

    code: str
    message: str
    requests: int
    documents: int
    example: str | None


@dataclass(frozen=True)
class LeftOut:
    """How many documents a job has, and of how many of them nothing was asked because they could not be read."""

    documents: int
    left_out: int


# States that the API and the pages show as one.
STATES = {"pending": ["pending", "held"], "in_flight": ["in_flight", "answered"]}

REQUESTS = f"""
SELECT r.id, r.custom_id, r.document_id AS document, d.name AS document_name, r.lane,
  CASE r.state WHEN 'answered' THEN 'in_flight' WHEN 'held' THEN 'pending' ELSE r.state END AS state, r.attempts,
  r.error_code, r.error_message, r.reused, r.provider_batch_id AS provider_batch,
  coalesce(r.model, {former_models.asked("model")}) AS model
FROM request r JOIN job j ON j.id = r.job_id LEFT JOIN document d ON d.id = r.document_id
WHERE r.job_id = :job AND j.workspace_id = :workspace AND (CAST(:states AS text[]) IS NULL OR r.state = ANY(:states))
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
    name = f"{job_id}.requests"
    report.check_exists(job_id)
    chosen = {
        "states": None if state is None else STATES.get(state, [state]),
        "error": error,
        "cursor": number(cursor, name),
        "offset": offset,
    }
    with db.reading() as session:
        found = db.rows(session, REQUESTS, job=job_id, limit=limit + 1, **chosen)
    rows = [RequestRow(**row._mapping) for row in found]
    return cut(rows, limit, name, [row.id for row in rows])


# A reused answer was paid by another job: here it costs nothing.
RESPONSES = """
SELECT r.id AS request_id, r.custom_id, r.document_id AS document, d.name AS document_name,
  CASE WHEN s.verdict = 'ok' THEN s.result END AS result, coalesce(s.text, '') AS text,
  coalesce(s.verdict = 'ok', false) AS usable, s.finish_reason, s.input_tokens, s.cached_input_tokens, s.output_tokens,
  u.cost AS cost_usd, r.reused, s.created_at
FROM request r JOIN job j ON j.id = r.job_id AND j.workspace_id = :workspace JOIN response s ON s.id = r.response_id
LEFT JOIN document d ON d.id = r.document_id
LEFT JOIN LATERAL (
  SELECT CASE WHEN bool_and(priced) THEN sum(cost_usd) END AS cost FROM usage_record
  WHERE request_id = r.id AND job_id IS NOT DISTINCT FROM r.job_id
) u ON true
WHERE r.job_id = :job AND r.state IN ('succeeded', 'failed') AND (CAST(:cursor AS bigint) IS NULL OR r.id < :cursor)
ORDER BY r.id DESC LIMIT :limit
"""


def responses(job_id: str, *, limit: int = 100, cursor: str | None = None) -> Page[ResponseRow]:
    checked_limit(limit)
    name = f"{job_id}.responses"
    with db.reading() as session:
        found = db.rows(session, RESPONSES, job=job_id, cursor=number(cursor, name), limit=limit + 1)
    if not found:
        report.check_exists(job_id)
    rows = [ResponseRow(**row._mapping) for row in found]
    return cut(rows, limit, name, [row.request_id for row in rows])


def events(job_id: str, *, limit: int = 100, cursor: str | None = None) -> Page[EventRow]:
    checked_limit(limit)
    name = f"{job_id}.events"
    sql = """SELECT id, time, kind, message FROM job_event
             WHERE job_id = (SELECT j.id FROM job j WHERE j.id = :job AND j.workspace_id = :workspace)
               AND (CAST(:cursor AS bigint) IS NULL OR id < :cursor) ORDER BY id DESC LIMIT :limit"""
    with db.reading() as session:
        found = db.rows(session, sql, job=job_id, cursor=number(cursor, name), limit=limit + 1)
    if not found:
        report.check_exists(job_id)
    rows = [EventRow(**row._mapping) for row in found]
    return cut(rows, limit, name, [row.id for row in rows])


def failures(job_id: str) -> list[FailureRow]:
    """Failed requests grouped by reason, the most frequent first."""
    sql = """SELECT coalesce(r.error_code, 'unknown') AS code, min(r.error_message) AS message, count(*) AS requests,
               count(DISTINCT r.document_id) AS documents,
               min(CASE WHEN r.document_id IS NULL THEN r.custom_id ELSE d.name END) AS example
             FROM request r JOIN job j ON j.id = r.job_id AND j.workspace_id = :workspace
             LEFT JOIN document d ON d.id = r.document_id
             WHERE r.job_id = :job AND r.state = 'failed' GROUP BY r.error_code ORDER BY requests DESC"""
    with db.reading() as session:
        return [FailureRow(**row._mapping) for row in db.rows(session, sql, job=job_id)]


def failed_documents(job_id: str) -> int:
    """Of how many documents a request has failed. A long one has several."""
    with db.reading() as session:
        number: int = db.scalar(session, FAILED_DOCUMENTS, job=job_id)
        return number


FAILED_DOCUMENTS = """
SELECT count(DISTINCT r.document_id) FROM request r JOIN job j ON j.id = r.job_id AND j.workspace_id = :workspace
WHERE r.job_id = :job AND r.state = 'failed'
"""


def left_out(job_id: str) -> LeftOut:
    with db.reading() as session:
        found = db.row(session, LEFT_OUT, job=job_id)
    assert found is not None
    return LeftOut(**found._mapping)


LEFT_OUT = """
SELECT count(*)::int AS documents,
  (count(*) FILTER (WHERE jd.expanded AND d.state = 'failed'
    AND NOT EXISTS (SELECT FROM request r WHERE r.job_id = jd.job_id AND r.document_id = jd.document_id)))::int
    AS left_out
FROM job_document jd JOIN document d ON d.id = jd.document_id
WHERE jd.job_id = :job AND d.workspace_id = :workspace
"""
