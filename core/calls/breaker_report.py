"""Read-only: circuit breakers with what waits behind each, and who opened or closed one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from core.runtime import db
from core.tables.access import called


@dataclass(frozen=True)
class BreakerRow:
    """`changed_at`: of a half open one, when its probe went out. `opened_by`: who opened it by hand, else "".

    Behind it wait `requests` of `jobs`: pending and live, of running jobs. `calls` are those of the last day.
    """

    provider: str
    model: str
    state: str
    failures: int
    by_hand: bool
    opened_at: datetime | None
    retry_at: datetime | None
    changed_at: datetime | None
    opened_by: str
    requests: int
    jobs: int
    calls: int

    @property
    def name(self) -> str:
        return f"{self.provider}/{self.model}"


def every() -> list[BreakerRow]:
    """All that ever opened, and closed ones for the other models that were called within a day, by name."""
    with db.reading(everywhere=True) as session:
        return _read(session)


def lately() -> list[BreakerRow]:
    """Those that are not closed first, then those of the models that were called within a day."""
    found = [row for row in every() if row.state != "closed" or row.calls > 0]
    return sorted(found, key=lambda row: row.state == "closed")


def not_closed() -> dict[tuple[str, str], BreakerRow]:
    """Those that are open or half open, by provider and model."""
    return {(row.provider, row.model): row for row in every() if row.state != "closed"}


def one(session: Session, provider: str, model: str) -> BreakerRow:
    """A breaker that has a row."""
    (row,) = _read(session, provider, model)
    return row


def _read(session: Session, provider: str | None = None, model: str | None = None) -> list[BreakerRow]:
    return [BreakerRow(**row._mapping) for row in db.rows(session, READ, provider=provider, model=model)]


# A model without a row has a closed breaker.
READ = f"""
WITH called AS (
  SELECT provider, model, sum(answered + failed)::int AS calls FROM call_minute
  WHERE minute > now() - interval '1 day' GROUP BY provider, model
), waiting AS (
  SELECT b.provider, b.model, count(*)::int AS requests, count(DISTINCT j.id)::int AS jobs
  FROM breaker b JOIN job j ON j.provider = b.provider AND j.state = 'running'
  JOIN request r ON r.job_id = j.id AND r.state = 'pending' AND r.lane = 'live'
    AND coalesce(r.model, j.model) = b.model
  WHERE b.state <> 'closed' GROUP BY b.provider, b.model
)
SELECT provider, model, coalesce(b.state, 'closed') AS state, coalesce(b.failures, 0) AS failures,
  coalesce(b.by_hand, false) AS by_hand, b.opened_at, b.retry_at, b.changed_at,
  CASE WHEN b.by_hand THEN coalesce((
    SELECT {called('a."user"')} FROM audit_entry a
    WHERE a.subject = 'breaker:' || provider || '/' || model AND a.action = 'breaker.open'
    ORDER BY a.id DESC LIMIT 1), '') ELSE '' END AS opened_by,
  coalesce(w.requests, 0) AS requests, coalesce(w.jobs, 0) AS jobs, coalesce(c.calls, 0) AS calls
FROM breaker b FULL JOIN called c USING (provider, model) LEFT JOIN waiting w USING (provider, model)
WHERE CAST(:provider AS text) IS NULL OR (provider = :provider AND model = :model)
ORDER BY provider, model
"""


def behind(provider: str, model: str) -> tuple[int, int]:
    """(requests, jobs): how many live requests of how many running jobs wait to be sent to this model."""
    with db.reading(everywhere=True) as session:
        found = db.row(session, BEHIND, provider=provider, model=model)
    assert found is not None
    return found.requests, found.jobs


BEHIND = """
SELECT count(*)::int AS requests, count(DISTINCT j.id)::int AS jobs
FROM job j JOIN request r ON r.job_id = j.id AND r.state = 'pending' AND r.lane = 'live'
WHERE j.state = 'running' AND j.provider = :provider AND coalesce(r.model, j.model) = :model
"""


@dataclass(frozen=True)
class BreakerChange:
    """An audit entry of a breaker that was opened or closed by hand."""

    time: datetime
    user: str
    action: str
    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def changes(limit: int) -> list[BreakerChange]:
    """The newest first."""
    with db.reading(everywhere=True) as session:
        return [BreakerChange(**row._mapping) for row in db.rows(session, CHANGES, limit=limit)]


CHANGES = f"""
SELECT time, {called('"user"')} AS user, action, object ->> 'id' AS subject, before, after FROM audit_entry
WHERE action IN ('breaker.open', 'breaker.close') ORDER BY id DESC LIMIT :limit
"""
