"""Circuit breakers: one for each provider and model, its state in a row that all processes share.

A closed breaker costs nothing: each process counts failures in a row in memory, and writes only when the threshold is
reached. While a breaker is open, no request of that model is claimed; after `retry_at` one call may go out, the probe,
and the breaker is half open until it ends. Claims read the rows; a call that is being retried goes by what its process
read within half a second.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session

from core.calls.outcomes import Failed, Kept, Outcome
from core.errors import ProviderError, Unavailable
from core.runtime import db, worker_lease

log = structlog.get_logger()
FRESH_SECONDS = 0.5
# A probe that takes this much longer than one call may is given up, and another may go out.
PROBE_MARGIN = 60.0


@dataclass(frozen=True)
class BreakerState:
    """A breaker that is open or half open. `retry_at` is None if a person opened it; `due`: a probe may go out now."""

    provider: str
    model: str
    state: str
    failures: int
    by_hand: bool
    retry_at: datetime | None
    due: bool

    @property
    def reason(self) -> str:
        name = f"{self.provider}/{self.model}"
        if self.by_hand:
            return f"{name} was stopped by hand, until someone resumes it."
        if self.state == "half_open":
            return f"{name} did not answer; one call is trying it right now."
        when = f"{self.retry_at:%H:%M:%S} UTC" if self.retry_at else "later"
        return f"{name} did not answer {self.failures} times in a row; it is tried again at {when}."


class BreakerOpen(Unavailable):
    """The model does not answer at the moment. Ask again later, or choose another model."""

    code = "BREAKER_OPEN"

    def __init__(self, state: BreakerState):
        super().__init__(f"{state.reason} Ask again then, or choose another model.")
        self.detail = {"retry_at": state.retry_at and state.retry_at.isoformat()}


def counts(error: ProviderError) -> bool:
    """Whether the error is the provider's own: timeouts, connections and status 5xx, not what was asked."""
    return error.retryable and (error.status is None or error.status >= 500 or error.status == 408)


class View:
    """What this process knows: failures in a row, and which breakers are not closed. Safe to use from all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._in_a_row: Counter[tuple[str, str]] = Counter()
        self._open: frozenset[tuple[str, str]] = frozenset()
        self._read_at = float("-inf")

    def answered(self, provider: str, model: str) -> None:
        self._in_a_row.pop((provider, model), None)

    def failed(self, provider: str, model: str, threshold: int) -> int:
        """Count a failure. Returns the failures in a row when they reach the threshold, else 0.

        From then on the breaker counts as open in this process; the caller must `trip` it for the others.
        """
        key = (provider, model)
        with self._lock:
            if key in self._open:
                return 0
            self._in_a_row[key] += 1
            if self._in_a_row[key] < threshold:
                return 0
            self._open |= {key}
            return self._in_a_row.pop(key)

    def is_open(self, provider: str, model: str) -> bool:
        """Open or half open: no other call may go out."""
        return (provider, model) in self._open

    @property
    def fresh(self) -> bool:
        return time.monotonic() - self._read_at < FRESH_SECONDS

    def look(self) -> None:
        """Read the rows, unless they were read within FRESH_SECONDS."""
        with self._looking:
            if self.fresh:
                return
            try:
                with db.transaction() as session:
                    found = db.rows(session, "SELECT provider, model FROM breaker WHERE state <> 'closed'")
                with self._lock:
                    self._open = frozenset((row.provider, row.model) for row in found)
            except Unavailable:
                log.info("breakers cannot be read; what was known of them holds")
            self._read_at = time.monotonic()

    def seen(self, provider: str, found: Sequence[BreakerState]) -> None:
        """Take over what a claim has read: all breakers of this provider that are not closed."""
        with self._lock:
            others = {key for key in self._open if key[0] != provider}
            self._open = frozenset(others | {(provider, state.model) for state in found})


view = View()


def trip(provider: str, model: str, failures: int, recovery_s: float) -> None:
    """Open a closed breaker for all processes, for `recovery_s` seconds.

    If the database is away, only this process knows, until it reads the rows again and counts anew.
    """
    try:
        with db.transaction() as session:
            db.execute(session, TRIP, provider=provider, model=model, failures=failures, recovery=recovery_s)
        log.warning("breaker opened", provider=provider, model=model, failures=failures, recovery_s=recovery_s)
    except Unavailable:
        log.warning("a breaker could not be opened: the database is away", provider=provider, model=model)


# Only a closed one: an open breaker, above all one opened by hand, is not given another time to recover.
TRIP = """
INSERT INTO breaker (provider, model, state, failures, opened_at, retry_at)
VALUES (:provider, :model, 'open', :failures, now(), now() + make_interval(secs => :recovery))
ON CONFLICT (provider, model) DO UPDATE SET state = 'open', failures = excluded.failures, by_hand = false,
  opened_at = excluded.opened_at, retry_at = excluded.retry_at, changed_at = now()
