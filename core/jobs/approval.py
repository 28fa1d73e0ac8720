"""Let one job spend more than its budgets have."""

from decimal import Decimal

from core.access import audit
from core.access.roles import require
from core.budgets import admission, expected, manage
from core.errors import Conflict, InvalidInput
from core.jobs import control
from core.requests import events, waiting
from core.runtime import db
from core.tables.jobs import ENDED


def approve(job_id: str, up_to_usd: Decimal) -> None:
    """The job may cost this much in all, whatever its budgets say, and goes on if it waited for one.

    Raises NotFound, InvalidInput or Conflict.
    """
    if not (up_to_usd.is_finite() and 0 < up_to_usd <= manage.MOST_USD):
        raise InvalidInput(f"up_to_usd is what the job may cost in all: more than 0, up to {manage.MOST_USD:,} USD.")
    require("budget.approve")
    with db.transaction() as session:
        job = control.locked(session, job_id)
        if job.state in ENDED:
            raise Conflict(f"A job that is {job.state} spends nothing any more.")
        before = None if job.approved_usd is None else {"up_to_usd": f"{job.approved_usd:f}"}
        job.approved_usd = up_to_usd
        events.note(session, job_id, "approved", f"Approved up to ${up_to_usd:,.2f} in all, past its budgets.")
        if job.state == "paused" and waiting.kind_of(job) == "budget":
            at = db.now(session)
            admission.go_on(session, job, expected.of_rest(session, job, at), at)
        after = {"up_to_usd": f"{up_to_usd:f}"}
        audit.write(session, "budget.change", "job", job_id, name=job.name, before=before, after=after)
