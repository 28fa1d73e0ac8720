"""What came of a job's requests, as JSON lines in the format of OpenAI's batch output, for every job and provider.

A page of lines at a time: no connection is held while a slow reader takes them, and memory does not grow with the job.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from core.jobs import report
from core.runtime import db

PAGE = 500
# Of answers as they are stored, compressed; the first one goes whatever its size.
PAGE_BYTES = 2_000_000
CANCELLED = "The request was cancelled before it was answered."


def lines(job_id: str, *, page: int = PAGE, page_bytes: int = PAGE_BYTES) -> Iterator[bytes]:
    """Whole lines, several at a time; raises NotFound before the first. Each request that has ended has one."""
    report.get(job_id)
    return _pages(job_id, page, page_bytes)


def _pages(job_id: str, page: int, page_bytes: int) -> Iterator[bytes]:
    after = 0
    while True:
        with db.transaction() as session:
            rows = db.rows(session, ENDED, job=job_id, after=after, limit=page, bytes=page_bytes, cancelled=CANCELLED)
        if not rows:
            return
        after = rows[-1].id
        yield b"".join(line(row) for row in rows)


# Each state's requests come in order from the index, so that a page costs the same wherever it is.
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


def line(row: Any) -> bytes:
    """An answer that could not be used is there beside the reason: it was paid for."""
    response = error = None
    if row.raw is not None:
        response = {"status_code": 200, "request_id": row.provider_request_id, "body": _in_one_line(row.raw)}
    if row.state != "succeeded":
        error = {"code": row.code, "message": row.message}
    told = {"id": f"batch_req_{row.id}", "custom_id": row.custom_id, "response": response, "error": error}
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _in_one_line(raw: str) -> orjson.Fragment:
    """Between JSON's values a line may end; within its strings none can."""
    return orjson.Fragment(raw.replace("\n", " ").replace("\r", " "))
