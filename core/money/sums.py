"""Read-only: what sums of usage records are made of, and the SQL that reads them.

Every figure of money and tokens is put together from the relation `source` below, whose rows have the columns KEYS and
MEASURES and the days that they are of.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlmodel import Session

from core.money.stretches import Days, Stretch, midnight, split
from core.runtime import db

Dimension = Literal["provider", "model", "lane", "tier", "workspace", "user", "template", "collection", "job", "status"]
# As above, and two of time.
By = Literal[
    "day",
    "month",
    "provider",
    "model",
    "lane",
    "tier",
    "workspace",
    "user",
    "template",
    "collection",
    "job",
    "status",
]
DIMENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "provider": "provider",
        "model": "model",
        "lane": "lane",
        "tier": "tier",
        "workspace": "workspace_id",
        "user": '"user"',
        "template": "template_id",
        "collection": "collection",
        "job": "job_id",
        "status": "status",
    }
)
KEYS = ", ".join(DIMENSIONS.values())


@dataclass(frozen=True)
class Filters:
    """Of each dimension the values that count; none: all do. "" stands for records that have none, such as no job."""

    provider: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    lane: tuple[str, ...] = ()
    tier: tuple[str, ...] = ()
    workspace: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    template: tuple[str, ...] = ()
    collection: tuple[str, ...] = ()
    job: tuple[str, ...] = ()
    status: tuple[str, ...] = ()

    def given(self) -> dict[str, list[str]]:
        return {field.name: list(values) for field in fields(self) if (values := getattr(self, field.name))}


EVERYTHING = Filters()


def condition(filters: Filters, of: str = "") -> str:
    """SQL that holds for what the filters leave, with `parameters`. `of`: the relation's name and its dot."""
    return " AND ".join(
        ["true", *(_one(of + DIMENSIONS[name], name, given) for name, given in filters.given().items())]
    )


def _one(column: str, name: str, given: list[str]) -> str:
    # Not over coalesce where it is not needed: that no index knows.
    return f"coalesce({column}, '') = ANY(:of_{name})" if "" in given else f"{column} = ANY(:of_{name})"


def parameters(filters: Filters) -> dict[str, list[str]]:
    return {f"of_{name}": values for name, values in filters.given().items()}


@dataclass(frozen=True)
class Sums:
    """`calls` leaves out `reused` answers. `cost_usd` sums the priced calls; `unpriced` ones are not in it. `unheard`:
    calls with an unknown outcome, which are in the sums by their estimates.

    `cached_input_tokens` and `cache_write_tokens` are of `input_tokens`, `cache_write_long_tokens` of the written,
    `reasoning_tokens` of the output. `list_usd`: what `listed` records would have cost live at the standard tier, of
    those where that is known.
    """

    calls: int = 0
    reused: int = 0
    unpriced: int = 0
    unheard: int = 0
    unusable: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_long_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    web_searches: int = 0
    listed: int = 0
    cost_usd: Decimal = Decimal(0)
    list_usd: Decimal = Decimal(0)
    saved_by_batch_usd: Decimal = Decimal(0)
    saved_usd: Decimal = Decimal(0)

    @property
    def spent(self) -> Decimal | None:
        """The cost; None, not 0, if no call of them could be priced."""
        return None if self.unpriced and self.unpriced >= self.calls else self.cost_usd

    @property
    def at_list_prices(self) -> Decimal | None:
        """None where of no call it is known what it would have cost."""
        return None if self.calls and not self.listed else self.list_usd

    @property
    def uncached_tokens(self) -> int:
        return self.input_tokens - self.cached_input_tokens - self.cache_write_tokens


MEASURES = (
    *("calls", "reused", "unpriced", "input_tokens", "cached_input_tokens", "cache_write_tokens"),
    *("cache_write_long_tokens", "output_tokens", "reasoning_tokens", "web_searches", "listed"),
    *("cost_usd", "list_usd", "listed_cost_usd", "saved_usd"),
)


def _whole(name: str) -> str:
    return "numeric" if name.endswith("_usd") else "bigint"


_OTHERS = {
    "unheard": "calls) FILTER (WHERE status = 'unheard'",
    "unusable": "calls) FILTER (WHERE status = 'unusable'",
    "saved_by_batch_usd": "list_usd - listed_cost_usd) FILTER (WHERE tier = 'batch'",
}
_NAMES = [field.name for field in fields(Sums)]
# The columns of Sums, in its order.
SUMMED = ", ".join(f"coalesce(sum({_OTHERS.get(name, name)}), 0)::{_whole(name)} AS {name}" for name in _NAMES)
# The same of rows that have them.
SUMMED_AGAIN = ", ".join(f"coalesce(sum({name}), 0)::{_whole(name)} AS {name}" for name in _NAMES)
# What is left of records that were deleted is no row.
THERE = "sum(calls) <> 0 OR sum(reused) <> 0"

OF_RECORD = """CASE WHEN reused THEN 0 ELSE 1 END AS calls, CASE WHEN reused THEN 1 ELSE 0 END AS reused,
  CASE WHEN priced THEN 0 ELSE 1 END AS unpriced, input_tokens, cached_input_tokens, cache_write_tokens,
  cache_write_long_tokens, output_tokens, reasoning_tokens, web_searches,
  CASE WHEN list_usd IS NULL THEN 0 ELSE 1 END AS listed, coalesce(cost_usd, 0) AS cost_usd,
  coalesce(list_usd, 0) AS list_usd,
  CASE WHEN list_usd IS NULL THEN 0 ELSE coalesce(cost_usd, 0) END AS listed_cost_usd,
  coalesce(saved_usd, 0) AS saved_usd"""
