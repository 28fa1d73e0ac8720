"""What the clock does: take over from the dead, and nudge whatever is due. Rows are the truth, so a tick heals
every lost task, and running it twice changes nothing."""

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlmodel import Session

from core.answers import record
from core.answers.record import Call, Unheard
from core.asking import templates
from core.batch.packing import OWN_OUTPUT_TOKENS
from core.calls import clients
from core.environment import get_settings
from core.live import claims
from core.live.claims import Claimed
from core.money import pricing
from core.providers.types import Provider
from core.requests import expansion, former_models, reuse
from core.runtime import db, queue, shared_clock, worker_lease
from core.tables import Job


@reuse.or_without
def expand_job(job_id: str) -> None:
    """Make requests of all documents that are ready, chunk by chunk, and let the pump send them."""
    while True:
        with db.transaction() as session:
            # Whoever lets it go on with another model waits for the end of this.
            job = session.get(Job, job_id, with_for_update={"read": True, "key_share": True})
            if job is None or job.state not in ("queued", "running"):
                return
            db.execute(
                session,
                """UPDATE job SET state = 'running', started_at = coalesce(started_at, now())
                   WHERE id = :job AND state = 'queued'""",
                job=job_id,
            )
            if job.template_id is None:
                # Its requests were handed in.
                if job.canary:
                    expansion.hold_behind_canary(session, job_id, job.canary)
                queue.defer(session, "pump_job", job_id=job_id)
                return
            provider = provider_of(session, job)
            if provider is None:
                return
            asking = templates.asking(session, job.template_id, job.params, job.template_version)
            if job.former:
                former_models.make_anew(session, job_id)
            made = expansion.expand(session, job_id, asking, provider, job.model, job.lane)
            if job.canary:
                expansion.hold_behind_canary(session, job_id, job.canary)
            if made:
                queue.defer(session, "pump_job", job_id=job_id)
            else:
                expansion.finish_if_done(session, job_id)
                return


def provider_of(session: Session, job: Job) -> Provider | None:
    """None where this process cannot call the job's provider: the job says so and waits for a process that can."""
    found = clients.configured().get(job.provider)
    if found is None:
        reason = f"{NOT_SET_UP} {clients.missing(job.provider)}"
        if job.error != reason:
            db.execute(session, "UPDATE job SET error = :reason WHERE id = :job", job=job.id, reason=reason)
            db.execute(session, NOTE_WAITING, job=job.id, reason=reason)
    elif (job.error or "").startswith(NOT_SET_UP):
        db.execute(session, "UPDATE job SET error = NULL WHERE id = :job", job=job.id)
    return found


NOT_SET_UP = "The job waits. In the jobs process,"


def tell_waiting(job: Job, claimed: Claimed) -> None:
    """The job says which breaker or rate limit it waits for and until when, and nothing of it once it goes on.

    After the claim: who packs it holds the job and waits for the end of claims.
    """
    reason, told = _waits_for(claimed)
    if job.error == reason or not (reason or (job.error or "").startswith((SHUT, FULL))):
        return
    with db.transaction() as session:
        named = {"job": job.id, "provider": job.provider, "model": job.model}
        if db.execute(session, TELL, **named, reason=reason) and reason:
            db.execute(session, NOTE_WAITING, job=job.id, reason=told)


def _waits_for(claimed: Claimed) -> tuple[str | None, str]:
    """In words for the job, and without the times for its history, which tells it once."""
    shut, full = claimed.shut, claimed.full
    if claimed.calls:
        return None, ""
    if shut:
        what = "was stopped by hand" if shut.by_hand else "does not answer"
        return f"{SHUT} {shut.reason}", f"{SHUT} {shut.provider}/{shut.model} {what}."
    if full and full.seconds >= WORTH_TELLING:
        whose = f"{FULL} {full.provider}/{full.model}"
        return f"{whose}: goes on in {duration(full.seconds)}.", f"{whose}."
    return None, ""


# One that went on with another model meanwhile does not wait for this any more.
TELL = """
UPDATE job SET error = :reason WHERE id = :job AND provider = :provider AND model = :model AND state = 'running'
"""


SHUT = "The live requests wait:"
FULL = "Waits for the rate limit of"
# Shorter waits come and go with every few calls.
WORTH_TELLING = 1.0


