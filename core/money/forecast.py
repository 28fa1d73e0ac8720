"""What this month will have cost: booked, held, and for each day that is left what such days cost before. Read-only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

import numpy as np

from core.money import booked, stretches
from core.money.costs import Costs
from core.runtime import db
from core.tables.jobs import ACTIVE, in_sql

WEEKS = 8
# With fewer days nobody knows what a weekday costs.
LEAST_DAYS = 14
DRAWS = 1000
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Range:
    """In USD: one month of ten ends below `p10`, half of them below `p50`, nine of ten below `p90`."""

    p10: Decimal
    p50: Decimal
    p90: Decimal


@dataclass(frozen=True)
class Forecast:
    """`month` such as 2026-11. `held_usd`: for jobs that have not ended. `expected`: at the end of the month; None with
    fewer than LEAST_DAYS days of history, of which there are `days_of_history`."""

    month: str
    booked_usd: Decimal
    held_usd: Decimal
    expected: Range | None
    days_of_history: int


def read(now: Costs) -> Forecast:
    """Of the workspace, by days of the reporting zone."""
    today = now.as_of.astimezone(now.zone).date()
    with db.side_by_side(now.session) as group:
        month = group.read(now.total, stretches.month(today, now.as_of, now.zone))
        paid = group.read(_by_day, now, today)
        reserved = group.read(db.scalar, now.session, HELD)
    this_month, by_day = month.found.cost_usd, dict(paid.found)
    held: Decimal = reserved.found
    spent_today = by_day.pop(today, Decimal(0))
    history = _history(by_day, today)
    expected = expect(this_month + held, spent_today, history, today) if len(history) >= LEAST_DAYS else None
    return Forecast(f"{today:%Y-%m}", this_month, held, expected, len(history))


HELD = f"""
SELECT coalesce(sum(greatest(j.reserved_usd - of_job.usd, 0)), 0)
FROM job j CROSS JOIN LATERAL {booked.OF_JOB} of_job
WHERE j.workspace_id = :workspace AND j.state IN {in_sql(ACTIVE)} AND j.reserved_usd IS NOT NULL
"""


def expect(so_far: Decimal, spent_today: Decimal, history: Mapping[date, Decimal], today: date) -> Range:
    """`so_far`: booked this month and held. Today is a day that is left, less what it has cost already.

    The middle takes the median of each weekday; the range draws whole days, of any weekday, again and again.
    """
    by_weekday: dict[int, list[Decimal]] = {}
    for day, cost in history.items():
        by_weekday.setdefault(day.weekday(), []).append(cost)
    typical = {weekday: median(costs) for weekday, costs in by_weekday.items()}
    fallback = median(history.values())
    left = _left(today)
    middle = so_far + sum(
        (_beyond(typical.get(day.weekday(), fallback), spent_today if day == today else None) for day in left),
        Decimal(0),
    )
    low, high = _drawn(so_far, spent_today, list(history.values()), left, today)
    return Range(*(amount.quantize(CENT) for amount in (min(low, middle), middle, max(high, middle))))


def _drawn(
    so_far: Decimal, spent_today: Decimal, days: Sequence[Decimal], left: Sequence[date], today: date
) -> tuple[Decimal, Decimal]:
    """The tenth and the ninetieth of a hundred. Of the same history always the same."""
    chance = np.random.default_rng(today.toordinal())
    drawn = chance.choice([float(cost) for cost in days], (DRAWS, len(left)))
    drawn[:, 0] = np.maximum(drawn[:, 0] - float(spent_today), 0)
    ends = np.sort(drawn.sum(axis=1))
    return so_far + Decimal(ends[DRAWS // 10]), so_far + Decimal(ends[DRAWS * 9 // 10])


def _beyond(cost: Decimal, spent: Decimal | None) -> Decimal:
    return cost if spent is None else max(cost - spent, Decimal(0))


def _left(today: date) -> list[date]:
    end = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return [today + timedelta(days=ahead) for ahead in range((end - today).days)]


def _by_day(now: Costs, today: date) -> dict[date, Decimal]:
    """What the last weeks and today cost, on each day that cost something."""
    stretch = stretches.whole_days(today - timedelta(weeks=WEEKS), today, now.as_of, now.zone)
    return now.spend_by_day(stretch)


def _history(paid: Mapping[date, Decimal], today: date) -> dict[date, Decimal]:
    """Whole days, from the first one on that something was paid: also those that cost nothing."""
    if not paid:
        return {}
    begun = min(paid)
    return {
        day: paid.get(day, Decimal(0))
        for day in (begun + timedelta(days=ahead) for ahead in range((today - begun).days))
    }
