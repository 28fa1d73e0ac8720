"""Read-only: money (USD) and tokens, as sums of usage records, and the records themselves.

    with costs.reading() as now:
        now.total(stretch, filters)

All that is read within one block is of one moment, so tables sum to their totals.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from core.money import series, sums
from core.money.series import Kind, Metric, Series, Step
from core.money.stretches import ALWAYS, Stretch
from core.money.sums import DIMENSIONS, EVERYTHING, By, Dimension, Edition, Filters, Sums
from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, number
from core.tables.access import called


@dataclass(frozen=True)
class Row:
    """One row of a table. `keys`: one for each of what it is by; None: no such thing, as of a call without a job. Days
    are 2026-11-30, months 2026-11."""

    keys: tuple[str | None, ...]
    sums: Sums


@dataclass(frozen=True)
class Table:
    """`total` is of all rows, also of those beyond `more`."""

    rows: tuple[Row, ...]
    total: Sums
    more: bool


@dataclass(frozen=True)
class UsageRow:
    id: int
    time: datetime
    job: str | None
    request: int | None
    provider: str
    model: str
    lane: str
    tier: str
    region: str | None
    user: str | None
    template: str | None
    collection: str | None
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    cache_write_long_tokens: int
    output_tokens: int
    reasoning_tokens: int
    web_searches: int
    cost_usd: Decimal | None
    list_usd: Decimal | None
    saved_usd: Decimal | None
    priced: bool
    unpriced_reason: str | None
    price: dict[str, Any] | None
    reused: bool
    latency_ms: int | None
    status: str


@contextmanager
def reading() -> Iterator["Costs"]:
    with db.snapshot() as session:
        edition = sums.edition(session)
        yield Costs(session, edition.as_of, edition)


@dataclass(frozen=True)
class Costs:
    """What there is at one moment, `as_of`."""

    session: Session
    as_of: datetime
    edition: Edition

    @property
    def zone(self) -> ZoneInfo:
        """Of the reporting days. After a change of the setting it is the former one until all sums are made anew."""
        return self.edition.zone

    def total(self, stretch: Stretch = ALWAYS, filters: Filters = EVERYTHING) -> Sums:
        source = sums.source(self.session, stretch, self.edition)
        sql = f"SELECT {sums.SUMMED} FROM {source.sql} WHERE {sums.condition(filters)}"
        found = db.row(self.session, sql, **source.given, **sums.parameters(filters))
        assert found is not None
        return _sums(found)

    def table(
        self,
        by: Sequence[By],
        stretch: Stretch = ALWAYS,
        filters: Filters = EVERYTHING,
        *,
        limit: int | None = None,
        skip: int = 0,
    ) -> Table:
        """Sums by one key or two: days and months newest first, others dearest first."""
        names = [f"key_{place}" for place, _ in enumerate(by)]
        order = [f"{names[0]} DESC"] if by[0] in ("day", "month") else []
        source = sums.source(self.session, stretch, self.edition)
        sql = TABLE.format(
            keys=", ".join(f"{self._key(one, stretch)} AS {name}" for one, name in zip(by, names, strict=True)),
            source=source.sql,
            condition=sums.condition(filters),
            names=", ".join(names),
            none=", ".join(f"NULL AS {name}" for name in names),
            order=", ".join([*order, "cost_usd DESC", "calls DESC", *names]),
        )
        most = None if limit is None else limit + 1
        total, *found = db.rows(self.session, sql, most=most, skip=skip, **source.given, **sums.parameters(filters))
        rows = tuple(Row(tuple(map(_named, by, row[1:])), _sums(row)) for row in found[:limit])
        return Table(rows, _sums(total), len(found) > len(rows))

    def spend_by_day(self, stretch: Stretch) -> dict[date, Decimal]:
        """What each day of the reporting zone cost, of those that cost something."""
        source = sums.source(self.session, stretch, self.edition)
        return {row.day: row.cost for row in db.rows(self.session, SPEND.format(source=source.sql), **source.given)}

    def spend_by_key(
        self, stretch: Stretch, dimensions: Sequence[Dimension]
    ) -> dict[tuple[Dimension, str], dict[date, Decimal]]:
        """The same of each key of some dimensions."""
        source = sums.source(self.session, stretch, self.edition)
        keys = ", ".join(f"('{one}', {DIMENSIONS[one]})" for one in dimensions)
        found: dict[tuple[Dimension, str], dict[date, Decimal]] = {}
        for row in db.rows(self.session, SPEND_BY_KEY.format(keys=keys, source=source.sql), **source.given):
            found.setdefault((row.dimension, row.key), {})[row.day] = row.cost
        return found

    def series(
        self,
        metric: Metric,
        by: Dimension | Kind,
        step: Step,
        stretch: Stretch,
        filters: Filters = EVERYTHING,
    ) -> Series:
        """The bars of a chart over a closed stretch: the largest of a dimension and the others; or tokens by "kind".

        Raises InvalidInput for hours of more than series.HOURS_OF.
        """
        return series.read(self.session, self.edition, metric, by, step, stretch, filters)

    def first_day(self, stretch: Stretch, filters: Filters = EVERYTHING) -> date | None:
        """On which something was called; None: nothing was."""
        source = sums.source(self.session, stretch, self.edition)
        sql = FIRST_DAY.format(day=sums.DAY_OF[stretch.days], source=source.sql, condition=sums.condition(filters))
        found: date | None = db.scalar(self.session, sql, **source.given, **sums.parameters(filters))
        return found

    def new_insights(self, stretch: Stretch, filters: Filters = EVERYTHING) -> int:
        """How many insights were first seen in a stretch; with filters, those with evidence from such calls."""
        given = {"begin": stretch.start or sums.FIRST, "end": stretch.stop or sums.LAST}
        sql = NEW_INSIGHTS if filters == EVERYTHING else f"{NEW_INSIGHTS} AND EXISTS ({CALLS} AND {_of_calls(filters)})"
        found: int = db.scalar(self.session, sql, **given, **sums.parameters(filters))
        return found

    def labels(self, of: By, keys: Sequence[str | None]) -> dict[str, str]:
        """What these keys are called, of jobs, templates, people and workspaces that are there; others as they are."""
        ids = [key for key in keys if key] if of in LABELS else []
        return {row.id: row.name for row in db.rows(self.session, LABELS[of], ids=ids)} if ids else {}

    def _key(self, by: By, stretch: Stretch) -> str:
        if by not in ("day", "month"):
            # Nobody is ''; what else there may be none of is NULL.
            return "nullif(\"user\", '')" if by == "user" else DIMENSIONS[by]
        # Grouped by the date and not by its text, which takes twice as long to make for every record.
        day = sums.DAY_OF[stretch.days]
        return day if by == "day" else f"date_trunc('month', {day})::date"


def _sums(row: Any) -> Sums:
    return Sums(**{field.name: getattr(row, field.name) for field in fields(Sums)})


def _named(by: By, value: Any) -> str | None:
    text: str | None = value.isoformat()[: 7 if by == "month" else 10] if by in ("day", "month") else value
    return text


FIRST_DAY = f"""
SELECT min(day) FROM (SELECT {{day}} AS day FROM {{source}} WHERE {{condition}} GROUP BY 1 HAVING {sums.THERE}) days
"""
SPEND = """
SELECT zone_day AS day, sum(cost_usd) AS cost FROM {source} GROUP BY 1 HAVING sum(cost_usd) <> 0
"""
SPEND_BY_KEY = """
SELECT zone_day AS day, dimension, key, sum(cost_usd) AS cost
FROM {source} CROSS JOIN LATERAL (VALUES {keys}) k(dimension, key)
WHERE key <> '' GROUP BY 1, 2, 3 HAVING sum(cost_usd) <> 0
"""


def _of_calls(filters: Filters) -> str:
    return sums.condition(filters, "u.")


# The total, then the rows: both of one reading. NULL in place of the number of rows is no limit.
TABLE = f"""
WITH found AS MATERIALIZED (
  SELECT {{keys}}, {sums.SUMMED} FROM {{source}} WHERE {{condition}} GROUP BY {{names}} HAVING {sums.THERE}
)
SELECT 0 AS place, {{none}}, {sums.SUMMED_AGAIN} FROM found
UNION ALL (SELECT 1, found.* FROM found ORDER BY {{order}} LIMIT :most OFFSET :skip)
ORDER BY place, {{order}}"""
# By ix_insight_first_seen.
NEW_INSIGHTS = """
SELECT count(*) FROM insight i
WHERE i.workspace_id = :workspace AND i.first_seen >= :begin AND i.first_seen < :end AND i.head_id IS NULL
  AND NOT i.quarantined"""
CALLS = """SELECT 1 FROM evidence e JOIN response s ON s.id = e.response_id
  JOIN usage_record u ON u.request_id = s.request_id AND NOT u.reused
  WHERE e.insight_id = i.id AND u.workspace_id = :workspace"""
LABELS: Mapping[By, str] = MappingProxyType(
    {
        "job": "SELECT id, name FROM job WHERE workspace_id = :workspace AND id = ANY(:ids)",
        "template": """SELECT id, name FROM template
                       WHERE (workspace_id = :workspace OR workspace_id IS NULL) AND id = ANY(:ids)""",
        "user": f"SELECT p.id, {called('p.id')} AS name FROM person p WHERE p.id = ANY(:ids)",
        "workspace": "SELECT id, name FROM workspace WHERE id = :workspace AND id = ANY(:ids)",
    }
)


def records(
    stretch: Stretch = ALWAYS, filters: Filters = EVERYTHING, *, limit: int = 100, cursor: str | None = None
) -> Page[UsageRow]:
    """Newest first."""
    checked_limit(limit)
    given = {"begin": stretch.start, "end": stretch.stop, "cursor": number(cursor, "usage"), "limit": limit + 1}
    sql = f"{NEWEST} AND {sums.condition(filters)} ORDER BY id DESC LIMIT :limit"
    with db.reading() as session:
        found = db.rows(session, sql, **given, **sums.parameters(filters))
    rows = [UsageRow(**row._mapping) for row in found]
    return cut(rows, limit, "usage", [row.id for row in rows])


NEWEST = """
SELECT id, time, job_id AS job, request_id AS request, provider, model, lane, tier, region, nullif("user", '') AS user,
  template_id AS template, collection, input_tokens, cached_input_tokens, cache_write_tokens, cache_write_long_tokens,
  output_tokens, reasoning_tokens, web_searches, cost_usd, list_usd, saved_usd, priced, unpriced_reason, price, reused,
  latency_ms, status
FROM usage_record WHERE workspace_id = :workspace AND (CAST(:cursor AS bigint) IS NULL OR id < :cursor)
  AND (CAST(:begin AS timestamptz) IS NULL OR time >= :begin)
  AND (CAST(:end AS timestamptz) IS NULL OR time < :end)"""
