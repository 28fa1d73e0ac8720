"""Calls without a price: a queue for people. A price that is set books them at the rates of their own day, and a newer
price list does so by itself. What has a price never changes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import structlog
from sqlalchemy import Row
from sqlmodel import Session

from core.access import audit
from core.errors import NotFound
from core.money import corrections, own_price_changes, own_prices, pricing, snapshot
from core.money.own_price_changes import NewPrice
from core.money.own_prices import OwnPrice, matches
from core.money.pricing import Price, Reason
from core.money.usage import price_json
from core.providers.usage import Terms, Tier, Usage
from core.runtime import db
from core.settings import defaults, provider_rows, store

log = structlog.get_logger()
# So many records are priced in one transaction.
AT_ONCE = 2_000
VERSION = f"{snapshot.VERSION}, {corrections.NOTED.isoformat()}"
BOOKED_WITH = "booked with"


@dataclass(frozen=True)
class Unpriced:
    """Calls of one model without a price for one reason. `suggestion`: a model that it may cost as much as."""

    provider: str
    model: str
    reason: Reason
    calls: int
    input_tokens: int
    output_tokens: int
    first: datetime
    last: datetime
    suggestion: str | None


@dataclass(frozen=True)
class Booked:
    """So many calls got a price, `cost_usd` in all. `price`: the one that was set; None: a newer list. `last`: the
    record that was looked at last."""

    calls: int
    cost_usd: Decimal
    price: OwnPrice | None = None
    last: int = 0

    def __add__(self, more: "Booked") -> "Booked":
        return Booked(self.calls + more.calls, self.cost_usd + more.cost_usd, self.price, more.last)


def queue() -> list[Unpriced]:
    """Of the workspace: what used most tokens first."""
    with db.transaction(everywhere=True) as session:
        found = db.rows(session, QUEUE)
    return [Unpriced(**row._mapping, suggestion=_suggestion(row.provider, row.model, row.reason)) for row in found]


QUEUE = """
SELECT provider, model, coalesce(unpriced_reason, 'no_price') AS reason, count(*)::int AS calls,
  sum(input_tokens)::bigint AS input_tokens, sum(output_tokens)::bigint AS output_tokens, min(time) AS first,
  max(time) AS last
FROM usage_record WHERE workspace_id = :workspace AND NOT priced
GROUP BY 1, 2, 3 ORDER BY sum(input_tokens + output_tokens) DESC, provider, model, reason
"""


def _suggestion(provider: str, model: str, reason: Reason) -> str | None:
    """Of the models with a price the one whose name is most like it; never applied by itself."""
    if reason != "no_price":
        return None
    try:
        kind = provider_rows.kind_of(provider)
    except LookupError:
        return None
    if found := next((name for name in _shorter(model) if snapshot.info(kind, name) is not None), None):
        return found
    near = [(_alike(_parts(model), _parts(name)), name) for name in defaults.suggested(provider)]
    alike, name = max(near, default=(0, ""))
    return name if alike >= ALIKE else None


# So many parts of a name, such as gpt and 5, say of which family it is.
ALIKE = 2


def _shorter(model: str) -> Iterator[str]:
    """Its name without what a server puts before it, and without one part after the other at its end."""
    name = model.rpartition("/")[2].lower()
    while name:
        yield name
        name = re.sub(r"[-:@]?[^-:@]*$", "", name)


def _parts(model: str) -> list[str]:
    return re.split(r"[-:@/.]", model.lower())


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """In how many parts from the beginning on."""
    same = [a == b for a, b in zip(one, other, strict=False)]
    return same.index(False) if False in same else len(same)


def price(new: NewPrice) -> Booked:
    """Set a price, and book with it the calls that wait for one, in one transaction. Raises InvalidInput, and NotFound
    where none waits.

    It holds from the day of the first of them on, if not earlier.
    """
    with db.transaction(everywhere=True) as session:
        waiting = db.rows(session, WAITING, provider=new.provider)
        days = [row.day for row in waiting if matches(new.model.strip(), row.model)]
        if not days:
            raise NotFound(f"No call of {new.model} at {new.provider} waits for a price.")
        made = own_price_changes.put(session, replace(new, valid_from=min([new.valid_from, *days])))
        own = own_prices.stored(session, new.provider)
        booked, block = Booked(0, Decimal(0)), _book_block(session, new.provider, 0, own)
        while block is not None:
            booked, block = booked + block, _book_block(session, new.provider, block.last, own)
        audit.write(session, "price.book", "price", made, after=_told(booked), of_machine=True)
    store.load()
    return replace(booked, price=own_price_changes.one(made))


def _told(booked: Booked) -> dict[str, object]:
    return {"calls": booked.calls, "cost_usd": f"{booked.cost_usd.normalize():f}"}


# A price ends these reasons. What has no counts, or units that no rate is for, stays. Of all workspaces: a provider
# charges the same in each.
CURABLE = "NOT priced AND unrated = 0 AND coalesce(unpriced_reason, 'no_price') IN ('no_price', 'no_rate')"
WAITING = f"""
SELECT model, min(time AT TIME ZONE 'UTC')::date AS day FROM usage_record
WHERE provider = :provider AND {CURABLE} GROUP BY 1
"""


def book() -> Booked:
    """Price what can be priced now: each call by the rates of its own day, block by block."""
    booked = Booked(0, Decimal(0))
    while True:
        with db.transaction(everywhere=True) as session:
            block = _book_block(session, None, booked.last, None)
        if block is None:
            return booked
        booked += block


def _book_block(session: Session, provider: str | None, after: int, own: tuple[OwnPrice, ...] | None) -> Booked | None:
    """The next calls after this record, of one provider or all; None after the last. `own`: the prices of the admins',
    where they are not those that this process knows."""
    found = db.rows(session, NEXT, provider=provider, after=after, most=AT_ONCE)
    if not found:
        return None
    priced = [(row.id, one) for row in found if (one := _price_of(row, own)) is not None and one.priced]
    _write(session, priced)
    return Booked(len(priced), sum((one.cost or Decimal(0) for _, one in priced), Decimal(0)), last=found[-1].id)


# Locked: whoever prices the same ones waits, and finds none left.
NEXT = f"""
SELECT id, provider, model, lane, tier, region, time, status, input_tokens, cached_input_tokens, cache_write_tokens,
  output_tokens, cache_write_long_tokens, reasoning_tokens, web_searches, unrated,
  coalesce((SELECT (b.usage ->> 'input_tokens')::bigint / greatest(b.requests, 1) FROM provider_batch b
    WHERE b.id = substr(booking, 7)), 0)::int AS average
