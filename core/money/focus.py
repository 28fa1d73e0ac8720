"""Usage records in the format of FOCUS 1.2 (focus.finops.org), in which tools take the bills of many providers: a row
for each UTC day, job, model and kind of token.

What a call costs is booked as one sum. It is shared among its kinds by the rates that were applied to it, and the rest
of rounding falls to the dearest of them, so that the rows sum to what was booked. Where no rates are known, as where an
answer states its cost itself, there is one row of all tokens. A cost that is not known is empty, though FOCUS wants
one: 0 would say that it was free.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, BinaryIO

from core.exports.columns import Column
from core.exports.write import write
from core.money import costs, export, sums
from core.money.export import Of
from core.money.sums import FIRST, LAST, Filters
from core.runtime import db
from core.settings import provider_rows

SMALLEST = Decimal("0.000000000001")
PER_TOKEN, PER_SEARCH = Decimal(1_000_000), Decimal(1_000)
TOKENS, SEARCHES, ALL = "Tokens", "Searches", "all"
# What is billed, by the rate that it is billed at.
KINDS = {
    "input": "Input tokens",
    "cached": "Input tokens read from a cache",
    "cache_write": "Input tokens written to a cache",
    "cache_write_long": "Input tokens written to a cache that lives long",
    "output": "Output tokens",
    "web_search": "Web searches",
    ALL: "Tokens",
}
COLUMNS = (
    Column("BilledCost", "money"),
    Column("BillingAccountId"),
    Column("BillingAccountName"),
    Column("BillingCurrency"),
    Column("BillingPeriodEnd", "time"),
    Column("BillingPeriodStart", "time"),
    Column("ChargeCategory"),
    Column("ChargeClass"),
    Column("ChargeDescription"),
    Column("ChargeFrequency"),
    Column("ChargePeriodEnd", "time"),
    Column("ChargePeriodStart", "time"),
    Column("ConsumedQuantity", "integer"),
    Column("ConsumedUnit"),
    Column("ContractedCost", "money"),
    Column("ContractedUnitPrice", "money"),
    Column("EffectiveCost", "money"),
    Column("InvoiceIssuerName"),
    Column("ListCost", "money"),
    Column("ListUnitPrice", "money"),
    Column("PricingCategory"),
    Column("PricingQuantity", "integer"),
    Column("PricingUnit"),
    Column("ProviderName"),
    Column("PublisherName"),
    Column("RegionId"),
    Column("ResourceId"),
    Column("ResourceName"),
    Column("ResourceType"),
    Column("ServiceCategory"),
    Column("ServiceName"),
    Column("ServiceSubcategory"),
    Column("SkuId"),
    Column("SkuMeter"),
    Column("SkuPriceId"),
    Column("SubAccountId"),
    Column("SubAccountName"),
    Column("SubAccountType"),
    Column("Tags", "json"),
)


@dataclass(frozen=True)
class Charge:
    """What the rows of one day, job, model and tier have in common."""

    day: date
    job: str | None
    job_name: str | None
    workspace: str
    workspace_name: str | None
    provider: str
    model: str
    tier: str
    region: str | None


@dataclass
class Part:
    """`cost` and `listed` None: not known."""

    quantity: int = 0
    cost: Decimal | None = None
    listed: Decimal | None = None
    reasons: set[str] = field(default_factory=set)

    def add(self, quantity: int, cost: Decimal | None, listed: Decimal | None, reason: str | None) -> None:
        self.quantity += quantity
        self.cost = cost if self.cost is None else self.cost + (cost or 0)
        self.listed = listed if self.listed is None else self.listed + (listed or 0)
        self.reasons |= {reason} if reason else set()


def export_focus(file: BinaryIO, of: Of, filters: Filters) -> None:
    export.note("focus", dict(filters.given()))
    with costs.reading() as now:
        stretch = of(now.zone)
        given = {"begin": stretch.start or FIRST, "end": stretch.stop or LAST, **sums.parameters(filters)}
        found = db.stream(now.session, RECORDS.format(sums.condition(filters, "u.")), **given)
        write(file, "csv", "FOCUS", COLUMNS, _rows(found))


# Reused answers are no charges. In the order of what is grouped further on.
RECORDS = """
SELECT r.*, j.name AS job_name, w.name AS workspace_name FROM (
  SELECT (u.time AT TIME ZONE 'UTC')::date AS day, u.job_id AS job, u.workspace_id AS workspace, u.provider, u.model,
    u.tier, u.region, u.price -> 'rates' AS rates, u.unpriced_reason,
    sum(u.input_tokens - u.cached_input_tokens - u.cache_write_tokens)::bigint AS input,
    sum(u.cached_input_tokens)::bigint AS cached,
    sum(u.cache_write_tokens - u.cache_write_long_tokens)::bigint AS cache_write,
    sum(u.cache_write_long_tokens)::bigint AS cache_write_long, sum(u.output_tokens)::bigint AS output,
    sum(u.web_searches)::bigint AS web_search, sum(u.cost_usd) AS cost,
    CASE WHEN count(u.list_usd) = count(*) THEN sum(u.list_usd) END AS listed
  FROM usage_record u
  WHERE u.workspace_id = :workspace AND NOT u.reused AND u.time >= :begin AND u.time < :end AND {}
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9) r
LEFT JOIN job j ON j.id = r.job AND j.workspace_id = :workspace
LEFT JOIN workspace w ON w.id = r.workspace
ORDER BY r.day, r.job, r.workspace, r.provider, r.model, r.tier, r.region, r.rates::text, r.unpriced_reason
"""


def _rows(found: Iterable[Any]) -> Iterator[list[Any]]:
    for charge, records in groupby(found, _charge):
        parts: dict[str, Part] = {}
        for record in records:
            for kind, quantity, cost, listed in _shared(record):
                parts.setdefault(kind, Part()).add(quantity, cost, listed, record.unpriced_reason)
        for kind, part in sorted(parts.items()):
            yield _row(charge, kind, part)


def _charge(record: Any) -> Charge:
    return Charge(
        record.day,
        record.job,
        record.job_name,
        record.workspace,
        record.workspace_name,
        record.provider,
        record.model,
        record.tier,
        record.region,
    )


def _shared(record: Any) -> list[tuple[str, int, Decimal | None, Decimal | None]]:
    """(kind, quantity, cost, list price) of what was used, which sum to the record's."""
    counts = {kind: max(0, getattr(record, kind)) for kind in KINDS if kind != ALL}
    used = {kind: count for kind, count in counts.items() if count}
    nominal = {kind: count * _rate(record.rates or {}, kind) for kind, count in used.items()}
    if not sum(nominal.values()):
        if used and not record.cost and not record.listed:
            return [(kind, count, record.cost, record.listed) for kind, count in used.items()]
        # Nobody knows which of them costs what.
        tokens = sum(count for kind, count in used.items() if kind != "web_search")
        return [(ALL, tokens, record.cost, record.listed)]
    billed, listed = _divided(record.cost, nominal), _divided(record.listed, nominal)
    return [(kind, count, billed[kind], listed[kind]) for kind, count in used.items()]


