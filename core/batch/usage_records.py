"""Usage records of a batch: one for each answer, and one for the billed tokens that no readable line accounts for.

Each has an idempotency key, so keeping the same results again books nothing: (request_id, attempt) for an answer,
`booking` for the rest of a batch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from core.batch.result_files import Key
from core.money import pricing, usage
from core.money.pricing import Price
from core.money.usage import price_json
from core.providers.batch_api import Used
from core.providers.usage import Usage
from core.runtime import db
from core.runtime.text import storable
from core.tables.batches import ProviderBatch


@dataclass(frozen=True)
class Account:
    """What the usage records of one batch have in common."""

    batch: ProviderBatch
    workspace_id: str
    template_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Bill:
    model: str
    usage: Usage
    price: Price


def bill(account: Account, used: Used, body_bytes: int | None) -> Bill:
    """The price of one answer to a request of so many bytes; None: nobody knows how many.

    Token counts that make no sense count as none, without a price.
    """
    batch, usage = account.batch, used.usage
    model = storable(used.model) or batch.model
    if account.template_id is not None and usage and body_bytes and pricing.more_than_sent(usage, body_bytes):
        usage = None
    if usage is None:
        return Bill(model, Usage(), pricing.without_usage(batch.provider))
    return Bill(model, usage, pricing.tariff(batch.provider, model, "batch", account.at)(usage))


def book(session: Session, account: Account, bills: Mapping[Key, Bill]) -> Usage:
    """Insert the usage records that do not exist yet, and return the sum of their tokens."""
    if not bills:
        return Usage()
    kinds = {(bill.model, bill.price.note): bill.price for bill in bills.values()}
    numbers = {kind: number for number, kind in enumerate(kinds, 1)}
    (booked,) = db.columns(
        session,
        BOOK,
        workspace=account.workspace_id,
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


# One row per answer. Prices are few and long, so rows name theirs by number.
BILLED = usage.insert(
    """unnest(%(request)s::bigint[], %(attempt)s::int[], %(kind)s::int[], %(input)s::bigint[], %(cached)s::bigint[],
    %(written)s::bigint[], %(output)s::bigint[], %(cost)s::numeric[])
    AS t(request_id, attempt, kind, input, cached, written, output, cost)""",
    workspace_id="%(workspace)s",
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
    """Book the tokens of the provider's total (`billed`) that the lines do not account for: once, and on no request."""
    beyond = _beyond(billed, used) if billed else Usage()
    if beyond == Usage():
        return
    batch = account.batch
    price = pricing.price(batch.provider, batch.model, beyond, "batch", account.at)
    db.columns(
        session,
        BOOK_UNATTRIBUTED,
        workspace=account.workspace_id,
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


# `booking` is the idempotency key: a batch has one such record.
BOOK_UNATTRIBUTED = usage.insert(
    "(SELECT %(key)s::text AS key) one",
    workspace_id="%(workspace)s",
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
    """Each count by itself; cached and written tokens are a part of the input."""
    tokens = max(billed.input_tokens - used.input_tokens, 0)
    cached = min(max(billed.cached_input_tokens - used.cached_input_tokens, 0), tokens)
    written = min(max(billed.cache_write_tokens - used.cache_write_tokens, 0), tokens - cached)
    return Usage(tokens, cached, written, max(billed.output_tokens - used.output_tokens, 0))


def array(values: Iterable[object]) -> str:
    """Numbers as a PostgreSQL array literal."""
    return f"{{{','.join(map(str, values))}}}"
