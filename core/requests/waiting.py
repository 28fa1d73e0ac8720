"""What a job waits for stands in its `waits_for`, and once in its timeline.

Each caller writes and clears its own kinds only: both lanes of a job may wait at the same time.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from core.calls import clients
from core.providers.types import Provider
from core.runtime import db
from core.tables.jobs import GOING, WAITS_FOR, Job, WaitKind, WaitsFor, in_sql

LIVE: tuple[WaitKind, ...] = ("breaker", "rate_limit")
BATCH: tuple[WaitKind, ...] = ("provider_queue", "own_caps")


def provider_of(session: Session, job: Job) -> Provider | None:
    """None where this process cannot call the job's provider: the job waits for a process that can."""
    found = clients.configured().get(job.provider)
    if found is None:
        wait = WaitsFor("not_set_up", job.provider, job.model, unusable_key=clients.has_unusable_key(job.provider))
        write(session, job, wait)
        note_once(session, job.id, f"The job waits. In the jobs process, {clients.missing(job.provider)}")
    elif kind_of(job) == "not_set_up":
        clear(session, job.id, ("not_set_up",))
    return found


def kind_of(job: Job) -> WaitKind | None:
    return job.waits_for["kind"] if job.waits_for else None


def write(session: Session, job: Job, wait: WaitsFor, *, over: Sequence[WaitKind] | None = None) -> bool:
    """The job waits for this now. `over`: only in place of these kinds, or of none. False where nothing changes."""
    return bool(
        db.execute(
            session,
            WRITE,
            job=job.id,
            provider=job.provider,
            model=job.model,
            wait=WAITS_FOR.dump_json(wait, exclude_defaults=True).decode(),
            over=None if over is None else list(over),
        )
    )


# A job that was moved to another model since it was read does not wait for this any more.
WRITE = f"""
UPDATE job SET waits_for = CAST(:wait AS jsonb)
WHERE id = :job AND state IN {in_sql(GOING)} AND provider = :provider AND model = :model
  AND waits_for IS DISTINCT FROM CAST(:wait AS jsonb)
  AND (CAST(:over AS text[]) IS NULL OR waits_for IS NULL OR waits_for ->> 'kind' = ANY(CAST(:over AS text[])))
"""


def write_for_batches(session: Session, job: Job, kind: WaitKind, until: datetime | None = None) -> None:
    """The job's batch requests wait for this. What its live requests wait for goes first."""
    write(session, job, WaitsFor(kind, job.provider, job.model, until=until), over=BATCH)


def clear(session: Session, job_id: str, kinds: Sequence[WaitKind]) -> None:
    """The job waits for nothing of these kinds any more."""
    db.execute(session, CLEAR, job=job_id, kinds=list(kinds))


CLEAR = "UPDATE job SET waits_for = NULL WHERE id = :job AND waits_for ->> 'kind' = ANY(:kinds)"


def note_once(session: Session, job_id: str, message: str) -> None:
    """Write the wait into the job's timeline unless it stands there already."""
    db.execute(session, NOTE_ONCE, job=job_id, message=message)


# Some processes may be able to call the provider and others not, and one kind of wait comes back again and again.
NOTE_ONCE = """
INSERT INTO job_event (job_id, kind, message)
SELECT n.job, 'waiting', n.message FROM (SELECT CAST(:job AS text) AS job, CAST(:message AS text) AS message) n
WHERE NOT EXISTS (SELECT 1 FROM job_event e WHERE e.job_id = n.job AND e.kind = 'waiting' AND e.message = n.message)
"""
