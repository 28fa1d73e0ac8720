"""What a provider's calls cost, as an admin says: by its maker's list, nothing, or own rates. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from core.errors import InvalidInput

# USD per million tokens: more than any model costs, so that a figure in another unit is seen.
HIGHEST = Decimal(100_000)
DECIMALS = 12


@dataclass(frozen=True)
class Rates:
    """USD per million tokens. `input`: of tokens that were neither read from a cache nor written to one."""

    input: Decimal
    cached: Decimal
    cache_write: Decimal
    output: Decimal


Prices = Literal["list", "free"] | Rates
NAMES = tuple(field.name for field in fields(Rates))


def read(stored: Any) -> Prices:
    """As `as_json` wrote it."""
    if isinstance(stored, Mapping):
        return Rates(**{name: Decimal(stored[name]) for name in NAMES})
    return "free" if stored == "free" else "list"


def as_json(prices: Prices) -> str | dict[str, str]:
    return {name: f"{rate:f}" for name, rate in asdict(prices).items()} if isinstance(prices, Rates) else prices


def checked(given: Any) -> Prices:
    """Prices as somebody entered them. Without a rate for cached tokens these cost what other input does.

    Raises InvalidInput.
    """
    if given in ("list", "free"):
        return read(given)
    if not isinstance(given, Mapping):
        raise InvalidInput(HOW)
    if unknown := sorted({str(name) for name in given} - {*NAMES}):
        raise InvalidInput(f"There is no rate {', '.join(unknown)}. {HOW}")
    if given.get("input") is None or given.get("output") is None:
        raise InvalidInput(f"Own rates need input and output. {HOW}")
    rates = {name: checked_rate(name, given[name]) for name in NAMES if given.get(name) is not None}
    found = Rates(**{"cached": rates["input"], "cache_write": rates["input"], **rates})
    if not any(asdict(found).values()):
        raise InvalidInput("Rates that are all 0 are no rates. Where calls cost nothing, set prices to free.")
    return found


HOW = (
    "Prices are list, free, or USD per million tokens as decimal strings: input, output, and if you like cached and "
    "cache_write."
)


def checked_rate(name: str, given: Any) -> Decimal:
    """A bool, a float, a negative or an endless number is none."""
    try:
        rate = Decimal(given.strip()) if isinstance(given, str) else Decimal(given) if type(given) is int else None
    except InvalidOperation:
        rate = None
    rate = given if isinstance(given, Decimal) else rate
    if rate is None or not rate.is_finite() or not 0 <= rate <= HIGHEST or -int(rate.as_tuple().exponent) > DECIMALS:
        raise InvalidInput(f"The rate {name} is a number from 0 to {HIGHEST:,} as a decimal string. {HOW}")
    return rate
