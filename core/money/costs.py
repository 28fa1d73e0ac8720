"""Read-only: money (USD) and tokens, as sums of usage records, and the records themselves."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from core.runtime import db
from core.runtime.paging import Page, checked_limit, cut, number

By = Literal["day", "provider", "model", "lane", "user", "template"]
KEYS: dict[str, str] = {
    "day": "to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    "provider": "provider",
    "model": "model",
    "lane": "lane",
    "user": '"user"',
    "template": "coalesce(template_id, '')",
}


@dataclass(frozen=True)
class UsageSum:
    """`calls` leaves out `reused` answers. `cost_usd` sums the priced calls; `unpriced` ones are not in it."""

    key: str
    calls: int
    reused: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unpriced: int


@dataclass(frozen=True)
class DaySum:
    """One day (UTC) of one model."""

    day: str
    provider: str
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unpriced: int


@dataclass(frozen=True)
class Total:
    """As UsageSum. `unheard`: calls with an unknown outcome, which are in the sums by their estimates."""

    calls: int
    reused: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unpriced: int
    unheard: int


@dataclass(frozen=True)
class JobCost:
    job_id: str
    name: str
    calls: int
    cost_usd: Decimal


@dataclass(frozen=True)
class UsageRow:
    id: int
    time: datetime
    job: str | None
    request: int | None
    provider: str
    model: str
    lane: str
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    priced: bool
    reused: bool
    latency_ms: int | None
    status: str


# Sums of usage records, with the columns of UsageSum.
SUMS = """count(*) FILTER (WHERE NOT reused) AS calls, count(*) FILTER (WHERE reused) AS reused,
  coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
  coalesce(sum(cached_input_tokens), 0)::bigint AS cached_input_tokens,
  coalesce(sum(output_tokens), 0)::bigint AS output_tokens, coalesce(sum(cost_usd), 0) AS cost_usd,
  count(*) FILTER (WHERE NOT priced) AS unpriced"""
RANGE = """(CAST(:start AS timestamptz) IS NULL OR time >= :start)
  AND (CAST(:stop AS timestamptz) IS NULL OR time < :stop)"""


def sums(by: By, start: datetime | None = None, stop: datetime | None = None) -> list[UsageSum]:
    """Sums by one key, from `start` to before `stop`; days newest first, other keys dearest first."""
    order = "key DESC" if by == "day" else "cost_usd DESC, key"
    sql = f"""SELECT {KEYS[by]} AS key, {SUMS} FROM usage_record
              WHERE workspace_id = :workspace AND {RANGE} GROUP BY 1 ORDER BY {order}"""
    with db.transaction() as session:
        return [UsageSum(**row._mapping) for row in db.rows(session, sql, start=start, stop=stop)]


def total(start: datetime | None = None, stop: datetime | None = None) -> Total:
    sql = f"""SELECT {SUMS}, count(*) FILTER (WHERE status = 'unheard') AS unheard
              FROM usage_record WHERE workspace_id = :workspace AND {RANGE}"""
    with db.transaction() as session:
        found = db.row(session, sql, start=start, stop=stop)
    assert found is not None
    return Total(**found._mapping)


def by_day_and_model(start: datetime, stop: datetime) -> list[DaySum]:
    # Grouped by the date and not by its text, which takes twice as long to make for every record.
    sql = f"""SELECT (time AT TIME ZONE 'UTC')::date AS day, provider, model,
                count(*) FILTER (WHERE NOT reused) AS calls, sum(input_tokens)::bigint AS input_tokens,
                sum(output_tokens)::bigint AS output_tokens, coalesce(sum(cost_usd), 0) AS cost_usd,
                count(*) FILTER (WHERE NOT priced) AS unpriced
              FROM usage_record WHERE workspace_id = :workspace AND {RANGE} GROUP BY 1, 2, 3 ORDER BY 1, 3"""
    with db.transaction() as session:
        found = db.rows(session, sql, start=start, stop=stop)
    return [DaySum(**{**row._mapping, "day": row.day.isoformat()}) for row in found]


def dearest_jobs(start: datetime, stop: datetime, limit: int = 10) -> list[JobCost]:
    sql = f"""SELECT u.job_id, coalesce(min(j.name), '(deleted job)') AS name,
                count(*) FILTER (WHERE NOT u.reused) AS calls, coalesce(sum(u.cost_usd), 0) AS cost_usd
              FROM usage_record u LEFT JOIN job j ON j.id = u.job_id
              WHERE u.workspace_id = :workspace AND u.job_id IS NOT NULL AND {RANGE}
              GROUP BY u.job_id ORDER BY cost_usd DESC, calls DESC LIMIT :limit"""
    with db.transaction() as session:
        return [JobCost(**row._mapping) for row in db.rows(session, sql, start=start, stop=stop, limit=limit)]


def records(*, job: str | None = None, limit: int = 100, cursor: str | None = None) -> Page[UsageRow]:
    checked_limit(limit)
    sql = """SELECT id, time, job_id AS job, request_id AS request, provider, model, lane, input_tokens,
               cached_input_tokens, cache_write_tokens, output_tokens, cost_usd, priced, reused, latency_ms, status
             FROM usage_record WHERE workspace_id = :workspace AND (CAST(:cursor AS bigint) IS NULL OR id < :cursor)
               AND (CAST(:job AS text) IS NULL OR job_id = :job) ORDER BY id DESC LIMIT :limit"""
    with db.transaction() as session:
        found = db.rows(session, sql, job=job, cursor=number(cursor, "usage"), limit=limit + 1)
    rows = [UsageRow(**row._mapping) for row in found]
    return cut(rows, limit, "usage", [row.id for row in rows])