RECORDS = f"""SELECT (time AT TIME ZONE 'UTC')::date AS day, (time AT TIME ZONE :zone)::date AS zone_day, time,
  {KEYS}, {OF_RECORD}
FROM usage_record WHERE workspace_id = :workspace"""
DAY_OF: Mapping[Days, str] = MappingProxyType({"utc": "day", "reporting": "zone_day"})
UTC_ZONE = ZoneInfo("UTC")
# In place of no beginning and no end.
FIRST, LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Source:
    """A relation, as what stands after FROM, and the values of its parameters."""

    sql: str
    given: Mapping[str, Any]


@dataclass(frozen=True)
class Edition:
    """Which sums count, and the zone of the reporting days in them; `as_of` when its transaction began."""

    number: int
    zone: ZoneInfo
    as_of: datetime


def edition(session: Session) -> Edition:
    found = db.row(session, "SELECT edition, zone, now() AS as_of FROM sums_edition")
    assert found is not None
    return Edition(found.edition, ZoneInfo(found.zone), found.as_of)


_SUMMED = ", ".join((KEYS, *MEASURES))
# Of whole days. Both in one statement, and so of one snapshot: what is being folded is in either of them.
FOLDED: Mapping[Days, str] = MappingProxyType(
    {
        "utc": f"""SELECT day, zone_day, {_SUMMED} FROM usage_sum
  WHERE workspace_id = :workspace AND edition = :edition AND day >= :first AND day < :last""",
        # By the index of the other days, which are the same or neighbours.
        "reporting": f"""SELECT day, zone_day, {_SUMMED} FROM usage_sum
  WHERE workspace_id = :workspace AND edition = :edition AND zone_day >= :first AND zone_day < :last
    AND day >= CAST(:first AS date) - 1 AND day < CAST(:last AS date) + 1""",
    }
)
DELTAS = f"""SELECT (quarter AT TIME ZONE 'UTC')::date AS day, (quarter AT TIME ZONE :zone)::date AS zone_day, {_SUMMED}
  FROM usage_delta WHERE workspace_id = :workspace AND quarter >= :begin AND quarter < :end"""
# Of a part of a day.
PART = f"""SELECT (time AT TIME ZONE 'UTC')::date AS day, (time AT TIME ZONE :zone)::date AS zone_day, {KEYS},
  {OF_RECORD}
  FROM usage_record WHERE workspace_id = :workspace AND time >= :{{0}} AND time < :{{1}}"""


def source(session: Session, stretch: Stretch, of: Edition) -> Source:
    """All that is summed over."""
    zone = of.zone if stretch.days == "reporting" else UTC_ZONE
    found = split(_widened(session, stretch, zone), zone)
    begin, end = (_begin(day, zone) for day in (found.first, found.last))
    given = {"zone": of.zone.key, "edition": of.number, "first": found.first, "last": found.last}
    given |= {"begin": begin, "end": end}
    parts = [FOLDED[stretch.days], DELTAS]
    for number, times in enumerate(found.parts):
        names = f"begin_{number}", f"end_{number}"
        parts.append(PART.format(*names))
        given |= dict(zip(names, times, strict=True))
    return Source(f"({' UNION ALL '.join(parts)}) s", given)


def _widened(session: Session, stretch: Stretch, zone: ZoneInfo) -> Stretch:
    """To whole days where no record lies between: nothing is of the rest of today, and sums are read and no records."""
    start = stretch.start if stretch.start and stretch.start > FIRST else None
    stop = stretch.stop if stretch.stop and stretch.stop < LAST else None
    if start and (begin := midnight(start.astimezone(zone).date(), zone)) < start:
        start = start if _are_any(session, begin, start) else begin
    if stop and midnight(day := stop.astimezone(zone).date(), zone) < stop:
        end = midnight(day + timedelta(days=1), zone)
        stop = stop if _are_any(session, stop, end) else end
    return Stretch(start, stop, stretch.days)


def _are_any(session: Session, begin: datetime, end: datetime) -> bool:
    # Most of what a page sums ends at the same moment.
    known: dict[tuple[str, datetime, datetime], bool] = {}
    if db.is_snapshot(session):
        known = session.info.setdefault(ANY, known)
    asked = db.workspace_of(session), begin, end
    if asked not in known:
        known[asked] = db.row(session, ANY, begin=begin, end=end) is not None
    return known[asked]


ANY = """
SELECT 1 FROM usage_record WHERE workspace_id = :workspace AND time >= :begin AND time < :end LIMIT 1"""


def of_records(stretch: Stretch, of: Edition) -> Source:
    """The records themselves, with their `time`."""
    given = {"begin": stretch.start or FIRST, "end": stretch.stop or LAST, "zone": of.zone.key}
    return Source(f"({RECORDS} AND time >= :begin AND time < :end) s", given)


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return FIRST if day == date.min else LAST if day == date.max else midnight(day, zone)
