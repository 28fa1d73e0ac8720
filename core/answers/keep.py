"""Keep what came of live calls, and in the same transaction everything that each outcome decides.

That is: the state of a probed circuit breaker, the counts of provider health, the rate limits, and the end of a job.
"""

from collections.abc import Sequence

from sqlmodel import Session

from core.answers import record
from core.calls import ask, breaker, rate_limits, statistics
from core.calls.outcomes import Failed, Kept, Outcome
from core.requests import finishing, unused_temperature


def keep(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Raises DataError where the database refuses a value of an answer; then none of these outcomes is kept."""
    record.keep(session, outcomes)
    _record(session, outcomes)
    for job_id in sorted({o.call.job_id for o in outcomes if isinstance(o, Failed) and o.call.job_id}):
        finishing.finish_if_done(session, job_id)


def keep_unstorable(session: Session, kept: Kept) -> None:
    """Keep an answer that the database refused: its raw body as a string. It was paid for, and its request fails."""
    record.keep_unstorable(session, kept)
    _record(session, [kept])
    if kept.call.job_id:
        finishing.finish_if_done(session, kept.call.job_id)


def _record(session: Session, outcomes: Sequence[Outcome]) -> None:
    breaker.on_outcomes(session, outcomes, ask.recovery_s)
    statistics.count(session, outcomes)
    rate_limits.record_outcomes(session, outcomes)
    unused = [one.call.job_id for one in outcomes if isinstance(one, Kept) and one.temperature_unused]
    unused_temperature.note(session, {job_id for job_id in unused if job_id})
