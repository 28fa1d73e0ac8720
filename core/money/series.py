"""Read-only: sums over time for a chart, stacked by a dimension or by the kinds of tokens."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from sqlmodel import Session

from core.errors import InvalidInput
from core.money import sums
from core.money.stretches import Stretch, number_of_days
from core.money.sums import DIMENSIONS, Dimension, Edition, Filters
from core.runtime import db

Step = Literal["hour", "day", "week", "month"]
Kind = Literal["kind"]
Metric = Literal["spend", "calls", "tokens", "uncached", "cached", "written", "output", "reasoning"]
# `output` is without reasoning where both are shown: together they are what was written.
METRICS: Mapping[Metric, str] = MappingProxyType(
    {
        "spend": "sum(cost_usd)",
        "calls": "sum(calls)",
        "tokens": "sum(input_tokens + output_tokens)",
        "uncached": "sum(input_tokens - cached_input_tokens - cache_write_tokens)",
        "cached": "sum(cached_input_tokens)",
        "written": "sum(cache_write_tokens)",
        "output": "sum(output_tokens - reasoning_tokens)",
        "reasoning": "sum(reasoning_tokens)",
    }
)
KINDS: tuple[Metric, ...] = ("uncached", "cached", "written", "output", "reasoning")
LARGEST = 8
HOURS_OF = timedelta(days=3)
Number = Decimal | int


@dataclass(frozen=True)
class Band:
    """`key`: of the dimension, None for records that have none; `others`: all that are not among the largest.
    `values`: one for each start of the series."""

    key: str | None
    others: bool
    values: tuple[Number, ...]


@dataclass(frozen=True)
class Series:
    """`starts`: days, or times in UTC where the step is an hour; none is left out. The largest band is first."""

    starts: tuple[date | datetime, ...]
    bands: tuple[Band, ...]


def read(
    session: Session,
    edition: Edition,
    metric: Metric,
    by: Dimension | Kind,
    step: Step,
    stretch: Stretch,
    filters: Filters,
) -> Series:
    zone = edition.zone if stretch.days == "reporting" else sums.UTC_ZONE
    starts = _starts(step, stretch, zone)
    source = sums.of_records(stretch, edition) if step == "hour" else sums.source(session, stretch, edition)
    when = _at(step, stretch)
    sql = _by_kind(when, source.sql, filters) if by == "kind" else _by_dimension(when, metric, by, source.sql, filters)
    given = {**source.given, **sums.parameters(filters), **({"days_of": zone.key} if step == "hour" else {})}
    found: defaultdict[tuple[str | None, bool], dict[date | datetime, Number]] = defaultdict(dict)
    for row in db.rows(session, sql, **given):
        found[row.key, row.others][row.at] = row.value if metric == "spend" and by != "kind" else int(row.value)
    bands = [Band(key, others, tuple(at.get(one, 0) for one in starts)) for (key, others), at in found.items()]
    if by != "kind":
        bands.sort(key=lambda band: (band.others, -sum(band.values), band.key or ""))
    return Series(starts, tuple(bands))


def _at(step: Step, stretch: Stretch) -> str:
    if step == "hour":
        return "date_trunc('hour', time, :days_of)"
    day = sums.DAY_OF[stretch.days]
    return day if step == "day" else f"date_trunc('{step}', {day})::date"


def _by_dimension(at: str, metric: Metric, by: Dimension, source: str, filters: Filters) -> str:
    return f"""
WITH found AS MATERIALIZED (
  SELECT {at} AS at, nullif({DIMENSIONS[by]}, '') AS key, {METRICS[metric]} AS value FROM {source}
  WHERE {sums.condition(filters)} GROUP BY 1, 2
), largest AS (
  SELECT coalesce(key, '') AS key FROM found GROUP BY 1 HAVING sum(value) > 0 ORDER BY sum(value) DESC, 1
  LIMIT {LARGEST}
)
SELECT f.at, CASE WHEN l.key IS NOT NULL THEN f.key END AS key, l.key IS NULL AS others, sum(f.value) AS value
FROM found f LEFT JOIN largest l ON l.key = coalesce(f.key, '') GROUP BY 1, 2, 3 HAVING sum(f.value) <> 0"""


def _by_kind(at: str, source: str, filters: Filters) -> str:
    kinds = ", ".join(f"{METRICS[kind]} AS {kind}" for kind in KINDS)
    places = ", ".join(f"({place}, '{kind}', {kind})" for place, kind in enumerate(KINDS))
    return f"""
SELECT f.at, v.key, false AS others, v.value
FROM (SELECT {at} AS at, {kinds} FROM {source} WHERE {sums.condition(filters)} GROUP BY 1) f
CROSS JOIN LATERAL (VALUES {places}) AS v(place, key, value) WHERE v.value <> 0 ORDER BY v.place"""


def _starts(step: Step, stretch: Stretch, zone: ZoneInfo) -> tuple[date | datetime, ...]:
    assert stretch.start is not None
    assert stretch.stop is not None
    if step == "hour":
        if stretch.stop - stretch.start > HOURS_OF:
            raise InvalidInput(f"Hours are shown of {HOURS_OF.days} days at most. Choose days, or a shorter stretch.")
        hour = _begin_of_hour(stretch.start, zone)
        hours = -((hour - stretch.stop) // timedelta(hours=1))
        return tuple(hour + timedelta(hours=number) for number in range(hours))
    first = stretch.start.astimezone(zone).date()
    days = (first + timedelta(days=number) for number in range(number_of_days(stretch, zone)))
    return tuple(dict.fromkeys(_begin(step, day) for day in days))


def _begin_of_hour(moment: datetime, zone: ZoneInfo) -> datetime:
    """In UTC; hours of zones begin at other minutes where they are half an hour away."""
    local = moment.astimezone(zone)
    return (local - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)).astimezone(
        UTC
    )


def _begin(step: Step, day: date) -> date:
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day
