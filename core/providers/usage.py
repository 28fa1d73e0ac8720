"""Token usage and rate limits that an answer reports."""

from dataclasses import astuple, dataclass
from decimal import Decimal
from typing import Literal, get_args

# What a call is billed as; "fast" is a mode of Anthropic's, "priority" also OpenAI's fast mode.
Tier = Literal["standard", "batch", "flex", "priority", "fast"]
TIERS: tuple[Tier, ...] = get_args(Tier)


@dataclass(frozen=True)
class Usage:
    """Tokens of one call. `input_tokens` includes cached reads and cache writes, for every provider.

    Cache writes include the long-lived ones, the output the reasoning. `unrated`: how much of it is of another unit,
    which no rate of ours is for: tokens of sound and pictures, calls of paid tools other than web searches.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cache_write_long_tokens: int = 0
    reasoning_tokens: int = 0
    web_searches: int = 0
    unrated: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(ours + theirs for ours, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Terms:
    """What an answer reports beside its tokens that decides its price.

    `tier` None: it does not tell. `stated_usd`: what it says that it cost. `trouble`: why its usage is None.
    """

    tier: Tier | None = None
    region: str | None = None
    stated_usd: Decimal | None = None
    trouble: Literal["no_usage", "odd_usage"] | None = None


PLAIN = Terms()


@dataclass(frozen=True)
class Limit:
    """One rate limit as the headers of an answer report it, in requests or tokens by `kind`.

    `a_minute`: its size; `left`: what is left of it; `resets_in_s`: seconds until it is full again. None: not reported.
    """

    kind: str
    a_minute: int
    left: int | None
    resets_in_s: float | None
