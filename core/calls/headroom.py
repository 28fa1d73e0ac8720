"""Headroom of a model's rate limits: buckets as they are now, and how long until a call fits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf

from core.errors import Unavailable
from core.providers.rate_limit_headers import KINDS

SHORTEST_WAIT = 0.05
LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Bucket:
    """One limit, in requests or tokens by `kind`: `level` of at most `most` may be taken now.

    It refills by `per_second`; one with `renews_in_s` is counted by windows: it is full again in so many seconds, and
    does not refill before. `settled` is its row's counter of all that ended calls had taken.
    """

    kind: str
    level: float
    most: float
    per_second: float
    renews_in_s: float | None
    settled: float

    def wait_s(self, amount: float) -> float:
        """Seconds until this amount may be taken; for more than the bucket holds, until the bucket is full."""
        missing = min(amount, self.most) - self.level
        if missing <= 0:
            return 0.0
        wait = missing / self.per_second if self.renews_in_s is None else self.renews_in_s
        return max(SHORTEST_WAIT, wait)


@dataclass(frozen=True)
class Headroom:
    """What may go out now of one model. `buckets` are those that have a limit; `settled` is of all kinds.

    `blocked_s`: the provider refuses everything for so many seconds.
    """

    provider: str
    model: str
    buckets: Mapping[str, Bucket]
    settled: Mapping[str, float] = field(default_factory=dict)
    blocked_s: float = 0.0

    def level(self, kind: str) -> float:
        return self.buckets[kind].level if kind in self.buckets else inf

    @property
    def none(self) -> bool:
        return self.blocked_s > 0 or any(self.level(kind) < 1 for kind in self.buckets)

    @property
    def counts_tokens(self) -> bool:
        return len(self.buckets) > ("requests" in self.buckets)

    def full(self, kind: str) -> bool:
        """Whether the bucket is full: then one call may go out, even one that takes more than the bucket holds."""
        return kind not in self.buckets or self.buckets[kind].level >= self.buckets[kind].most

    def calls(self, output_tokens: int) -> int:
        """How many calls of so many output tokens may go out, as far as requests and output tokens are limited."""
        if self.none:
            return 0
        writing = self.level("output_tokens") / output_tokens if output_tokens else inf
        return int(min(self.level("requests"), max(writing, self.full("output_tokens")), LARGEST))

    def wait_s(self, input_tokens: int, output_tokens: int) -> float:
        """Seconds until one such call may go out; 0 if it may now."""
        amounts = amounts_of(input_tokens, output_tokens)
        return max([self.blocked_s, *(one.wait_s(amounts[kind]) for kind, one in self.buckets.items())])


def amounts_of(input_tokens: float, output_tokens: float, calls: int = 1) -> dict[str, float]:
    """What calls that use so many tokens in all take from the buckets of each kind."""
    amounts = (calls, input_tokens + output_tokens, input_tokens, output_tokens)
    return {kind: float(amount) for kind, amount in zip(KINDS, amounts, strict=True)}


class NoRoom(Unavailable):
    """The provider's rate limit has no room at the moment. Ask again later."""

    code = "RATE_LIMITED"

    def __init__(self, provider: str, model: str, seconds: float):
        when = datetime.now(UTC) + timedelta(seconds=seconds)
        super().__init__(
            f"The rate limit of {provider}/{model} has no room for this at the moment. Ask again in {seconds:,.0f} s."
        )
        self.wait_s = seconds
        self.detail = {"retry_at": when.isoformat()}
