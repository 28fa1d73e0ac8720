"""Open or close a circuit breaker by hand, with an audit entry."""

from core.calls.breaker import view
from core.calls.breaker_report import BreakerRow
from core.runtime import db, queue
from core.tables.settings import AuditEntry


def open_by_hand(provider: str, model: str, user: str = "") -> BreakerRow:
    """Nothing of this model goes out live until a person closes its breaker again."""
    return _by_hand(OPEN_BY_HAND, "open breaker", provider, model, user)


def close_by_hand(provider: str, model: str, user: str = "") -> BreakerRow:
    """What waits for it goes on at once."""
    return _by_hand(CLOSE_BY_HAND, "close breaker", provider, model, user)


def _by_hand(statement: str, action: str, provider: str, model: str, user: str) -> BreakerRow:
    name = f"{provider}/{model}"
    with db.transaction() as session:
        before = db.scalar(session, STATE, provider=provider, model=model) or "closed"
        (row,) = db.rows(session, statement, provider=provider, model=model)
        if row.state != before:
            was, now = {"state": before}, {"state": row.state}
            session.add(AuditEntry(user=user, action=action, subject=name, before=was, after=now))
        for job in db.rows(session, WAITING, provider=provider, model=model) if row.state == "closed" else ():
            queue.defer(session, "pump_job", job_id=job.id)
    view.forget()
    return BreakerRow(name=name, **row._mapping)


WAITING = """
SELECT j.id FROM job j WHERE j.state = 'running' AND j.provider = :provider AND EXISTS (
  SELECT 1 FROM request r WHERE r.job_id = j.id AND r.state = 'pending' AND r.lane = 'live'
    AND coalesce(r.model, j.model) = :model)
ORDER BY j.id
"""

STATE = "SELECT state FROM breaker WHERE provider = :provider AND model = :model FOR UPDATE"

OPEN_BY_HAND = """
INSERT INTO breaker (provider, model, state, by_hand, opened_at) VALUES (:provider, :model, 'open', true, now())
ON CONFLICT (provider, model) DO UPDATE SET state = 'open', by_hand = true, retry_at = NULL, probe_worker_id = NULL,
  probe_until = NULL, opened_at = coalesce(breaker.opened_at, now()), changed_at = now()
RETURNING provider, model, state, failures, by_hand, opened_at, retry_at
"""

CLOSE_BY_HAND = """
INSERT INTO breaker (provider, model) VALUES (:provider, :model)
ON CONFLICT (provider, model) DO UPDATE SET state = 'closed', by_hand = false, failures = 0, opened_at = NULL,
  retry_at = NULL, probe_worker_id = NULL, probe_until = NULL, changed_at = now()
RETURNING provider, model, state, failures, by_hand, opened_at, retry_at
"""
