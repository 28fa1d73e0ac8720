"""What a call costs in USD, as Decimal: by its provider's own rates, else by the price list of genai-prices.

The list is that of the maker whose API the provider speaks, wherever it is called; what only others sell is not on it.
Without a known price: None, never 0.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from core.errors import InvalidInput
from core.providers import capabilities
from core.providers.capabilities import Kind
from core.providers.known_models import is_sold_by_its_maker
from core.providers.usage import Usage
from core.settings import provider_prices, provider_rows
from core.settings.provider_prices import Prices, Rates

SOURCE = f"genai-prices {version('genai-prices')}"
# More than any model takes in one call: a larger count is a fault of the provider that reports it.
MOST_TOKENS = 1_000_000_000
SMALLEST = Decimal("0.000000000001")
FULL_PRICE = "No batch rate is known: full price."


@dataclass(frozen=True)
class Price:
    """`cost` in USD. `rates`: what was applied, ready for JSON: USD per million tokens, and their source."""

    cost: Decimal | None
    priced: bool
    rates: dict[str, Any] = field(default_factory=dict)
    note: str | None = None


UNKNOWN_USAGE = Price(None, False, note="The provider's token counts make no sense, so the cost is not known.")
FREE = Price(Decimal(0), True, {"source": "set for the provider: free"})


def without_usage(provider: str) -> Price:
    """Of an answer whose tokens nobody knows: what is free costs nothing, whatever it counts."""
    return FREE if provider_rows.of(provider).prices == "free" else UNKNOWN_USAGE


# What a server may put before a prompt unseen: a prompt of its own, its tools.
UNSEEN_TOKENS = 20_000


def more_than_sent(usage: Usage, body_bytes: int) -> bool:
    """Whether more tokens were read, as the server says, than a body of so many bytes can have."""
    return usage.input_tokens > body_bytes + UNSEEN_TOKENS


def price(provider: str, model: str, usage: Usage, lane: str, at: datetime) -> Price:
    """The price of one call. Raises InvalidInput for impossible token counts."""
    row = provider_rows.of(provider)
    return _price(row.kind, row.prices, model, usage, lane, at)


def _price(kind: Kind, prices: Prices, model: str, usage: Usage, lane: str, at: datetime) -> Price:
    _check(usage)
    if not capabilities.of_kind(kind).is_billed:
        return Price(Decimal(0), True, {"source": "offline engine"})
    if prices == "free":
        return FREE
    if isinstance(prices, Rates):
        return _by_own_rates(prices, usage, lane)
    live = _calculate(kind, model, usage, at, batch=False)
    if live is None:
        return Price(None, False, note=f"No price is known for {model}.")
    if lane != "batch":
        return Price(_exact(live.total_price), True, _rates(live))
    batch = _calculate(kind, model, usage, at, batch=True)
    assert batch is not None
    # Rates are date-gated and silently fall back to the full price.
    note = FULL_PRICE if batch.total_price == live.total_price != 0 else None
    return Price(_exact(batch.total_price), True, _rates(batch), note)


def _by_own_rates(rates: Rates, usage: Usage, lane: str) -> Price:
    plain = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
    cost = (
        rates.input * plain
        + rates.cached * usage.cached_input_tokens
        + rates.cache_write * usage.cache_write_tokens
        + rates.output * usage.output_tokens
    ) / 1_000_000
    applied = {"source": "set for the provider", "rates": provider_prices.as_json(rates)}
    return Price(_exact(cost), True, applied, FULL_PRICE if lane == "batch" and cost else None)


def tariff(provider: str, model: str, lane: str, at: datetime) -> Callable[[Usage], Price]:
    """`price` as a function of usage, for many calls of one model at one moment. The function raises as `price`."""
    row = provider_rows.of(provider)
    return _tariff(row.kind, row.prices, model, lane, at)


@lru_cache(maxsize=64)
def _tariff(kind: Kind, prices: Prices, model: str, lane: str, at: datetime) -> Callable[[Usage], Price]:
    """The model is looked up once. If none of its rates depends on the amount, the cost is a sum of counts times
    constants, which are computed from genai-prices' own results; every other model is priced call by call.
    """
    none = _price(kind, prices, model, Usage(), lane, at)
    if isinstance(prices, Rates):
        return lambda usage: _price(kind, prices, model, usage, lane, at)
    if not capabilities.of_kind(kind).is_billed or prices == "free" or not none.priced:
        return _checked(lambda usage: none)
    live = _linear(kind, model, at, batch=False)
    batch = _linear(kind, model, at, batch=True) if lane == "batch" else live
    if live is None or batch is None:
        return lambda usage: _price(kind, prices, model, usage, lane, at)
    full = Price(none.cost, True, none.rates, FULL_PRICE)

    def cost(usage: Usage) -> Price:
        total = batch(usage)
        like = full if lane == "batch" and total == live(usage) != 0 else none
        return Price(_exact(total), True, like.rates, like.note)

    return _checked(cost)


def _checked(cost: Callable[[Usage], Price]) -> Callable[[Usage], Price]:
    def check(usage: Usage) -> Price:
        _check(usage)
        return cost(usage)

    return check


def _linear(kind: Kind, model: str, at: datetime, *, batch: bool) -> Callable[[Usage], Decimal] | None:
    def total(usage: Usage) -> Decimal:
        return Decimal(_calculate(kind, model, usage, at, batch=batch).total_price)

    rates = vars(_calculate(kind, model, Usage(), at, batch=batch).model_price)
    if not all(rate is None or isinstance(rate, Decimal) for rate in rates.values()):
        return None
    base = total(Usage())
    per_input, per_output = total(Usage(input_tokens=1)) - base, total(Usage(output_tokens=1)) - base
    # A cached token is an input token, too: these are the differences to that, mostly negative.
    per_cached = total(Usage(input_tokens=1, cached_input_tokens=1)) - base - per_input
    per_written = total(Usage(input_tokens=1, cache_write_tokens=1)) - base - per_input

    def linear(usage: Usage) -> Decimal:
        cost = base + per_input * usage.input_tokens + per_output * usage.output_tokens
        if usage.cached_input_tokens or usage.cache_write_tokens:
            cost += per_cached * usage.cached_input_tokens + per_written * usage.cache_write_tokens
        return cost

    return linear


def estimate(provider: str, model: str, input_tokens: int, output_tokens: int, lane: str, at: datetime) -> Price:
    return price(provider, model, Usage(input_tokens=input_tokens, output_tokens=output_tokens), lane, at)


def of_calls(
    provider: str, model: str, calls: int, input_tokens: int, output_tokens: int, lane: str, at: datetime
) -> Decimal | None:
    """The estimated cost in USD of so many calls with these tokens in all; None without a known price.

    The average call is priced, not the sum: long calls may have higher rates, and no call takes a billion tokens.
    Raises InvalidInput as `price`.
    """
    if not calls:
        return Decimal(0)
    one = estimate(provider, model, round(input_tokens / calls), round(output_tokens / calls), lane, at).cost
    return None if one is None else one * calls


def _calculate(kind: Kind, model: str, usage: Usage, at: datetime, *, batch: bool) -> Any:
    from genai_prices import Usage as PricedUsage
    from genai_prices import calc_price

    if not is_sold_by_its_maker(model):
        return None
    try:
        return calc_price(
            PricedUsage(
                input_tokens=usage.input_tokens,
                cache_read_tokens=usage.cached_input_tokens,
                cache_write_tokens=usage.cache_write_tokens,
                output_tokens=usage.output_tokens,
            ),
            model,
            provider_id=kind,
            genai_request_timestamp=at,
            price_context={"processing": "batch"} if batch else None,
        )
    except LookupError:
        return None


def _rates(calculation: Any) -> dict[str, Any]:
    return {"model": calculation.model.id, "applied": _described(calculation.model_price), "source": SOURCE}


# By the id of a rates object of genai-prices, of which there are few, for ever. To describe one takes longer than to
# price a call.
_descriptions: dict[int, tuple[Any, str]] = {}


def _described(rates: Any) -> str:
    known = _descriptions.get(id(rates))
    if known is None or known[0] is not rates:
        known = _descriptions[id(rates)] = (rates, str(rates))
    return known[1]


def _exact(cost: Decimal) -> Decimal:
    return cost.quantize(SMALLEST)


def _check(usage: Usage) -> None:
    for count in (usage.input_tokens, usage.cached_input_tokens, usage.cache_write_tokens, usage.output_tokens):
        if type(count) is not int or not 0 <= count <= MOST_TOKENS:
            raise InvalidInput("Token counts must be whole numbers from 0 to a billion.")
    if usage.cached_input_tokens + usage.cache_write_tokens > usage.input_tokens:
        raise InvalidInput("Cached tokens cannot be more than the input tokens that include them.")
