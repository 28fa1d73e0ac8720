"""Token usage and rate limits that an answer reports."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """Tokens of one call. `input_tokens` includes cached reads and cache writes, for every provider."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.output_tokens + other.output_tokens,
        )


@dataclass(frozen=True)
class Limit:
    """One rate limit as the headers of an answer report it, in requests or tokens by `kind`.

    `a_minute`: its size; `left`: what is left of it; `resets_in_s`: seconds until it is full again. None: not reported.
    """

    kind: str
    a_minute: int
    left: int | None
    resets_in_s: float | None