def _rate(rates: dict[str, str], kind: str) -> Decimal:
    """USD for one. Caches cost what other input does where neither of their rates is known (core.money.rates)."""
    known = rates.get(kind) or (rates.get("cache_write") if kind == "cache_write_long" else None)
    if known is None and kind in ("cached", "cache_write", "cache_write_long"):
        known = rates.get("input")
    return Decimal(known or 0) / (PER_SEARCH if kind == "web_search" else PER_TOKEN)


def _divided(amount: Decimal | None, nominal: dict[str, Decimal]) -> dict[str, Decimal | None]:
    if amount is None:
        return dict.fromkeys(nominal)
    whole = sum(nominal.values())
    shares = {kind: (amount * one / whole).quantize(SMALLEST) for kind, one in nominal.items()}
    dearest = max(nominal, key=lambda kind: nominal[kind])
    shares[dearest] += amount - sum(shares.values())
    return dict(shares)


def _row(charge: Charge, kind: str, part: Part) -> list[Any]:
    values = {**_whose(charge), **_when(charge.day), **_how_much(kind, part)}
    values |= {
        "ChargeDescription": f"{KINDS[kind]} of {charge.model}, {charge.tier}",
        "SkuMeter": KINDS[kind],
        "SkuPriceId": f"{charge.model}/{charge.tier}/{kind}",
        "Tags": {"tier": charge.tier} | ({"unpriced": sorted(part.reasons)} if part.reasons else {}),
    }
    return [values.get(column.name) for column in COLUMNS]


def _whose(charge: Charge) -> dict[str, Any]:
    provider = provider_rows.label(charge.provider)
    return {
        "BillingAccountId": charge.provider,
        "BillingAccountName": provider,
        "BillingCurrency": "USD",
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "InvoiceIssuerName": provider,
        "PricingCategory": "Dynamic" if charge.tier == "flex" else "Standard",
        "ProviderName": provider,
        "PublisherName": provider,
        "RegionId": charge.region,
        "ResourceId": charge.job,
        "ResourceName": charge.job_name,
        "ResourceType": "Job" if charge.job else None,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": f"{provider} API",
        "ServiceSubcategory": "Generative AI",
        "SkuId": charge.model,
        "SubAccountId": charge.workspace,
        "SubAccountName": charge.workspace_name,
        "SubAccountType": "Workspace",
    }


def _when(day: date) -> dict[str, datetime]:
    begin = datetime.combine(day, time(), UTC)
    month = begin.replace(day=1)
    return {
        "BillingPeriodStart": month,
        "BillingPeriodEnd": (month + timedelta(days=31)).replace(day=1),
        "ChargePeriodStart": begin,
        "ChargePeriodEnd": begin + timedelta(days=1),
    }


def _how_much(kind: str, part: Part) -> dict[str, Any]:
    unit = SEARCHES if kind == "web_search" else TOKENS
    return {
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost"), part.cost),
        **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), part.quantity),
        **dict.fromkeys(("ConsumedUnit", "PricingUnit"), unit),
        "ContractedUnitPrice": _each(part.cost, part.quantity),
        "ListCost": part.listed,
        "ListUnitPrice": _each(part.listed, part.quantity),
    }


def _each(cost: Decimal | None, quantity: int) -> Decimal | None:
    return None if cost is None or not quantity else (cost / quantity).quantize(SMALLEST)