WHERE breaker.state = 'closed'
"""


def not_closed(session: Session, provider: str, lease_seconds: float) -> list[BreakerState]:
    """The provider's breakers that are open or half open, locked until the transaction ends."""
    rows = db.rows(session, NOT_CLOSED, provider=provider, lease=lease_seconds)
    found = [BreakerState(**row._mapping) for row in rows]
    view.seen(provider, found)
    return found


# A half open breaker is due again when the lease of its probe's worker has ended or the probe takes too long.
NOT_CLOSED = f"""
SELECT provider, model, state, failures, by_hand, retry_at,
  CASE WHEN state = 'open' THEN coalesce(retry_at <= now(), false)
    ELSE probe_until < now() OR probe_worker_id IS NOT NULL AND {worker_lease.dead("probe_worker_id")} END AS due
FROM breaker WHERE provider = :provider AND state <> 'closed' ORDER BY model FOR UPDATE
"""


def of(found: Sequence[BreakerState], model: str) -> BreakerState | None:
    return next((state for state in found if state.model == model), None)


def begin_probe(session: Session, state: BreakerState, worker_id: int | None, call_seconds: float) -> None:
    """Make a breaker half open: the caller's one call is the probe. `state` must be due, and locked by this
    transaction. `call_seconds`: the longest that one call may take."""
    db.execute(
        session,
        BEGIN_PROBE,
        provider=state.provider,
        model=state.model,
        worker=worker_id,
        seconds=call_seconds + PROBE_MARGIN,
    )


BEGIN_PROBE = """
UPDATE breaker SET state = 'half_open', probe_worker_id = :worker, changed_at = now(),
  probe_until = now() + make_interval(secs => :seconds)
WHERE provider = :provider AND model = :model
"""


def on_outcomes(session: Session, outcomes: Iterable[Outcome], recovery_s: Callable[[str | None], float]) -> None:
    """Close or open again the breakers whose probes ended; other outcomes change nothing.

    A probe that was broken off proves nothing: its breaker is open and due at once. `recovery_s` gives the seconds that
    an operation's breaker stays open.
    """
    for outcome in outcomes:
        if not isinstance(outcome, Kept | Failed) or not outcome.call.probe:
            continue
        model = {"provider": outcome.call.provider, "model": outcome.call.model}
        if isinstance(outcome, Failed) and outcome.code in BROKEN_OFF:
            db.execute(session, OPEN_AFTER_PROBE, recovery=0.0, **model)
        elif isinstance(outcome, Failed) and outcome.down:
            db.execute(session, OPEN_AFTER_PROBE, recovery=recovery_s(outcome.call.template_id), **model)
        else:
            db.execute(session, CLOSE_AFTER_PROBE, **model)


# Codes of calls that ended for a reason of our own.
BROKEN_OFF = ("interrupted", "internal_error")

CLOSE_AFTER_PROBE = """
UPDATE breaker SET state = 'closed', failures = 0, opened_at = NULL, retry_at = NULL, probe_worker_id = NULL,
  probe_until = NULL, changed_at = now()
WHERE provider = :provider AND model = :model AND state = 'half_open'
"""

# Without a time to recover the probe was broken off, and is no failure of the provider's.
OPEN_AFTER_PROBE = """
UPDATE breaker SET state = 'open', failures = failures + CASE WHEN :recovery > 0 THEN 1 ELSE 0 END,
  retry_at = now() + make_interval(secs => :recovery), probe_worker_id = NULL, probe_until = NULL, changed_at = now()
WHERE provider = :provider AND model = :model AND state = 'half_open'
"""
