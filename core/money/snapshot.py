"""The price list of genai-prices: rates of a model by tier and day, with those of long prompts.

It is that of the maker whose API the provider speaks, wherever it is called; what only others sell is not on it. The
arithmetic is our own (core.money.rates), and tested to be that of the package for every model on the list.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from core.money.rates import Rates, Sheet, Step
from core.providers.capabilities import Kind
from core.providers.known_models import is_sold_by_its_maker
from core.providers.usage import Tier

VERSION = version("genai-prices")
# How a tier is named there.
CONTEXTS: dict[Tier, dict[str, str]] = {
    "standard": {},
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}
# Our names of its rates.
THEIRS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_long": "cache_write_1h_mtok",
    "web_search": "web_searches_kcount",
}


@dataclass(frozen=True)
class Listed:
    """`own`: the tier has rates of its own; else these are the standard ones."""

    model: str
    sheet: Sheet
    own: bool


@lru_cache(maxsize=4096)
def listed(kind: Kind, model: str, tier: Tier, day: date) -> Listed | None:
    """None for a model that is not on the list, or is not sold by the token. Rates change at midnight, UTC."""
    found = info(kind, model)
    if found is None:
        return None
    at, context = datetime.combine(day, time(), UTC), CONTEXTS[tier]
    prices = found.get_prices(at, context)
    if prices.input_mtok is None:
        return None
    own = not context or any(_applies(variant, context, at) for variant in found.price_variants or ())
    return Listed(found.id, _sheet(prices), own)


def info(kind: Kind, model: str) -> Any:
    from genai_prices.data_snapshot import get_snapshot

    if not is_sold_by_its_maker(model):
        return None
    try:
        return get_snapshot().find_provider_model(model, None, kind, None)[1]
    except LookupError:
        return None


def _applies(variant: Any, context: dict[str, str], at: datetime) -> bool:
    active = variant.constraint is None or variant.constraint.active(at)
    return active and all(context.get(name) == value for name, value in variant.when.items())


def _sheet(prices: Any) -> Sheet:
    theirs = {name: rate for name, their in THEIRS.items() if (rate := getattr(prices, their)) is not None}
    starts = sorted({tier.start for rate in theirs.values() for tier in getattr(rate, "tiers", ())})
    steps = [-1, *starts]
    return Sheet(
        tuple(Step(above, Rates(**{name: _from(rate, above) for name, rate in theirs.items()})) for above in steps)
    )


def _from(rate: Any, above: int) -> Decimal:
    """Of prompts that are longer than this."""
    found = rate if isinstance(rate, Decimal) else rate.base
    for tier in getattr(rate, "tiers", ()):
        if tier.start <= above:
            found = tier.price
    return Decimal(found)
