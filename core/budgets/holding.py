"""A job goes on only as far as its hold reaches: before each claim and batch it is asked how many calls that is."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from core.budgets import admission, expected
from core.budgets.scopes import OF_JOB
from core.money import booked
from core.runtime import db
from core.settings import provider_rows
from core.tables.jobs import Job

# A hold is spent call by call, and rounding must not leave the last one out.
ROUNDING = Decimal("1.000001")


@dataclass(frozen=True)
class Held:
    """A job's hold in USD. `calls` of it are booked, and `unpriced` ones whose cost nobody knows, which count like the
    others; `in_flight` ones are not, `left` ones may follow."""

    reserved: Decimal | None
    booked: Decimal
    calls: int
    unpriced: int
    in_flight: int
    left: int


@dataclass(frozen=True)
class Room:
    """What a hold lets go out: so many calls, below 1 where it is used up, and so many USD of them."""

    calls: int
    usd: Decimal


def room(session: Session, job: Job, *, reserved: bool) -> Room | None:
    """None: no budget makes this job wait.

    `reserved`: what is left was reserved just now. A hold that has no room then is of a rest that costs nothing.
    """
    if not provider_rows.can(job.provider).is_billed:
        return None
    found = db.row(session, HELD, job=job.id)
    fit = None if found is None else _room(Held(**found._mapping))
    return None if fit is not None and fit.calls < 1 and reserved else fit


def _room(held: Held) -> Room:
    reserved = held.reserved or Decimal(0)
    spent, unknown = held.booked, held.unpriced + held.in_flight
    average = spent / held.calls if held.calls else (reserved - spent) / max(held.left + unknown, 1)
    if average <= 0:
        # Nothing was reserved, or what was sent so far cost nothing.
        return Room(held.left if reserved > 0 else 0, reserved)
    left = (reserved - spent) * ROUNDING - unknown * average
    return Room(int(left / average), left)


HELD = f"""
SELECT j.reserved_usd AS reserved, of_job.usd AS booked, of_job.calls, of_job.unpriced,
  (SELECT count(*) FROM request r WHERE r.job_id = j.id AND r.state = 'in_flight') AS in_flight,
  (SELECT count(*) FROM request r WHERE r.job_id = j.id AND r.state = 'pending') AS left
FROM job j CROSS JOIN LATERAL {booked.OF_JOB} of_job
WHERE j.id = :job AND EXISTS (SELECT 1 FROM budget b WHERE b.on_limit = 'wait' AND {OF_JOB})
"""


def ask_for_more(job_id: str, at: datetime) -> bool:
    """Reserve what is left of a running job that used up its hold, or pause it. Returns whether it may go on."""
    with db.transaction(everywhere=True) as session:
        job = session.get(Job, job_id, with_for_update={"key_share": True})
        if job is None or job.state != "running":
            return False
        return admission.go_or_wait(session, job, expected.of_rest(session, job, at), at)
