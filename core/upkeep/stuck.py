"""Read-only: work that stands still, since when, and why as far as known."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session

from core.environment import get_settings
from core.runtime import db, worker_lease
from core.runtime.workspace import DEFAULT

Kind = Literal["documents", "requests", "batches", "answers", "tasks"]
# Work that waits for longer than this is late.
LATE = timedelta(minutes=15)
# The scheduler takes over from dead workers by itself; work it leaves for longer than this is stuck.
LEFT_LYING = timedelta(minutes=1)
# Failures in a row of a batch's step, after which a person has to look.
MANY_TRIES = 3
MOST_SHOWN = 100


@dataclass(frozen=True)
class StuckRow:
    """`id` of a document, job, batch or task, as `requeue` takes it. `number` counts the rows behind it."""

    kind: Kind
    id: str
    name: str
    number: int
    since: datetime | None
    reason: str


def read() -> list[StuckRow]:
    """Kind by kind, the oldest first, of each at most a hundred."""
    with db.reading() as session:
        return [StuckRow(**row._mapping) for row in db.rows(session, EVERY, **limits())]


def of_kind(session: Session, kind: Kind) -> list[StuckRow]:
    return [StuckRow(kind=kind, **row._mapping) for row in db.rows(session, OLDEST[kind], **limits())]


def limits() -> dict[str, object]:
    """Parameters of the conditions below. The lease is longer by LEFT_LYING, for the scheduler to take over first."""
    lease_s = get_settings().worker_lease_seconds + LEFT_LYING.total_seconds()
    return {"late": LATE, "lease": lease_s, "tries": MANY_TRIES}


LEFT = "< now() - make_interval(secs => :lease)"
IS_LATE = "< now() - CAST(:late AS interval)"

STUCK_DOCUMENT = f"""(d.state IN ('queued', 'extracting') AND d.waiting_since {IS_LATE}
  OR d.state = 'extracting' AND d.waiting_since {LEFT} AND {worker_lease.dead("d.worker_id")})"""

ABANDONED = f"""r.state = 'in_flight' AND r.lane = 'live' AND r.claimed_at {LEFT}
  AND {worker_lease.dead("r.worker_id")}"""

STUCK_BATCH = f"b.next_at IS NOT NULL AND (b.tries >= :tries OR b.next_at {IS_LATE})"

# A task that no worker takes, or whose worker is dead.
STUCK_TASK = f"""(t.status = 'todo' AND e.at {IS_LATE} OR t.status = 'doing' AND NOT EXISTS (
  SELECT 1 FROM procrastinate_workers w WHERE w.id = t.worker_id AND NOT w.last_heartbeat {LEFT}))"""

# A single text names its workspace itself; what an older release asked names none.
OF_REQUEST = f"coalesce(j.workspace_id, r.single ->> 'workspace_id', '{DEFAULT}')"

STUCK: dict[Kind, str] = {
    "documents": f"""
SELECT d.id, d.name, 1 AS number, d.waiting_since AS since,
  CASE d.state WHEN 'queued' THEN 'waits to be read' ELSE 'being read for long, or its process is gone' END AS reason
FROM document d WHERE d.workspace_id = :workspace AND {STUCK_DOCUMENT}""",
    "requests": f"""
SELECT coalesce(r.job_id, '') AS id, coalesce(j.name, 'Single texts') AS name, count(*)::int AS number,
  min(r.claimed_at) AS since, 'in flight in a process that is gone' AS reason
FROM request r LEFT JOIN job j ON j.id = r.job_id
WHERE {OF_REQUEST} = :workspace AND {ABANDONED} GROUP BY r.job_id, j.name""",
    "batches": f"""
SELECT b.id, j.name, b.requests AS number,
  least(b.next_at, coalesce(b.submitted_at, b.created_at)) AS since,
  coalesce(b.error, CASE WHEN b.tries >= :tries THEN 'its last step failed ' || b.tries || ' times'
    ELSE 'nobody makes its next step' END) AS reason
FROM provider_batch b JOIN job j ON j.id = b.job_id
WHERE j.workspace_id = :workspace AND {STUCK_BATCH}""",
    "answers": f"""
SELECT coalesce(r.job_id, '') AS id, coalesce(j.name, 'Single texts') AS name, count(*)::int AS number,
  min(s.created_at) AS since, 'answered, and nothing was made of it' AS reason
FROM request r JOIN response s ON s.id = r.response_id LEFT JOIN job j ON j.id = r.job_id
WHERE {OF_REQUEST} = :workspace AND r.state = 'answered' AND NOT r.reused AND s.created_at {IS_LATE}
GROUP BY r.job_id, j.name""",
    "tasks": f"""
SELECT t.id::text AS id, t.task_name AS name, 1 AS number, e.at AS since,
  CASE t.status WHEN 'todo' THEN 'nobody takes it' ELSE 'its worker is gone' END AS reason
FROM procrastinate_jobs t LEFT JOIN LATERAL (
  SELECT min(at) AS at FROM procrastinate_events e WHERE e.job_id = t.id AND e.type = 'deferred') e ON true
WHERE t.status IN ('todo', 'doing') AND {STUCK_TASK}""",
}
OLDEST = {kind: f"{sql} ORDER BY since NULLS FIRST, id LIMIT {MOST_SHOWN}" for kind, sql in STUCK.items()}
_PARTS = (f"SELECT {at} AS place, '{kind}' AS kind, * FROM ({sql}) t" for at, (kind, sql) in enumerate(OLDEST.items()))
EVERY = f"""
SELECT kind, id, name, number, since, reason FROM ({" UNION ALL ".join(_PARTS)}) found
ORDER BY place, since NULLS FIRST, id
"""
