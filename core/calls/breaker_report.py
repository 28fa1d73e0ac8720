"""Circuit breakers as a person sees them: state, since when, by whom, what waits behind each, and who changed what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.runtime import db


@dataclass(frozen=True)
class BreakerView:
    """`changed_at` is when the probe went out, for one that is half open. `opened_by` is "" where nobody was signed in.

    `requests` and `jobs` wait behind it: live, of jobs that run. `calls` are of the last day.
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


def read() -> list[BreakerView]:
    """Those that are not closed first, then those of the models that were called within a day."""
    with db.transaction() as session:
        return [BreakerView(**row._mapping) for row in db.rows(session, READ)]


def shut() -> dict[tuple[str, str], BreakerView]:
    """Those that are not closed, by provider and model."""
    return {(one.provider, one.model): one for one in read() if one.state != "closed"}


READ = """
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
    SELECT a."user" FROM audit_entry a WHERE a.subject = provider || '/' || model AND a.action = 'open breaker'
    ORDER BY a.id DESC LIMIT 1), '') ELSE '' END AS opened_by,
  coalesce(w.requests, 0) AS requests, coalesce(w.jobs, 0) AS jobs, coalesce(c.calls, 0) AS calls
FROM breaker b FULL JOIN called c USING (provider, model) LEFT JOIN waiting w USING (provider, model)
WHERE b.state <> 'closed' OR c.calls > 0
ORDER BY coalesce(b.state, 'closed') = 'closed', provider, model
"""


def behind(provider: str, model: str) -> tuple[int, int]:
    """How many live requests of how many jobs wait to be sent to this model right now."""
    with db.transaction() as session:
        found = db.row(session, BEHIND, provider=provider, model=model)
    assert found is not None
    return found.requests, found.jobs


BEHIND = """
SELECT count(*)::int AS requests, count(DISTINCT j.id)::int AS jobs
FROM job j JOIN request r ON r.job_id = j.id AND r.state = 'pending' AND r.lane = 'live'
WHERE j.state = 'running' AND j.provider = :provider AND coalesce(r.model, j.model) = :model
"""


@dataclass(frozen=True)
class Change:
    time: datetime
    user: str
    action: str
    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def changes(limit: int) -> list[Change]:
    """By hand, the newest first."""
    with db.transaction() as session:
        return [Change(**row._mapping) for row in db.rows(session, CHANGES, limit=limit)]


CHANGES = """
SELECT time, "user", action, subject, before, after FROM audit_entry
WHERE action IN ('open breaker', 'close breaker') ORDER BY id DESC LIMIT :limit
"""


@dataclass(frozen=True)
class BreakerRow:
    name: str
    provider: str
    model: str
    state: str
    failures: int
    by_hand: bool
    opened_at: datetime | None
    retry_at: datetime | None


def find() -> list[BreakerRow]:
    """Every breaker that there was cause for, and the closed ones of what was called within a day."""
    with db.transaction() as session:
        return [BreakerRow(**row._mapping) for row in db.rows(session, FIND)]


FIND = """
SELECT provider || '/' || model AS name, provider, model, coalesce(b.state, 'closed') AS state,
  coalesce(b.failures, 0) AS failures, coalesce(b.by_hand, false) AS by_hand, b.opened_at, b.retry_at
FROM breaker b FULL JOIN (
  SELECT DISTINCT provider, model FROM call_minute WHERE minute > now() - interval '1 day') c USING (provider, model)
ORDER BY provider, model
"""