FROM usage_record
WHERE {CURABLE} AND id > :after AND (CAST(:provider AS text) IS NULL OR provider = :provider)
ORDER BY id LIMIT :most FOR UPDATE
"""
WRITE = """
UPDATE usage_record u SET cost_usd = t.cost, list_usd = t.list, priced = true, unpriced_reason = NULL,
  price = t.price::jsonb
FROM unnest(%(id)s::bigint[], %(cost)s::numeric[], %(list)s::numeric[], %(price)s::text[]) AS t(id, cost, list, price)
WHERE u.id = t.id AND NOT u.priced
"""


def _price_of(row: Row[tuple[object, ...]], own: tuple[OwnPrice, ...] | None) -> Price | None:
    """None where nobody knows its provider any more."""
    usage = Usage(
        row.input_tokens,
        row.cached_input_tokens,
        row.cache_write_tokens,
        row.output_tokens,
        row.cache_write_long_tokens,
        row.reasoning_tokens,
        row.web_searches,
        row.unrated,
    )
    tier: Tier = row.tier
    try:
        held = own_prices.of(row.provider) if own is None else own
        cost = pricing.with_own(row.provider, held, row.model, row.lane, row.time)
    except LookupError:
        return None
    return (
        cost.of_many(usage, row.average)
        if row.status == "unattributed"
        else cost.of_read(usage, Terms(tier, row.region))
    )


def _write(session: Session, priced: Sequence[tuple[int, Price]]) -> None:
    if priced:
        db.columns(
            session,
            WRITE,
            id=[number for number, _ in priced],
            cost=[one.cost for _, one in priced],
            list=[one.list_usd for _, one in priced],
            price=[price_json(one) for _, one in priced],
        )


def follow_list() -> Booked | None:
    """Book what a newer list, or newer corrections, know; once for each, by the leader. None where nothing is new."""
    known = store.stored().get(BOOKED_WITH, {}).get("version")
    if known == VERSION:
        return None
    booked = book()
    with db.transaction(everywhere=True) as session:
        store.remember(session, BOOKED_WITH, {"version": VERSION})
        if booked.calls:
            was = {"version": known}
            audit.write(session, "price.book", "price", "list", before=was, after=_told(booked), of_machine=True)
    store.load()
    log.info("priced by a newer list", version=VERSION, calls=booked.calls)
    return booked
