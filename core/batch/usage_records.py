"""Usage records of a batch: one for each answer, and one for the billed tokens that no readable line accounts for.

Each has an idempotency key, so keeping the same results again books nothing: (request_id, attempt) for an answer,
`booking` for the rest of a batch.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from operator import attrgetter

from sqlmodel import Session

from core.batch.result_files import Key
from core.money import pricing, usage
from core.money.pricing import Price, Tariff
from core.money.usage import price_json
from core.providers.batch_api import Used
from core.providers.usage import Usage
from core.runtime import db
from core.runtime.text import storable
from core.tables.batches import ProviderBatch


@dataclass(frozen=True)
class Account:
    """What the usage records of one batch have in common.

    `at`: now. `ended_at`: when the provider had answered. `collections`: those that the job's documents were in.
    """

    batch: ProviderBatch
    workspace_id: str
    template_id: str | None
    at: datetime
    ended_at: datetime
    user: str = ""
    collections: tuple[str, ...] = ()
    # By model: looked up once for all answers.
    tariffs: dict[str, Tariff] = field(default_factory=dict)

    @property
    def collection(self) -> str | None:
        """Of every document, where there is but one."""
        return self.collections[0] if len(self.collections) == 1 else None


@dataclass(frozen=True, slots=True)
class Bill:
    model: str
    usage: Usage
    price: Price
    region: str | None = None


def bill(account: Account, used: Used, body_bytes: int | None) -> Bill:
    """The price of one answer to a request of so many bytes; None: nobody knows how many.

    Token counts that make no sense count as none, without a price.
    """
    batch, usage = account.batch, used.usage
    model = storable(used.model) or batch.model
    if account.template_id is not None and usage and body_bytes and pricing.more_than_sent(usage, body_bytes):
        usage = None
    cost = account.tariffs.get(model)
    if cost is None:
        cost = account.tariffs[model] = pricing.tariff(batch.provider, model, "batch", account.ended_at)
    price = cost.of_read(usage, used.terms)
    region = used.terms.region
    return Bill(model, usage or Usage(), price, storable(region) if region else None)


COLLECTION_OF = """
SELECT r.id, c.name FROM request r JOIN document d ON d.id = r.document_id JOIN collection c ON c.id = d.collection_id
WHERE r.id = ANY(:ids)
"""


def _collection_of(session: Session, account: Account, bills: Mapping[Key, Bill]) -> Mapping[int, str]:
    """By request, where the job is of several collections."""
    if account.template_id is None or account.collection is not None:
        return {}
    return {row.id: row.name for row in db.rows(session, COLLECTION_OF, ids=[key[0] for key in bills])}


def book(session: Session, account: Account, bills: Mapping[Key, Bill]) -> Usage:
    """Insert the usage records that do not exist yet, and return the sum of their tokens."""
    if not bills:
        return Usage()
    named = _collection_of(session, account, bills)
    kinds: dict[object, int] = {}
    firsts: list[tuple[Bill, str | None]] = []
    numbers = []
    for (request_id, _), one in bills.items():
        collection = named.get(request_id, account.collection)
        kind = one.model, one.price.applied, one.price.reason, one.region, collection
        number = kinds.get(kind)
        if number is None:
            firsts.append((one, collection))
            number = kinds[kind] = len(firsts)
        numbers.append(number)
    usages = [one.usage for one in bills.values()]
    (booked,) = db.columns(
        session,
        BOOK,
        workspace=account.workspace_id,
        at=account.ended_at,
        user=account.user,
        job=account.batch.job_id,
        template=account.template_id,
        provider=account.batch.provider,
        models=[one.model for one, _ in firsts],
        regions=[one.region for one, _ in firsts],
        collections=[collection for _, collection in firsts],
        reasons=[one.price.reason for one, _ in firsts],
        prices=[price_json(one.price) for one, _ in firsts],
        request=array(key[0] for key in bills),
        attempt=array(key[1] for key in bills),
        kind=array(numbers),
        **{name: _counts(map(field, usages)) for name, field in COUNTS.items()},
        cost=array(_or_null(bill.price.cost) for bill in bills.values()),
        list=array(_or_null(bill.price.list_usd) for bill in bills.values()),
    )
    return Usage(*booked)


def _or_null(cost: Decimal | None) -> object:
    return "NULL" if cost is None else cost


def _counts(values: Iterable[int]) -> str:
    """An empty array for nothing but zeros: what is rare costs a batch without it nothing."""
    counts = list(values)
    return array(counts) if any(counts) else "{}"


COUNTS: Mapping[str, Callable[[Usage], int]] = {
    "input": attrgetter("input_tokens"),
    "cached": attrgetter("cached_input_tokens"),
    "written": attrgetter("cache_write_tokens"),
    "lasting": attrgetter("cache_write_long_tokens"),
    "output": attrgetter("output_tokens"),
    "reasoning": attrgetter("reasoning_tokens"),
    "searches": attrgetter("web_searches"),
    "unrated": attrgetter("unrated"),
}
# One row per answer. Prices are few and long, so rows name theirs by number. What an empty array has none of is 0.
BILLED = usage.insert(
    """unnest(%(request)s::bigint[], %(attempt)s::int[], %(kind)s::int[], %(input)s::bigint[], %(cached)s::bigint[],
    %(written)s::bigint[], %(lasting)s::bigint[], %(output)s::bigint[], %(reasoning)s::bigint[],
    %(searches)s::bigint[], %(unrated)s::bigint[], %(cost)s::numeric[], %(list)s::numeric[])
    AS t(request_id, attempt, kind, input, cached, written, lasting, output, reasoning, searches, unrated, cost,
      list)""",
    workspace_id="%(workspace)s",
    time="%(at)s",
    **{'"user"': "%(user)s"},
    job_id="%(job)s",
    request_id="request_id",
    template_id="%(template)s",
    attempt="attempt",
    provider="%(provider)s",
    model="(%(models)s::text[])[kind]",
    lane="'batch'",
    input_tokens="coalesce(input, 0)",
    cached_input_tokens="coalesce(cached, 0)",
    cache_write_tokens="coalesce(written, 0)",
    cache_write_long_tokens="coalesce(lasting, 0)",
    output_tokens="coalesce(output, 0)",
    reasoning_tokens="coalesce(reasoning, 0)",
    web_searches="coalesce(searches, 0)",
    unrated="coalesce(unrated, 0)",
    tier="'batch'",
    region="(%(regions)s::text[])[kind]",
    collection="(%(collections)s::text[])[kind]",
    cost_usd="cost",
    list_usd="list",
    priced="(%(reasons)s::text[])[kind] IS NULL",
    unpriced_reason="(%(reasons)s::text[])[kind]",
    price="(%(prices)s::text[])[kind]::jsonb",
    status="'ok'",
)
BOOK = f"""
WITH booked AS (
  {BILLED}
  RETURNING input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, cache_write_long_tokens,
    reasoning_tokens
)
SELECT coalesce(sum(input_tokens), 0)::bigint, coalesce(sum(cached_input_tokens), 0)::bigint,
  coalesce(sum(cache_write_tokens), 0)::bigint, coalesce(sum(output_tokens), 0)::bigint,
  coalesce(sum(cache_write_long_tokens), 0)::bigint, coalesce(sum(reasoning_tokens), 0)::bigint
