"""Put back live requests that nobody calls: those of dead workers, and those that a worker does not know of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from core.requests import former_models
from core.runtime import db, worker_lease
from core.runtime.workspace import DEFAULT
from core.tables.jobs import CANCELLED, in_sql


def forget_unsent(session: Session, worker_id: int, running: list[int]) -> None:
    """Put back what this worker claimed and does not know: its connection broke in the commit, so nothing was sent.

    `running`: the requests that it does know.
    """
    db.execute(
        session,
        """UPDATE request SET state = 'pending', worker_id = NULL
           WHERE worker_id = :worker AND state = 'in_flight' AND NOT id = ANY(:running)""",
        worker=worker_id,
        running=running,
    )


@dataclass(frozen=True)
class LostCall:
    """A call in flight whose worker died: outcome unknown. `output_tokens` is None where the job's template tells."""

    id: int
    attempts: int
    workspace_id: str
    job_id: str | None
    lane: str
    input_tokens: int
    template_id: str | None
    provider: str
    model: str
    output_tokens: int | None = None
    template_version: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] | None = None
    user: str = ""


def release_dead(session: Session, lease_seconds: float) -> list[LostCall]:
    """Put back requests that dead workers claimed, and fail their single texts, whose callers are gone.

    Returns the calls among them, to be booked as estimates.
    """
    ended = db.rows(session, END_SINGLE, lease=lease_seconds)
    released = db.rows(session, RELEASE_DEAD, lease=lease_seconds)
    return [LostCall(**row._mapping) for row in (*released, *ended)]


# No call with all its retries takes an hour: by then equal texts need not wait for it any longer. What an older release
# asked names no workspace.
END_SINGLE = f"""
WITH lost AS (
  SELECT r.id, r.state FROM request r
  WHERE r.job_id IS NULL AND r.state IN ('in_flight', 'answered') AND (
    r.worker_id IS NOT NULL AND {worker_lease.dead("r.worker_id")}
    OR r.claimed_at < now() - interval '1 hour')
  ORDER BY r.id FOR UPDATE OF r SKIP LOCKED
), ended AS (
  UPDATE request r SET state = 'failed', finished_at = now(), worker_id = NULL, error_code = 'interrupted',
    error_message = 'Cairn was stopped before the answer came. Send the text again.'
  FROM lost WHERE r.id = lost.id RETURNING r.*, lost.state AS was
)
SELECT id, attempts, coalesce(single ->> 'workspace_id', '{DEFAULT}') AS workspace_id, job_id, lane, input_tokens,
  single ->> 'template_id' AS template_id,
  single ->> 'provider' AS provider, single ->> 'model' AS model, (single ->> 'output_tokens')::int AS output_tokens,
  coalesce(single ->> 'user', '') AS "user"
FROM ended WHERE was = 'in_flight' AND single IS NOT NULL ORDER BY id
"""


RELEASE_DEAD = f"""
WITH dead AS (
  SELECT r.id FROM request r
  WHERE r.state = 'in_flight' AND r.lane = 'live' AND r.job_id IS NOT NULL AND {worker_lease.dead("r.worker_id")}
  ORDER BY r.id FOR UPDATE OF r SKIP LOCKED
)
UPDATE request r SET state = CASE WHEN j.state IN {in_sql(CANCELLED)} THEN 'cancelled' ELSE 'pending' END,
  worker_id = NULL
FROM dead, request o LEFT JOIN job j ON j.id = o.job_id
WHERE r.id = dead.id AND o.id = r.id
RETURNING r.id, r.attempts, j.workspace_id, r.job_id, r.lane, r.input_tokens, j.template_id, j.template_version,
  j.params, j.sampling, coalesce(j."user", '') AS "user",
  {former_models.asked("provider")} AS provider, coalesce(r.model, {former_models.asked("model")}) AS model
"""
