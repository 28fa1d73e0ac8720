"""Circuit breakers: one for each provider and model, its state in a row that all processes share.

Closed, it costs nothing: each process counts failures in a row in memory, and only the one that reaches the threshold
writes. Claims look at the rows themselves; a call that is being retried looks at what its process read within the last
half second. While a breaker is open nothing of that model is claimed; after `retry_at` one claim may take the probe.
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
# How much longer than one call may take a probe is waited for before another is let through.
PROBE_MARGIN = 60.0


@dataclass(frozen=True)
class Standing:
    """A breaker that is not closed. `retry_at` is None for one that waits for a person; `due`: a probe may go."""

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
            return f"{name} was stopped by hand, until a person lets it go on."
        if self.state == "half_open":
            return f"{name} did not answer; one call is trying it right now."
        when = f"{self.retry_at:%H:%M:%S} UTC" if self.retry_at else "later"
        return f"{name} did not answer {self.failures} times in a row; it is tried again at {when}."


class BreakerOpen(Unavailable):
    """The model does not answer at the moment. Ask again later, or choose another model."""

    code = "BREAKER_OPEN"

    def __init__(self, standing: Standing):
        super().__init__(f"{standing.reason} Ask again then, or choose another model.")
        self.detail = {"retry_at": standing.retry_at and standing.retry_at.isoformat()}


def counts(error: ProviderError) -> bool:
    """Whether it says something about the provider: timeouts, connections and its own faults, not what was asked."""
    return error.retryable and (error.status is None or error.status >= 500 or error.status == 408)


class View:
    """What this process knows: failures in a row, and which breakers are not closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._in_a_row: Counter[tuple[str, str]] = Counter()
        self._shut: frozenset[tuple[str, str]] = frozenset()
        self._read_at = float("-inf")

    def answered(self, provider: str, model: str) -> None:
        self._in_a_row.pop((provider, model), None)

    def failed(self, provider: str, model: str, threshold: int) -> int:
        """The failures in a row where there are too many now, else 0. From then on it counts as open here."""
        key = (provider, model)
        with self._lock:
            if key in self._shut:
                return 0
            self._in_a_row[key] += 1
            if self._in_a_row[key] < threshold:
                return 0
            self._shut |= {key}
            return self._in_a_row.pop(key)

    def shut(self, provider: str, model: str) -> bool:
        return (provider, model) in self._shut

    @property
    def fresh(self) -> bool:
        return time.monotonic() - self._read_at < FRESH_SECONDS

    def look(self) -> None:
        """Read the rows unless that was just done."""
        with self._looking:
            if self.fresh:
                return
            try:
                with db.transaction() as session:
                    found = db.rows(session, "SELECT provider, model FROM breaker WHERE state <> 'closed'")
                with self._lock:
                    self._shut = frozenset((row.provider, row.model) for row in found)
            except Unavailable:
                log.info("breakers cannot be read; what was known of them holds")
            self._read_at = time.monotonic()

    def seen(self, provider: str, found: Sequence[Standing]) -> None:
        """A claim has read the rows of this provider."""
        with self._lock:
            others = {key for key in self._shut if key[0] != provider}
            self._shut = frozenset(others | {(provider, standing.model) for standing in found})


view = View()


def trip(provider: str, model: str, failures: int, recovery_s: float) -> None:
    """Open a closed breaker for all processes. Where the database is away, failures are counted anew."""
    try:
        with db.transaction() as session:
            db.execute(session, TRIP, provider=provider, model=model, failures=failures, recovery=recovery_s)
        log.warning("breaker opened", provider=provider, model=model, failures=failures, recovery_s=recovery_s)
    except Unavailable:
        log.warning("a breaker could not be opened: the database is away", provider=provider, model=model)


TRIP = """
INSERT INTO breaker (provider, model, state, failures, opened_at, retry_at)
VALUES (:provider, :model, 'open', :failures, now(), now() + make_interval(secs => :recovery))
ON CONFLICT (provider, model) DO UPDATE SET state = 'open', failures = excluded.failures, by_hand = false,
  opened_at = excluded.opened_at, retry_at = excluded.retry_at, changed_at = now()
WHERE breaker.state = 'closed'
"""


def standings(session: Session, provider: str, lease_seconds: float) -> list[Standing]:
    """The provider's breakers that are not closed, kept as they are until the transaction ends."""
    found = [Standing(**row._mapping) for row in db.rows(session, STANDINGS, provider=provider, lease=lease_seconds)]
    view.seen(provider, found)
    return found


# A probe whose worker is gone, or that takes too long, makes room for another.
STANDINGS = f"""
SELECT provider, model, state, failures, by_hand, retry_at,
  CASE WHEN state = 'open' THEN coalesce(retry_at <= now(), false)
    ELSE probe_until < now() OR probe_worker_id IS NOT NULL AND {worker_lease.dead("probe_worker_id")} END AS due
FROM breaker WHERE provider = :provider AND state <> 'closed' ORDER BY model FOR UPDATE
"""


def begin_probe(session: Session, standing: Standing, worker_id: int | None, call_seconds: float) -> None:
    """The one call that goes out is the probe. Only with a standing of this transaction that is due."""
    db.execute(
        session,
        """UPDATE breaker SET state = 'half_open', probe_worker_id = :worker, changed_at = now(),
             probe_until = now() + make_interval(secs => :seconds)
           WHERE provider = :provider AND model = :model""",
        provider=standing.provider,
        model=standing.model,
        worker=worker_id,
        seconds=call_seconds + PROBE_MARGIN,
    )


def settle(session: Session, outcomes: Iterable[Outcome], recovery_s: Callable[[str | None], float]) -> None:
    """What came of probes closes their breakers, or opens them again. One that was broken off tells nothing.

    `recovery_s` is by operation.
    """
    for outcome in outcomes:
        if not isinstance(outcome, Kept | Failed) or not outcome.call.probe:
            continue
        whose = {"provider": outcome.call.provider, "model": outcome.call.model}
        if isinstance(outcome, Kept) or not (outcome.down or outcome.code in UNTOLD):
            db.execute(session, CLOSE_AFTER_PROBE, **whose)
        else:
            wait = 0.0 if outcome.code in UNTOLD else recovery_s(outcome.call.template_id)
            db.execute(session, OPEN_AFTER_PROBE, recovery=wait, **whose)


UNTOLD = ("interrupted", "internal_error")

CLOSE_AFTER_PROBE = """
UPDATE breaker SET state = 'closed', failures = 0, opened_at = NULL, retry_at = NULL, probe_worker_id = NULL,
  probe_until = NULL, changed_at = now()
WHERE provider = :provider AND model = :model AND state = 'half_open'
"""

OPEN_AFTER_PROBE = """
UPDATE breaker SET state = 'open', failures = failures + CASE WHEN :recovery > 0 THEN 1 ELSE 0 END,
  retry_at = now() + make_interval(secs => :recovery), probe_worker_id = NULL, probe_until = NULL, changed_at = now()
WHERE provider = :provider AND model = :model AND state = 'half_open'
"""


def of(found: Sequence[Standing], model: str) -> Standing | None:
    return next((standing for standing in found if standing.model == model), None)
