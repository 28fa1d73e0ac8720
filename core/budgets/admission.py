"""Whether a job may spend what it is expected to: it reserves that in all budgets that count it, or it waits.

First the budgets are locked, in order of id, then what is taken is read, by a second statement: one that locked and
read would see what was taken before it waited for its locks.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from core.access import actor
from core.budgets import taken
from core.budgets.scopes import OF_JOB, applies, words
from core.budgets.taken import Taken
from core.errors import BudgetExceeded
from core.money import booked
from core.requests import waiting
from core.runtime import db, queue
from core.tables.jobs import GOING, WAITS_FOR, Job, WaitsFor


@dataclass(frozen=True)
class Refusal:
    """`missing_usd` is what the budget lacks; None where the price of the job is not known."""

    budget: Taken
    missing_usd: Decimal | None


def go_or_wait(session: Session, job: Job, expected_usd: Decimal | None, at: datetime) -> bool:
    """Reserve what the calls that are left are expected to cost (None: not known), or pause the job until a budget has
    that much. Returns whether it may go. The job is locked by the caller."""
    refusal = _reserve(session, job, expected_usd, at)
    if refusal is None:
        if waiting.kind_of(job) == "budget":
            job.waits_for = None
        session.flush()
        return True
    budget = refusal.budget
    wait = WaitsFor("budget", job.provider, job.model, budget=budget.id, missing_usd=refusal.missing_usd)
    job.state, job.waits_for = "paused", WAITS_FOR.dump_python(wait, mode="json", exclude_defaults=True)
    session.flush()
    lacks = "has no room for what nobody knows the price of"
    if refusal.missing_usd is not None:
        lacks = f"lacks ${refusal.missing_usd:,.2f}"
    waiting.note_once(session, job.id, f"Waits: {words(budget.scope, budget.key)} {lacks}.")
    return False


def go_on(session: Session, job: Job, expected_usd: Decimal | None, at: datetime) -> bool:
    """Let a paused job go on where it was, if there is room now: also one that never began."""
    waited = waiting.kind_of(job) == "budget"
    if not go_or_wait(session, job, expected_usd, at):
        return False
    job.state = "queued" if waited and job.started_at is None else "running"
    session.flush()
    queue.defer(session, "expand_job", job_id=job.id)
    queue.defer(session, "pump_job", job_id=job.id)
    return True


def after_a_change(session: Session, job: Job, expected_usd: Decimal | None, at: datetime) -> None:
    """What is left of the job is another now: one that waits for a budget goes on if it fits, one that goes waits if it
    does not. One that a person paused stays so, and reserves when it is resumed."""
    if job.state == "paused" and waiting.kind_of(job) == "budget":
        go_on(session, job, expected_usd, at)
    elif job.state in GOING:
        go_or_wait(session, job, expected_usd, at)


def _reserve(session: Session, job: Job, expected: Decimal | None, at: datetime) -> Refusal | None:
    session.flush()
    # Of everything on this machine, too, whichever workspace set that.
    with db.seeing_all(session):
        budgets = [row.id for row in db.rows(session, LOCK, job=job.id)]
    spent: Decimal = db.scalar(session, SPENT, job=job.id)
    approved = job.approved_usd is not None and spent + (expected or 0) <= job.approved_usd
    if expected != 0 and not approved:
        strict = [one for one in taken.read(session, budgets, at, but=job.id) if one.on_limit == "wait"]
        short = [Refusal(one, None if expected is None else expected - one.left_usd) for one in strict]
        refused = [one for one in short if one.missing_usd is None or one.missing_usd > 0]
        if refused:
            return max(refused, key=lambda one: one.missing_usd or Decimal(0))
    job.reserved_usd = spent + expected if expected is not None else job.approved_usd
    return None


def check_single(session: Session, provider: str, template: str, expected: Decimal | None, at: datetime) -> None:
    """Whether a single text may be asked, with its budgets locked until the transaction ends: its request then holds
    `expected` USD (None: not known) while it is in flight. Raises BudgetExceeded."""
    if expected == 0:
        return
    whose = {"provider": provider, "template": template, "user": actor.current()}
    with db.seeing_all(session):
        budgets = [row.id for row in db.rows(session, LOCK_OF_SINGLE, **whose)]
    for one in taken.read(session, budgets, at) if budgets else ():
        if one.on_limit == "wait" and (expected is None or expected > one.left_usd):
            costs = "has no known price" if expected is None else f"is expected to cost ${expected:,.4f}"
            raise BudgetExceeded(
                f"This text {costs}, and ${max(one.left_usd, Decimal(0)):,.2f} is left of "
                f"{words(one.scope, one.key)} this month. Ask a manager to raise it, or wait for the next month."
            )


LOCK_OF_SINGLE = f"""
SELECT b.id FROM budget b WHERE {applies(":workspace", ":user", ":template", "CAST('{}' AS text[])", ":provider")}
ORDER BY b.id FOR UPDATE
"""
SPENT = f"SELECT of_job.usd FROM job j CROSS JOIN LATERAL {booked.OF_JOB} of_job WHERE j.id = :job"
LOCK = f"""
SELECT b.id FROM budget b JOIN job j ON j.id = :job WHERE {OF_JOB} ORDER BY b.id FOR UPDATE OF b
"""
