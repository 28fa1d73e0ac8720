"""The month that a budget counts."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Month:
    """From `start` to before `stop`, in UTC: the days from `first` to before `last`. `name` is such as 2026-11."""

    name: str
    start: datetime
    stop: datetime
    first: date
    last: date


def month_of(at: datetime, zone: ZoneInfo) -> Month:
    """The month of this moment in a zone."""
    first = at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return Month(f"{first:%Y-%m}", first.astimezone(UTC), following.astimezone(UTC), first.date(), following.date())
