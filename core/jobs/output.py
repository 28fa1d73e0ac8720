"""The output of a job, of any provider: JSON lines in the format of OpenAI's batch output.

It is read page by page: a slow reader holds no database connection, and memory does not grow with the job.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from core.jobs import report
from core.runtime import db

PAGE = 500
# Bytes of stored (compressed) answers in a page; its first answer may be larger.
PAGE_BYTES = 2_000_000
CANCELLED = "The request was cancelled before it was answered."


def lines(job_id: str, *, page: int = PAGE, page_bytes: int = PAGE_BYTES) -> Iterator[bytes]:
    """One line for each ended request, several lines at a time. Raises NotFound before the first."""
    report.get(job_id)
    return _pages(job_id, page, page_bytes)


def _pages(job_id: str, page: int, page_bytes: int) -> Iterator[bytes]:
    after = 0
    while True:
        with db.transaction() as session:
            found = db.rows(session, ENDED, job=job_id, after=after, limit=page, bytes=page_bytes, cancelled=CANCELLED)
        rows = [EndedRequest(**row._mapping) for row in found]
        if not rows:
            return
        after = rows[-1].id
        yield b"".join(line(row) for row in rows)


# The index gives each state's requests in order, so every page costs the same.
ENDED = """
WITH ended AS (
  SELECT r.* FROM unnest(ARRAY['succeeded', 'failed', 'cancelled']) AS s(state)
  CROSS JOIN LATERAL (
    SELECT id, custom_id, state, error_code, error_message, response_id FROM request
    WHERE job_id = :job AND state = s.state AND id > :after ORDER BY id LIMIT :limit
  ) r ORDER BY r.id LIMIT :limit
), measured AS (
  SELECT e.*, s.raw, u.provider_request_id,
    sum(coalesce(pg_column_size(s.raw), 0)) OVER (ORDER BY e.id) - coalesce(pg_column_size(s.raw), 0) AS before
  FROM ended e LEFT JOIN response s ON s.id = e.response_id AND e.state <> 'cancelled'
  LEFT JOIN LATERAL (
    SELECT provider_request_id FROM usage_record WHERE request_id = s.request_id ORDER BY attempt DESC LIMIT 1
  ) u ON true
)
SELECT id, custom_id, state, CAST(raw AS text) AS raw, provider_request_id,
  coalesce(error_code, state) AS code, coalesce(error_message, :cancelled) AS message
FROM measured WHERE before < :bytes ORDER BY id
"""


@dataclass(frozen=True)
class EndedRequest:
    """`raw` is the provider's JSON; `code` and `message` are the error of a request without a usable answer."""

    id: int
    custom_id: str
    state: str
    raw: str | None
    provider_request_id: str | None
    code: str
    message: str


def line(row: EndedRequest) -> bytes:
    """An answer that could not be used stands beside its error, because it was billed."""
    response = error = None
    if row.raw is not None:
        response = {"status_code": 200, "request_id": row.provider_request_id, "body": _in_one_line(row.raw)}
    if row.state != "succeeded":
        error = {"code": row.code, "message": row.message}
    written = {"id": f"batch_req_{row.id}", "custom_id": row.custom_id, "response": response, "error": error}
    return orjson.dumps(written, option=orjson.OPT_APPEND_NEWLINE)


def _in_one_line(raw: str) -> orjson.Fragment:
    """JSON has line ends between its values, never inside a string."""
    return orjson.Fragment(raw.replace("\n", " ").replace("\r", " "))