FROM booked
"""


def book_unattributed(session: Session, account: Account, used: Usage, billed: Usage | None) -> None:
    """Book the tokens of the provider's total (`billed`) that the lines do not account for: once, and on no request."""
    beyond = _beyond(billed, used) if billed else Usage()
    if billed is None or beyond == Usage():
        return
    batch = account.batch
    # As long as the batch's average call: as one it would have the rates of a very long prompt.
    average = round(billed.input_tokens / max(batch.requests, 1))
    price = pricing.tariff(batch.provider, batch.model, "batch", account.ended_at).of_many(beyond, average)
    db.columns(
        session,
        BOOK_UNATTRIBUTED,
        workspace=account.workspace_id,
        at=account.ended_at,
        user=account.user,
        job=batch.job_id,
        template=account.template_id,
        key=f"batch:{batch.id}",
        provider=batch.provider,
        model=batch.model,
        input=beyond.input_tokens,
        cached=beyond.cached_input_tokens,
        written=beyond.cache_write_tokens,
        lasting=beyond.cache_write_long_tokens,
        output=beyond.output_tokens,
        reasoning=beyond.reasoning_tokens,
        collection=account.collection,
        cost=price.cost,
        list=price.list_usd,
        reason=price.reason,
        price=price_json(price),
    )


# `booking` is the idempotency key: a batch has one such record.
BOOK_UNATTRIBUTED = usage.insert(
    "(SELECT %(key)s::text AS key) one",
    workspace_id="%(workspace)s",
    time="%(at)s",
    **{'"user"': "%(user)s"},
    job_id="%(job)s",
    template_id="%(template)s",
    booking="key",
    provider="%(provider)s",
    model="%(model)s",
    lane="'batch'",
    input_tokens="%(input)s",
    cached_input_tokens="%(cached)s",
    cache_write_tokens="%(written)s",
    cache_write_long_tokens="%(lasting)s",
    output_tokens="%(output)s",
    reasoning_tokens="%(reasoning)s",
    tier="'batch'",
    collection="%(collection)s",
    cost_usd="%(cost)s",
    list_usd="%(list)s",
    priced="%(reason)s::text IS NULL",
    unpriced_reason="%(reason)s::text",
    price="%(price)s::jsonb",
    status="'unattributed'",
)


def _beyond(billed: Usage, used: Usage) -> Usage:
    """Each count by itself; cached and written tokens are a part of the input."""
    tokens = max(billed.input_tokens - used.input_tokens, 0)
    cached = min(max(billed.cached_input_tokens - used.cached_input_tokens, 0), tokens)
    written = min(max(billed.cache_write_tokens - used.cache_write_tokens, 0), tokens - cached)
    output = max(billed.output_tokens - used.output_tokens, 0)
    lasting = min(max(billed.cache_write_long_tokens - used.cache_write_long_tokens, 0), written)
    reasoning = min(max(billed.reasoning_tokens - used.reasoning_tokens, 0), output)
    return Usage(tokens, cached, written, output, lasting, reasoning)


def array(values: Iterable[object]) -> str:
    """Numbers as a PostgreSQL array literal."""
    return f"{{{','.join(map(str, values))}}}"
