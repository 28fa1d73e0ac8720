"""What a batch's answers are booked as: one usage record each, and one for what its lines do not account for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from core.batch.result_files import Key
from core.errors import InvalidInput
from core.money import pricing, usage
from core.money.pricing import Price
from core.money.usage import price_json
from core.providers.batch_api import Used
from core.providers.usage import Usage
from core.runtime import db
from core.runtime.text import storable

SENSELESS = Price(None, False, note="The provider's token counts make no sense.")


@dataclass(frozen=True)
class Account:
    """What all of a batch's answers are booked on."""

    batch: Any
    template_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Bill:
    model: str
    usage: Usage
    price: Price


def bill(account: Account, used: Used) -> Bill:
    batch = account.batch
    model = storable(used.model) or batch.model
    if used.usage is None:
        return Bill(model, Usage(), SENSELESS)
    try:
        return Bill(model, used.usage, pricing.tariff(batch.provider, model, "batch", account.at)(used.usage))
    except InvalidInput:
        return Bill(model, Usage(), SENSELESS)


def book(session: Session, account: Account, bills: Mapping[Key, Bill]) -> Usage:
    """Book what was not booked before, and return its usage."""
    if not bills:
        return Usage()
    kinds = {(bill.model, bill.price.note): bill.price for bill in bills.values()}
    numbers = {kind: number for number, kind in enumerate(kinds, 1)}
    (booked,) = db.columns(
        session,
        BOOK,
        at=account.at,
        job=account.batch.job_id,
        template=account.template_id,
        provider=account.batch.provider,
        models=[model for model, _ in kinds],
        priced=[price.priced for price in kinds.values()],
        prices=[price_json(price) for price in kinds.values()],
        request=array(key[0] for key in bills),
        attempt=array(key[1] for key in bills),
        kind=array(numbers[bill.model, bill.price.note] for bill in bills.values()),
        input=array(bill.usage.input_tokens for bill in bills.values()),
        cached=array(bill.usage.cached_input_tokens for bill in bills.values()),
        written=array(bill.usage.cache_write_tokens for bill in bills.values()),
        output=array(bill.usage.output_tokens for bill in bills.values()),
        cost=array("NULL" if bill.price.cost is None else bill.price.cost for bill in bills.values()),
    )
    return Usage(*booked)


BILLED = usage.insert(
    """unnest(%(request)s::bigint[], %(attempt)s::int[], %(kind)s::int[], %(input)s::bigint[], %(cached)s::bigint[],
    %(written)s::bigint[], %(output)s::bigint[], %(cost)s::numeric[])
    AS t(request_id, attempt, kind, input, cached, written, output, cost)""",
    time="%(at)s",
    job_id="%(job)s",
    request_id="request_id",
    template_id="%(template)s",
    attempt="attempt",
    provider="%(provider)s",
    model="(%(models)s::text[])[kind]",
    lane="'batch'",
    input_tokens="input",
    cached_input_tokens="cached",
    cache_write_tokens="written",
    output_tokens="output",
    cost_usd="cost",
    priced="(%(priced)s::bool[])[kind]",
    price="(%(prices)s::text[])[kind]::jsonb",
    status="'ok'",
)
BOOK = f"""
WITH booked AS (
  {BILLED}
  RETURNING input_tokens, cached_input_tokens, cache_write_tokens, output_tokens
)
SELECT coalesce(sum(input_tokens), 0)::bigint, coalesce(sum(cached_input_tokens), 0)::bigint,
  coalesce(sum(cache_write_tokens), 0)::bigint, coalesce(sum(output_tokens), 0)::bigint
FROM booked
"""


def book_unattributed(session: Session, account: Account, used: Usage, billed: Usage | None) -> None:
    """What the batch's own total holds beyond its readable lines was billed as well: booked once, on no request."""
    beyond = _beyond(billed, used) if billed else Usage()
    if beyond == Usage():
        return
    batch = account.batch
    price = pricing.price(batch.provider, batch.model, beyond, "batch", account.at)
    db.columns(
        session,
        BOOK_UNATTRIBUTED,
        at=account.at,
        job=batch.job_id,
        template=account.template_id,
        key=f"batch:{batch.id}",
        provider=batch.provider,
        model=batch.model,
        input=beyond.input_tokens,
        cached=beyond.cached_input_tokens,
        written=beyond.cache_write_tokens,
        output=beyond.output_tokens,
        cost=price.cost,
        priced=price.priced,
        price=price_json(price),
    )


BOOK_UNATTRIBUTED = usage.insert(
    "(SELECT %(key)s::text AS key) one",
    time="%(at)s",
    job_id="%(job)s",
    template_id="%(template)s",
    booking="key",
    provider="%(provider)s",
    model="%(model)s",
    lane="'batch'",
    input_tokens="%(input)s",
    cached_input_tokens="%(cached)s",
    cache_write_tokens="%(written)s",
    output_tokens="%(output)s",
    cost_usd="%(cost)s",
    priced="%(priced)s",
    price="%(price)s::jsonb",
    status="'unattributed'",
)


def _beyond(billed: Usage, used: Usage) -> Usage:
    """Each count by itself; what is cached is a part of what went in."""
    tokens = max(billed.input_tokens - used.input_tokens, 0)
    cached = min(max(billed.cached_input_tokens - used.cached_input_tokens, 0), tokens)
    written = min(max(billed.cache_write_tokens - used.cache_write_tokens, 0), tokens - cached)
    return Usage(tokens, cached, written, max(billed.output_tokens - used.output_tokens, 0))


def array(values: Iterable[object]) -> str:
    """An array of numbers as PostgreSQL writes it."""
    return f"{{{','.join(map(str, values))}}}"
