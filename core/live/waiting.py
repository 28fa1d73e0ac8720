"""What a live job waits for, told by the job and in its timeline."""

from math import ceil

from core.live.claims import Claimed
from core.requests.waiting import FULL, NOTE_WAITING, SHUT
from core.runtime import db
from core.tables.jobs import Job


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
# Shorter waits come and go with every few calls.
WORTH_TELLING = 1.0


def duration(seconds: float) -> str:
    minutes, rest = divmod(ceil(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