def duration(seconds: float) -> str:
    minutes, rest = divmod(ceil(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


# Once, though some processes may be able to and others not.
NOTE_WAITING = """
INSERT INTO job_event (job_id, kind, message)
SELECT n.job, 'waiting', n.reason FROM (SELECT CAST(:job AS text) AS job, CAST(:reason AS text) AS reason) n
WHERE NOT EXISTS (SELECT 1 FROM job_event e WHERE e.job_id = n.job AND e.kind = 'waiting' AND e.message = n.reason)
"""


def tick(at: datetime) -> None:
    """One round of the scheduler, by the leader only."""
    take_over(at)
    with db.transaction() as session:
        _wait_no_longer_than_a_lease(session)
        nudge(session)


def nudge(session: Session) -> None:
    """Whatever is due by its rows."""
    for row in db.rows(session, DUE_DOCUMENTS):
        queue.defer(session, "extract_document", document_id=row.id)
    for row in db.rows(session, DUE_JOBS):
        if row.state in ("queued", "running"):
            queue.defer(session, "expand_job" if row.expandable else "pump_job", job_id=row.id)
        expansion.finish_if_done(session, row.id)
    for row in db.rows(session, DUE_BATCHES):
        queue.defer(session, "advance_batch", batch_id=row.id)
    if db.scalar(session, "SELECT 1 FROM request WHERE state = 'answered' LIMIT 1"):
        queue.defer(session, "derive")


DUE_DOCUMENTS = "SELECT id FROM document WHERE state = 'queued' ORDER BY id LIMIT 500"

DUE_JOBS = f"""
SELECT j.id, j.state, EXISTS (SELECT 1 FROM job_document d JOIN document x ON x.id = d.document_id
    WHERE d.job_id = j.id AND NOT d.expanded AND x.state IN ('ready', 'failed')) OR j.state = 'queued'
  OR j.former IS NOT NULL AND EXISTS (SELECT 1 FROM request r WHERE r.job_id = j.id AND {former_models.WAITS})
    AS expandable
FROM job j WHERE j.state IN ('queued', 'running', 'paused', 'cancelling')
ORDER BY j.state = 'paused', j.id LIMIT 500
"""

DUE_BATCHES = "SELECT id FROM provider_batch WHERE next_at <= now() ORDER BY next_at LIMIT 500"


def take_over(at: datetime) -> None:
    """Work of dead workers goes back; a call that they did not hear the end of is booked as an estimate."""
    lease = get_settings().worker_lease_seconds
    with db.transaction() as session:
        shared_clock.listen(session)
        db.execute(session, SEEN_AHEAD, lease=lease)
        db.execute(session, CHANGED_AHEAD)
        db.execute(session, REFILLED_AHEAD)
    if not shared_clock.steady_since(shared_clock.now() - timedelta(seconds=lease)):
        # All look dead: those who live get a lease's time to show it.
        _look_at_batches_soon()
        return
    with db.transaction() as session:
        worker_lease.end_transactions_of_the_dead(session)
    with db.transaction() as session:
        _wait_no_longer_than_a_lease(session)
        _take_over(session, at)


# What was written before the database's clock was set back lies ahead of it, and so would what depends on it. Who was
# seen then is seen now, and dead in a lease's time; breakers and rate limits wait as long as they were to wait.
SEEN_AHEAD = "UPDATE worker SET last_seen = now() WHERE last_seen > now() + make_interval(secs => :lease)"
CHANGED_AHEAD = """
UPDATE breaker SET retry_at = retry_at - (changed_at - now()), probe_until = probe_until - (changed_at - now()),
  changed_at = now() WHERE changed_at > now() + interval '10 seconds'
"""
REFILLED_AHEAD = """
UPDATE rate_limit SET renewed_at = renewed_at - (refilled_at - now()),
  blocked_until = blocked_until - (refilled_at - now()), refilled_at = now()
WHERE refilled_at > now() + interval '10 seconds'
"""


def _look_at_batches_soon() -> None:
    """After a jump, at those that would not be looked at for longer than there is cause to wait (core.held)."""
    longest = 60 + max(15 * 60, get_settings().batch_poll_seconds)
    with db.transaction() as session:
        soon = "UPDATE provider_batch SET next_at = now() WHERE next_at > now() + make_interval(secs => :longest)"
        db.execute(session, soon, longest=longest)


def _wait_no_longer_than_a_lease(session: Session) -> None:
    """Behind the locks of one that has just been stopped nobody would ever find it dead."""
    lease = get_settings().worker_lease_seconds
    db.execute(session, "SELECT set_config('lock_timeout', :wait, true)", wait=f"{lease}s")


def _take_over(session: Session, at: datetime) -> None:
    lease = get_settings().worker_lease_seconds
    if db.scalar(session, JUST_STARTED, lease=lease):
        return
    released = claims.release_dead(session, lease)
    record.keep(session, [_unheard(session, row, at) for row in released])
    for job_id in sorted({row.job_id for row in released if row.job_id}):
        count = sum(row.job_id == job_id for row in released)
        expansion.note(
            session, job_id, "taken_over", f"A worker died: {count} calls in flight were not heard and go again."
        )
    db.execute(session, RELEASE_DOCUMENTS, lease=lease)
    db.execute(session, FORGET_WORKERS, lease=lease)
    db.execute(session, FORGET_TASKS, gone=queue.GONE_SECONDS)


# While PostgreSQL was away nobody could be seen: those who live get a lease's time to show it.
# One that was started in the future had its clock set back since.
JUST_STARTED = "SELECT pg_postmaster_start_time() BETWEEN now() - make_interval(secs => :lease) AND now()"

RELEASE_DOCUMENTS = """
UPDATE document d SET state = 'queued', worker_id = NULL, stage = NULL, waiting_since = now()
WHERE d.state = 'extracting' AND NOT EXISTS (
  SELECT 1 FROM worker w WHERE w.id = d.worker_id AND w.last_seen > now() - make_interval(secs => :lease))
"""

FORGET_WORKERS = "DELETE FROM worker WHERE last_seen < now() - make_interval(secs => :lease) - interval '1 day'"

FORGET_TASKS = """
DELETE FROM procrastinate_jobs WHERE status = 'doing' AND (
  worker_id IS NULL OR worker_id IN (
    SELECT id FROM procrastinate_workers WHERE last_heartbeat < now() - make_interval(secs => :gone)))
"""


def _unheard(session: Session, row: Any, at: datetime) -> Unheard:
    expected = OWN_OUTPUT_TOKENS if row.output_tokens is None else row.output_tokens
    if row.job_id is not None and row.template_id is not None:
        expected = templates.asking(session, row.template_id, row.params, row.template_version).expected_output_tokens
    call = Call(
        request_id=row.id,
        attempt=row.attempts,
        job_id=row.job_id,
        template_id=row.template_id,
        provider=row.provider,
        model=row.model,
        lane=row.lane,
        input_tokens=row.input_tokens,
        output_tokens=expected,
        body={},
    )
    price = pricing.estimate(call.provider, call.model, row.input_tokens, expected, row.lane, at)
    return Unheard(call, at, price, record.lost_booking(call.request_id, call.attempt))
