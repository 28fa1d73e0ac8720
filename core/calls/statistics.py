"""How live calls went, by minute, provider and model: the table call_minute, from which provider health is drawn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from core.calls.outcomes import Failed, Kept, Outcome
from core.runtime import db

# Of a histogram of latencies: place n counts answers from 2**(n-1) to below 2**n ms, the last all from half an hour up.
PLACES = 22


@dataclass
class Counts:
    answered: int = 0
    failed: int = 0
    latencies: list[int] = field(default_factory=lambda: [0] * PLACES)


def count(session: Session, outcomes: Iterable[Outcome]) -> None:
    """Add these calls and their failed attempts to the current minute, in the transaction that keeps them."""
    by_model: dict[tuple[str, str], Counts] = {}
    for outcome in outcomes:
        if isinstance(outcome, Kept | Failed):
            counts = by_model.setdefault((outcome.call.provider, outcome.call.model), Counts())
            counts.failed += outcome.failures
            if isinstance(outcome, Kept):
                counts.answered += 1
                counts.latencies[min(outcome.latency_ms.bit_length(), PLACES - 1)] += 1
    # Sorted: two transactions that add to the same rows do not deadlock.
    for (provider, model), counts in sorted(by_model.items(), key=lambda item: item[0]):
        if counts.answered or counts.failed:
            _add(session, provider, model, None, counts.answered, counts.failed, counts.latencies)


def fold(session: Session, older_than: timedelta) -> None:
    """Make the minutes of days that are older into one row a day.

    Their sums stay: the counters of the metrics come from them, and must never go back.
    """
    for row in db.rows(session, TAKE_OUT, older_than=older_than):
        _add(session, row.provider, row.model, row.day, row.answered, row.failed, row.latencies)


def _add(
    session: Session,
    provider: str,
    model: str,
    minute: datetime | None,
    answered: int,
    failed: int,
    latencies: Sequence[int],
) -> None:
    counts = {"answered": answered, "failed": failed, "latencies": list(latencies)}
    db.execute(session, ADD, provider=provider, model=model, minute=minute, **counts)


# Without a minute: the current one.
ADD = """
INSERT INTO call_minute AS c (provider, model, minute, answered, failed, latencies)
VALUES (:provider, :model, coalesce(CAST(:minute AS timestamptz), date_trunc('minute', now())), :answered, :failed,
  CAST(:latencies AS int[]))
ON CONFLICT (provider, model, minute) DO UPDATE SET answered = c.answered + excluded.answered,
  failed = c.failed + excluded.failed,
  latencies = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0)
    FROM unnest(c.latencies, excluded.latencies) WITH ORDINALITY AS t(a, b, place) ORDER BY place)
"""

# The row of a day stands at its first minute, which is not taken out again.
TAKE_OUT = """
WITH gone AS (
  DELETE FROM call_minute WHERE minute < date_trunc('day', now() - CAST(:older_than AS interval), 'UTC')
    AND minute <> date_trunc('day', minute, 'UTC')
  RETURNING provider, model, date_trunc('day', minute, 'UTC') AS day, answered, failed, latencies
), places AS (
  SELECT provider, model, day, place, sum(number)::int AS number
  FROM gone, unnest(latencies) WITH ORDINALITY AS t(number, place) GROUP BY 1, 2, 3, 4
), spread AS (
  SELECT provider, model, day, array_agg(number ORDER BY place) AS latencies FROM places GROUP BY 1, 2, 3
)
SELECT provider, model, day, d.answered, d.failed, coalesce(latencies, '{}') AS latencies
FROM (SELECT provider, model, day, sum(answered)::int AS answered, sum(failed)::int AS failed FROM gone
  GROUP BY 1, 2, 3) d
LEFT JOIN spread USING (provider, model, day) ORDER BY provider, model, day
"""
