"""How live calls went, minute by minute, for each provider and model: what health is drawn from."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlmodel import Session

from core.calls.outcomes import Failed, Kept, Outcome
from core.runtime import db

# The last place takes all that is slower: half an hour and more.
PLACES = 22


def count(session: Session, outcomes: Iterable[Outcome]) -> None:
    """Add what became of these calls and of their attempts, in the transaction that keeps them."""
    answered: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    latencies: dict[tuple[str, str], list[int]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Kept | Failed):
            whose = (outcome.call.provider, outcome.call.model)
            failed[whose] += outcome.failures
            places = latencies.setdefault(whose, [0] * PLACES)
            if isinstance(outcome, Kept):
                answered[whose] += 1
                places[min(outcome.latency_ms.bit_length(), PLACES - 1)] += 1
    # Sorted: two who add to the same rows do not wait for one another.
    for whose in sorted(latencies):
        if answered[whose] or failed[whose]:
            counts: dict[str, Any] = {"answered": answered[whose], "failed": failed[whose]}
            names = {"provider": whose[0], "model": whose[1]}
            db.columns(session, ADD, **names, **counts, latencies=latencies[whose])


ADD = """
INSERT INTO call_minute AS c (provider, model, minute, answered, failed, latencies)
VALUES (%(provider)s, %(model)s, date_trunc('minute', now()), %(answered)s, %(failed)s, %(latencies)s::int[])
ON CONFLICT (provider, model, minute) DO UPDATE SET answered = c.answered + excluded.answered,
  failed = c.failed + excluded.failed,
  latencies = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0)
    FROM unnest(c.latencies, excluded.latencies) WITH ORDINALITY AS t(a, b, place) ORDER BY place)
"""
