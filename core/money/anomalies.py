"""Days that cost far more than such days did: of a template, a model or a user. Read-only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from core.money import stretches
from core.money.costs import Costs
from core.money.sums import Dimension, Filters

OF: tuple[Dimension, ...] = ("template", "model", "user")
# Days that are looked at, and those before each that it is compared with.
SHOWN, COMPARED = 7, 56
LEAST_DAYS = 7
# Scaled to a standard deviation, where days are spread normally.
SPREADS, SCALE = 4, Decimal("1.4826")
MOST_JOBS = 5


@dataclass(frozen=True)
class JobShare:
    id: str
    name: str
    cost_usd: Decimal


@dataclass(frozen=True)
class Anomaly:
    """An ended day of the reporting zone. `usual_usd`: the median of the days before on which it cost something;
    `limit_usd`: what it would have had to stay below. `jobs`: those it was spent on, the dearest first."""

    day: date
    of: Dimension
    key: str
    cost_usd: Decimal
    usual_usd: Decimal
    limit_usd: Decimal
    jobs: tuple[JobShare, ...]


def read(now: Costs, *, with_jobs: int | None = None) -> list[Anomaly]:
    """Of the last days that have ended, the latest first; the jobs of so many of them, None: of all."""
    today = now.as_of.astimezone(now.zone).date()
    first, last = today - timedelta(days=SHOWN + COMPARED), today - timedelta(days=1)
    stretch = stretches.whole_days(first, last, now.as_of, now.zone)
    shown = today - timedelta(days=SHOWN)
    found = [
        _anomaly(of, key, day, days)
        for (of, key), days in sorted(now.spend_by_key(stretch, OF).items(), key=_place)
        for day in days
        if day >= shown and is_beyond(days[day], _before(days, day))
    ]
    found.sort(key=lambda one: (one.day, one.cost_usd - one.usual_usd), reverse=True)
    number = len(found) if with_jobs is None else with_jobs
    return [replace(one, jobs=_jobs(now, one)) if at < number else one for at, one in enumerate(found)]


def _place(found: tuple[tuple[Dimension, str], object]) -> tuple[int, str]:
    of, key = found[0]
    return OF.index(of), key


def limit(before: Sequence[Decimal]) -> Decimal:
    """What a day must pass: median and four scaled median deviations, and twice the median."""
    usual = median(before)
    deviation = median([abs(cost - usual) for cost in before])
    return max(usual + SPREADS * SCALE * deviation, 2 * usual)


def is_beyond(cost: Decimal, before: Sequence[Decimal]) -> bool:
    return len(before) >= LEAST_DAYS and cost > limit(before)


def _before(days: Mapping[date, Decimal], day: date) -> list[Decimal]:
    return [cost for other, cost in days.items() if day - timedelta(days=COMPARED) <= other < day]


def _anomaly(of: Dimension, key: str, day: date, days: Mapping[date, Decimal]) -> Anomaly:
    before = _before(days, day)
    return Anomaly(day, of, key, days[day], median(before), limit(before), ())


def _jobs(now: Costs, one: Anomaly) -> tuple[JobShare, ...]:
    stretch = stretches.whole_days(one.day, one.day, now.as_of, now.zone)
    rows = now.table(["job"], stretch, Filters(**{one.of: (one.key,)}), limit=MOST_JOBS).rows
    names = now.labels("job", [row.keys[0] for row in rows])
    return tuple(
        JobShare(row.keys[0], names.get(row.keys[0], "(deleted job)"), row.sums.cost_usd) for row in rows if row.keys[0]
    )
