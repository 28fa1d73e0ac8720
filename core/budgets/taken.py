"""What is taken of budgets: spent this month, and held for what has not ended. Read-only.

Nothing is written when a call is booked or a job ends: what is held for a job is what it has reserved less what is
booked on it, so booking shrinks the hold and the end of a job ends it. A crash can miss no step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from core.budgets.months import Month, month_of
from core.budgets.scopes import OF_JOB, OF_RECORD, OF_SINGLE
from core.money import booked
from core.money.sums import edition
from core.runtime import db
from core.tables.budgets import OnLimit, Scope
from core.tables.jobs import ACTIVE, in_sql


@dataclass(frozen=True)
class Taken:
    """A budget with what is taken of it in USD. `unpriced`: calls of the month whose cost nobody knows."""

    id: str
    scope: Scope
    key: str
    limit_usd: Decimal
    warn_share: Decimal
    on_limit: OnLimit
    spent_usd: Decimal
    unpriced: int
    held_usd: Decimal

    @property
    def left_usd(self) -> Decimal:
        """Below 0 where more is taken than the limit."""
        return self.limit_usd - self.spent_usd - self.held_usd


def read(session: Session, budgets: Sequence[str], at: datetime, *, but: str | None = None) -> list[Taken]:
    """These budgets in the month of `at`, in order of id. What is held for the job `but` does not count."""
    month = current_month(session, at)
    given = {"start": month.start, "stop": month.stop, "first": month.first, "last": month.last}
    with db.seeing_all(session):
        return [Taken(**row._mapping) for row in db.rows(session, TAKEN, ids=list(budgets), but=but, **given)]


def current_month(session: Session, at: datetime) -> Month:
    """Of the zone whose days are in the sums."""
    return month_of(at, edition(session).zone)


TAKEN = f"""
SELECT b.id, b.scope, b.key, b.limit_usd, b.warn_share, b.on_limit, spent.usd AS spent_usd, spent.unpriced,
  jobs.usd + singles.usd AS held_usd
FROM budget b
CROSS JOIN LATERAL {booked.in_month(OF_RECORD)} spent
CROSS JOIN LATERAL (
  SELECT coalesce(sum(greatest(j.reserved_usd - of_job.usd, 0)), 0) AS usd
  FROM job j CROSS JOIN LATERAL {booked.OF_JOB} of_job
  WHERE j.state IN {in_sql(ACTIVE)} AND j.reserved_usd IS NOT NULL AND j.id IS DISTINCT FROM CAST(:but AS text)
    AND {OF_JOB}
) jobs
CROSS JOIN LATERAL (
  SELECT coalesce(sum((r.single ->> 'expected_usd')::numeric), 0) AS usd FROM request r
  WHERE r.worker_id IS NOT NULL AND r.job_id IS NULL AND r.state = 'in_flight' AND {OF_SINGLE}
) singles
WHERE b.id = ANY(:ids) ORDER BY b.id
"""
