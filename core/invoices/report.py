"""Read-only: what was fetched, and both sides' figures by day, model, lane and kind of token."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from core.errors import NotFound
from core.providers.billing import Kind, Lane
from core.runtime import db
from core.tables.invoices import FetchState


@dataclass(frozen=True)
class FetchRow:
    """`message`: why it failed. `scope`: what the reports were limited to; "" for the whole organization."""

    id: str
    provider: str
    start: date
    stop: date
    state: FetchState
    message: str | None
    scope: str
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class TheirRow:
    """Tokens and money as one report has them: `source` says which of them."""

    day: date
    source: str
    model: str
    lane: Lane | None
    kind: Kind
    tokens: int | None
    usd: Decimal | None
    list_usd: Decimal | None


@dataclass(frozen=True)
class OurRow:
    """Sums of usage records; `input_tokens` has the cached ones and the writes. `cost_usd` is of the priced calls."""

    day: date
    model: str
    lane: Lane
    input_tokens: int
    cached_tokens: int
    write_tokens: int
    long_tokens: int
    output_tokens: int
    cost_usd: Decimal
    calls: int
    unpriced: int
    unheard: int


@dataclass(frozen=True)
class DayRow:
    """Which reports there are of a day, and since when."""

    day: date
    source: str
    origin: str
    fetched_at: datetime


FETCH = "SELECT id, provider, start, stop, state, message, scope, created_at, ended_at FROM invoice_fetch"


def fetch(fetch_id: str) -> FetchRow:
    """Raises NotFound."""
    with db.reading(everywhere=True) as session:
        row = db.row(session, f"{FETCH} WHERE id = :id", id=fetch_id)
    if row is None:
        raise NotFound(f"There is no order {fetch_id!r} to fetch invoices.")
    return FetchRow(**row._mapping)


def newest(provider: str) -> FetchRow | None:
    with db.reading(everywhere=True) as session:
        sql = f"{FETCH} WHERE provider = :provider ORDER BY created_at DESC, id DESC LIMIT 1"
        row = db.row(session, sql, provider=provider)
    return FetchRow(**row._mapping) if row else None


def days(session: Session, provider: str, start: date, stop: date) -> list[DayRow]:
    return [DayRow(**row._mapping) for row in db.rows(session, DAYS, provider=provider, start=start, stop=stop)]


DAYS = """
SELECT day, source, origin, fetched_at FROM invoice_day
WHERE provider = :provider AND day >= :start AND day < :stop ORDER BY day, source
"""


def theirs(session: Session, provider: str, start: date, stop: date) -> list[TheirRow]:
    return [TheirRow(**row._mapping) for row in db.rows(session, THEIRS, provider=provider, start=start, stop=stop)]


THEIRS = """
SELECT day, source, model, lane, kind, tokens, usd, list_usd FROM invoice_line
WHERE provider = :provider AND day >= :start AND day < :stop ORDER BY day, model, lane, kind, id
"""


def ours(session: Session, provider: str, start: date, stop: date) -> list[OurRow]:
    return [OurRow(**row._mapping) for row in db.rows(session, OURS, provider=provider, start=start, stop=stop)]


_COUNTED = """model, lane, calls, unpriced, input_tokens, cached_input_tokens, cache_write_tokens,
    cache_write_long_tokens, output_tokens, cost_usd, status"""
# Of every workspace: a provider charges for all of them. What is being folded is in one of both.
OURS = f"""
SELECT day, model, lane, sum(input_tokens)::bigint AS input_tokens, sum(cached_input_tokens)::bigint AS cached_tokens,
  sum(cache_write_tokens)::bigint AS write_tokens, sum(cache_write_long_tokens)::bigint AS long_tokens,
  sum(output_tokens)::bigint AS output_tokens, sum(cost_usd) AS cost_usd, sum(calls)::bigint AS calls,
  sum(unpriced)::bigint AS unpriced, coalesce(sum(calls) FILTER (WHERE status = 'unheard'), 0)::bigint AS unheard
FROM (
  SELECT day, {_COUNTED} FROM usage_sum WHERE edition = (SELECT edition FROM sums_edition)
    AND provider = :provider AND day >= :start AND day < :stop
  UNION ALL
  SELECT (quarter AT TIME ZONE 'UTC')::date AS day, {_COUNTED} FROM usage_delta
  WHERE provider = :provider AND quarter >= CAST(:start AS date)::timestamp AT TIME ZONE 'UTC'
    AND quarter < CAST(:stop AS date)::timestamp AT TIME ZONE 'UTC') s
GROUP BY day, model, lane HAVING sum(calls) <> 0 ORDER BY day, model, lane
"""
