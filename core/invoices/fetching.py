"""Read a provider's reports: ordered by a door, carried out by the jobs process.

An order is a row. The report is read whole, outside of any transaction, and then takes the place of what was kept of
its days. An order whose process died is taken up again once it is old.
"""

import asyncio
from datetime import date, timedelta
from typing import Any

import structlog
from sqlmodel import Session

from core.access import audit
from core.access.roles import require
from core.environment import get_settings
from core.errors import CairnError, InvalidInput
from core.invoices import keeping, report
from core.invoices.report import FetchRow
from core.providers import billing
from core.providers.billing import Told
from core.runtime import db, queue
from core.runtime.ids import new_id
from core.settings import admin_keys, credentials

log = structlog.get_logger()
MOST_DAYS = 366
# Longer than any report takes; after it a running order counts as left behind.
GONE_S = 600
# A report that is not read by then will not be.
PATIENCE_S = 540


def order(provider: str, start: date, stop: date) -> FetchRow:
    """Days from `start` to before `stop`, UTC. One that is under way already is returned.

    Raises InvalidInput without an admin key.
    """
    require("invoice.read")
    if reason := admin_keys.of(provider).missing:
        raise InvalidInput(reason)
    checked(start, stop)
    with db.transaction() as session:
        made = new_id("inv")
        if db.execute(session, ADD, id=made, provider=provider, start=start, stop=stop):
            audit.write(session, "invoice.fetch", "invoice", provider, after=_days(start, stop), of_machine=True)
        queue.defer(session, "fetch_invoices")
        found = db.scalar(session, OPEN, provider=provider, start=start, stop=stop)
    return report.fetch(found or made)


ADD = """
INSERT INTO invoice_fetch (id, provider, start, stop) VALUES (:id, :provider, :start, :stop)
ON CONFLICT (provider, start, stop) WHERE state IN ('queued', 'running') DO NOTHING
"""
OPEN = """
SELECT id FROM invoice_fetch
WHERE provider = :provider AND start = :start AND stop = :stop AND state IN ('queued', 'running')
"""


def checked(start: date, stop: date) -> None:
    if start >= stop:
        raise InvalidInput("stop is the first day that is left out, so it lies after start.")
    if stop - start > timedelta(days=MOST_DAYS):
        raise InvalidInput(f"At most {MOST_DAYS} days at once. Choose a shorter time.")


def _days(start: date, stop: date) -> dict[str, str]:
    return {"start": start.isoformat(), "stop": stop.isoformat()}


def fetch_next() -> bool:
    """Carry out the oldest order. False if there is none."""
    with db.transaction() as session:
        row = db.row(session, CLAIM, gone=GONE_S)
    if row is None:
        return False
    scope, failed = "", None
    try:
        told = _read(row.provider, row.start, row.stop)
        scope = told.scope
    except CairnError as error:
        failed = error.message
    with db.transaction() as session:
        if failed is None:
            _keep(session, row, told)
        db.execute(session, END, id=row.id, state="failed" if failed else "done", message=failed, scope=scope)
    log.info("read what a provider charged", provider=row.provider, failed=failed, **_days(row.start, row.stop))
    return True


# One of a provider at a time: their limits are of the organization.
CLAIM = """
UPDATE invoice_fetch SET state = 'running', started_at = now() WHERE id = (
  SELECT id FROM invoice_fetch f
  WHERE (state = 'queued' OR state = 'running' AND started_at < now() - make_interval(secs => :gone))
    AND NOT EXISTS (SELECT 1 FROM invoice_fetch o WHERE o.provider = f.provider AND o.id <> f.id
      AND o.state = 'running' AND o.started_at >= now() - make_interval(secs => :gone))
  ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, provider, start, stop
"""
END = """
UPDATE invoice_fetch SET state = :state, message = :message, scope = :scope, ended_at = now() WHERE id = :id
"""


def _keep(session: Session, row: Any, told: Told) -> None:
    days = [row.start + timedelta(days=number) for number in range((row.stop - row.start).days)]
    keeping.keep(session, row.provider, "usage", days, told.usage, "api")
    keeping.keep(session, row.provider, "cost", days, told.cost, "api")


def _read(provider: str, start: date, stop: date) -> Told:
    admin = admin_keys.of(provider)
    if admin.key is None:
        raise InvalidInput(admin.missing)
    own = credentials.of(provider).key
    reading = billing.read(
        provider,
        admin.key.get_secret_value(),
        own.get_secret_value() if own else None,
        admin.address,
        min(get_settings().provider_timeout_seconds, 120.0),
        start,
        stop,
    )
    return asyncio.run(_in_time(provider, reading))


async def _in_time(provider: str, reading: Any) -> Told:
    try:
        told: Told = await asyncio.wait_for(reading, PATIENCE_S)
        return told
    except TimeoutError:
        raise CairnError(f"{provider} did not hand over its report in time. Choose fewer days.") from None
