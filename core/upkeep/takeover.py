"""Take over from workers whose lease has ended: release what they claimed, and book their calls as estimates."""

from datetime import datetime, timedelta

from sqlmodel import Session

from core.answers import record
from core.asking import templates
from core.asking.request_plan import OWN_OUTPUT_TOKENS
from core.calls.outcomes import Call, UnknownOutcome
from core.environment import get_settings
from core.live import release as live_release
from core.live.release import LostCall
from core.money import pricing
from core.requests import events
from core.runtime import db, queue, shared_clock, worker_lease


def take_over(at: datetime) -> None:
    """Release the work of dead workers. Their calls in flight have an unknown outcome: each is booked as an estimate.

    Does nothing while leases cannot be trusted: right after a start of PostgreSQL or a jump of its clock.
    """
    lease = get_settings().worker_lease_seconds
    with db.transaction(everywhere=True) as session:
        steady = _steady(session)
        db.execute(session, SEEN_AHEAD, lease=lease)
        db.execute(session, CHANGED_AHEAD)
        db.execute(session, REFILLED_AHEAD)
    if not steady:
        # All workers look dead: those alive get a lease's time to renew.
        _look_at_batches_soon()
        return
    # A role sees what the connections of another one do, and ends them, only if it has that one's rights.
    with db.transaction(everywhere=False) as session:
        if _steady(session):
            worker_lease.end_transactions_of_the_dead(session)
    with db.transaction(everywhere=True) as session:
        if _steady(session):
            db.bound_lock_waits(session, lease)
            release(session, at)


def _steady(session: Session) -> bool:
    """Whether leases can be compared with the database's clock.

    The first statement of each transaction that compares them, by the `now()` it compares them with: the clock may
    jump between two transactions.
    """
    precise = shared_clock.read(session)
    return precise and shared_clock.steady_since(
        shared_clock.now() - timedelta(seconds=get_settings().worker_lease_seconds)
    )


# Times written before the database's clock was set back lie in its future. A worker's lease then counts from now;
# breakers and rate limits wait as long as they were to wait.
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
    """After a jump: make batches due whose next step lies further ahead than any wait of core.batch.lease."""
    longest = 60 + max(15 * 60, get_settings().batch_poll_seconds)
    with db.transaction(everywhere=True) as session:
        soon = "UPDATE provider_batch SET next_at = now() WHERE next_at > now() + make_interval(secs => :longest)"
        db.execute(session, soon, longest=longest)


def release(session: Session, at: datetime) -> None:
    """Release within one transaction, by its `now()`; nothing in the first lease after a start of PostgreSQL."""
    lease = get_settings().worker_lease_seconds
    if db.scalar(session, f"SELECT {worker_lease.JUST_STARTED}", lease=lease):
        return
    released = live_release.release_dead(session, lease)
    record.keep(session, [_unheard(session, row, at) for row in released])
    for job_id in sorted({row.job_id for row in released if row.job_id}):
        count = sum(row.job_id == job_id for row in released)
        events.note(
            session, job_id, "taken_over", f"A worker died: {count} calls in flight were not heard and go again."
        )
    db.execute(session, RELEASE_DOCUMENTS, lease=lease)
    db.execute(session, RELEASE_READ_AGAIN, lease=lease)
    db.execute(session, FORGET_WORKERS, lease=lease)
    db.execute(session, FORGET_TASKS, gone=queue.GONE_SECONDS)


RELEASE_DOCUMENTS = f"""
UPDATE document d SET state = 'queued', worker_id = NULL, stage = NULL, waiting_since = now()
WHERE d.state = 'extracting' AND {worker_lease.dead("d.worker_id")}
"""

RELEASE_READ_AGAIN = f"UPDATE read_again a SET worker_id = NULL WHERE {worker_lease.dead('a.worker_id')}"

FORGET_WORKERS = "DELETE FROM worker WHERE last_seen < now() - make_interval(secs => :lease) - interval '1 day'"

FORGET_TASKS = """
DELETE FROM procrastinate_jobs WHERE status = 'doing' AND (
  worker_id IS NULL OR worker_id IN (
    SELECT id FROM procrastinate_workers WHERE last_heartbeat < now() - make_interval(secs => :gone)))
"""


def _unheard(session: Session, lost: LostCall, at: datetime) -> UnknownOutcome:
    expected = OWN_OUTPUT_TOKENS if lost.output_tokens is None else lost.output_tokens
    if lost.job_id is not None and lost.template_id is not None:
        expected = templates.of_job(session, lost).expected_output_tokens
    call = Call(
        request_id=lost.id,
        attempt=lost.attempts,
        workspace_id=lost.workspace_id,
        job_id=lost.job_id,
        template_id=lost.template_id,
        provider=lost.provider,
        model=lost.model,
        lane=lost.lane,
        input_tokens=lost.input_tokens,
        output_tokens=expected,
        body={},
        user=lost.user,
    )
    price = pricing.estimate(call.provider, call.model, lost.input_tokens, expected, lost.lane, at)
    return UnknownOutcome(call, at, price, record.lost_call_key(call.request_id, call.attempt))
