"""What a live job waits for: an open circuit breaker, or room in a rate limit."""

from datetime import datetime, timedelta

from core.calls.breaker import BreakerState
from core.live.claims import Claimed, RateLimitWait
from core.requests import waiting
from core.runtime import db, shared_clock
from core.tables.jobs import Job, WaitsFor

# Seconds. Shorter waits come and go with every few calls.
WORTH_TELLING = 1.0
# Seconds. A limit that hardly refills would be past the last date there is.
LONGEST_SAID = 366 * 24 * 3600.0


def write(job: Job, claimed: Claimed) -> None:
    """Store what keeps the job's live requests waiting after this claim, or that nothing does.

    In a transaction after the claim's: packing holds the job and waits for the end of claims.
    """
    wait = _wait(claimed, shared_clock.now())
    if wait is None and waiting.kind_of(job) not in waiting.LIVE:
        return
    with db.transaction(everywhere=True) as session:
        if wait is None:
            waiting.clear(session, job.id, waiting.LIVE)
        elif waiting.write(session, job, wait):
            waiting.note_once(session, job.id, _event(wait))


def _wait(claimed: Claimed, now: datetime) -> WaitsFor | None:
    if claimed.calls:
        return None
    if claimed.open_breaker:
        return _for_breaker(claimed.open_breaker)
    if claimed.full and claimed.full.seconds >= WORTH_TELLING:
        return _for_room(claimed.full, now)
    return None


def _for_breaker(found: BreakerState) -> WaitsFor:
    return WaitsFor(
        "breaker",
        found.provider,
        found.model,
        until=found.retry_at if found.state == "open" and not found.by_hand else None,
        by_hand=found.by_hand,
        probing=found.state == "half_open",
        failures=found.failures,
    )


def _for_room(wait: RateLimitWait, now: datetime) -> WaitsFor:
    """To the next whole second, so that it stays the same from claim to claim."""
    until = (now + timedelta(seconds=min(wait.seconds, LONGEST_SAID) + 1)).replace(microsecond=0)
    return WaitsFor("rate_limit", wait.provider, wait.model, until=until)


def _event(wait: WaitsFor) -> str:
    """For the timeline: without times, so that it is written once."""
    name = f"{wait.provider}/{wait.model}"
    if wait.kind == "rate_limit":
        return f"Waits for the rate limit of {name}."
    return f"Live requests are on hold: {name} {'was stopped by hand' if wait.by_hand else 'does not answer'}."
