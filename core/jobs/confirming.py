"""What costs more than CONFIRM_JOB_USD, or has no known price: it starts only when somebody who may says so."""

from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session

from core.access import audit
from core.access.roles import require
from core.errors import NotConfirmed
from core.runtime import db
from core.settings import limits, provider_rows
from core.tables.jobs import Job


def is_needed(provider: str, cost: Decimal | None, unread: int) -> bool:
    """Whether a job with this estimate (USD) starts only once its price is confirmed. The cost of `unread` documents is
    not known."""
    most = limits.confirm_usd()
    return most is not None and provider_rows.can(provider).is_billed and (cost is None or cost > most or unread > 0)


@dataclass(frozen=True)
class Above:
    """A launch above the limit: the estimate in USD, and how many documents are not read yet."""

    cost: Decimal | None
    unread: int


def check(session: Session, job: Job, confirmed: bool) -> Above | None:
    """None below the limit. Raises NotConfirmed, and Forbidden for whoever may not launch above it."""
    unread = db.scalar(session, UNREAD, job=job.id)
    if not is_needed(job.provider, job.estimate_usd, unread):
        return None
    _check(job.estimate_usd, unread, confirmed)
    return Above(job.estimate_usd, unread)


def check_unread(provider: str, confirmed: bool) -> None:
    """The same for a job over documents that do not exist yet."""
    require("ask")
    if is_needed(provider, None, unread=1):
        _check(None, 1, confirmed)


def _check(cost: Decimal | None, unread: int, confirmed: bool) -> None:
    require("ask.above_limit")
    if not confirmed:
        raise _not_confirmed(cost, unread)


def write_down(session: Session, job: Job, above: Above | None) -> None:
    """In the audit; the last thing that the transaction does."""
    if above is not None:
        cost = None if above.cost is None else f"{above.cost:f}"
        after = {"estimate_usd": cost, "unread": above.unread, "lane": job.lane, "model": job.model}
        audit.write(session, "job.launch", "job", job.id, name=job.name, after=after)


UNREAD = """
SELECT count(*)::int FROM job_document jd JOIN document d ON d.id = jd.document_id
WHERE jd.job_id = :job AND d.workspace_id = :workspace AND d.state IN ('queued', 'extracting')
"""


def _not_confirmed(cost: Decimal | None, unread: int) -> NotConfirmed:
    price = "has no known price" if cost is None or unread else f"is estimated at ${cost:,.2f}"
    why = " as its documents are not read yet" if unread else ""
    return NotConfirmed(
        f"This job {price}{why}; what may cost more than ${limits.confirm_usd():,.2f} starts only when that is "
        "confirmed. Confirm the price (over HTTP: confirmed: true)."
    )
