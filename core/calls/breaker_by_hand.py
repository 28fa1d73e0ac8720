"""Open or close a circuit breaker by hand, with an audit entry."""

from core.access import audit
from core.access.roles import require
from core.calls import breaker_report
from core.calls.breaker import view
from core.calls.breaker_report import BreakerRow
from core.runtime import db, queue
from core.settings import defaults


def open_by_hand(provider: str, model: str) -> BreakerRow:
    """Send nothing of this model live until a person closes its breaker. Calls that are under way go on.

    Raises InvalidInput for what is no model's name.
    """
    return _by_hand(provider, defaults.model_for(provider, model), OPEN_BY_HAND, "breaker.open", "open")


def close_by_hand(provider: str, model: str) -> BreakerRow:
    """Close the breaker and queue the jobs that wait for it."""
    return _by_hand(provider, defaults.model_for(provider, model), CLOSE_BY_HAND, "breaker.close", "closed")


def _by_hand(provider: str, model: str, statement: str, action: str, state: str) -> BreakerRow:
    require("breaker.change")
    of = {"provider": provider, "model": model}
    with db.transaction(everywhere=True) as session:
        before = db.scalar(session, STATE, **of) or "closed"
        db.execute(session, statement, **of)
        for job in db.rows(session, WAITING, **of) if state == "closed" else ():
            queue.defer(session, "pump_job", job_id=job.id)
        row = breaker_report.one(session, provider, model)
        if state != before:
            was, is_now = {"state": before}, {"state": state}
            name = f"{provider}/{model}"
            audit.write(session, action, "breaker", name, before=was, after=is_now, of_machine=True)
    view.forget()
    return row


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
"""

CLOSE_BY_HAND = """
INSERT INTO breaker (provider, model) VALUES (:provider, :model)
ON CONFLICT (provider, model) DO UPDATE SET state = 'closed', by_hand = false, failures = 0, opened_at = NULL,
  retry_at = NULL, probe_worker_id = NULL, probe_until = NULL, changed_at = now()
"""
