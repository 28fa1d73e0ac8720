"""Stretches of time that costs are summed over, and what a day is: pure calendar, in UTC or the reporting zone."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from core.errors import InvalidInput

Days = Literal["utc", "reporting"]


@dataclass(frozen=True)
class Stretch:
    """From `start` to before `stop`, both aware; None: open. `days`: which days its sums by day are of."""

    start: datetime | None = None
    stop: datetime | None = None
    days: Days = "utc"


ALWAYS = Stretch()


@dataclass(frozen=True)
class Split:
    """A stretch as whole days, from `first` to before `last`, and the parts of days before and after them."""

    first: date
    last: date
    parts: tuple[tuple[datetime, datetime], ...]


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def last_days(number: int, now: datetime, zone: ZoneInfo, days: Days = "reporting") -> Stretch:
    """So many days, today included, which has lasted until now."""
    return Stretch(midnight(now.astimezone(zone).date() - timedelta(days=number - 1), zone), now, days)


def whole_days(first: date, last: date, now: datetime, zone: ZoneInfo, days: Days = "reporting") -> Stretch:
    """From the first to the last day, both included, and not beyond now."""
    return Stretch(midnight(first, zone), min(midnight(last + timedelta(days=1), zone), now), days)


def month(of: date, now: datetime, zone: ZoneInfo, days: Days = "reporting") -> Stretch:
    """The month of this day, and not beyond now."""
    first = of.replace(day=1)
    return whole_days(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1), now, zone, days)


def since(day: date, stretch: Stretch, zone: ZoneInfo) -> Stretch:
    """What a stretch has from that day on, which is one of its own."""
    return replace(stretch, start=midnight(day, zone))


def number_of_days(stretch: Stretch, zone: ZoneInfo) -> int:
    """How many days a closed stretch touches."""
    assert stretch.start is not None
    assert stretch.stop is not None
    last = stretch.stop.astimezone(zone) - timedelta(microseconds=1)
    return max(1, (last.date() - stretch.start.astimezone(zone).date()).days + 1)


def before(stretch: Stretch, zone: ZoneInfo) -> Stretch:
    """The equally long stretch before a closed one, cut at the same time of day: a part of a day is set against the
    same part of one."""
    assert stretch.start is not None
    assert stretch.stop is not None
    back = timedelta(days=number_of_days(stretch, zone))
    # Of local times, so that it stays the same time of day when the clocks are changed.
    start, stop = ((moment.astimezone(zone) - back).astimezone(UTC) for moment in (stretch.start, stretch.stop))
    return Stretch(start, stop, stretch.days)


def split(stretch: Stretch, zone: ZoneInfo) -> Split:
    """`zone`: of the stretch's days."""
    first, last = date.min, date.max
    parts = []
    if stretch.start is not None:
        first = stretch.start.astimezone(zone).date()
        if midnight(first, zone) < stretch.start:
            first += timedelta(days=1)
            parts.append((stretch.start, midnight(first, zone)))
    if stretch.stop is not None:
        last = stretch.stop.astimezone(zone).date()
        if midnight(last, zone) < stretch.stop:
            parts.append((midnight(last, zone), stretch.stop))
    if last < first:
        # Within one day.
        assert stretch.start is not None
        assert stretch.stop is not None
        last, parts = first, [(stretch.start, stretch.stop)]
    return Split(first, last, tuple(parts))


def moment(given: str, zone: ZoneInfo) -> datetime:
    """What "2026-11-30", the begin of that day, or a time with its offset stands for, in UTC. Raises InvalidInput."""
    try:
        found = datetime.fromisoformat(given)
        if len(given) == len("2026-11-30"):
            return midnight(found.date(), zone)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput("start and stop are a day such as 2026-11-30, or a time such as 2026-11-30T14:00:00Z.")
