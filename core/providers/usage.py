"""Token usage and rate limits that an answer reports."""

from collections.abc import Iterable
from dataclasses import dataclass

# More than any model reads or writes in one call: a larger count is a fault of the server that reports it.
MOST_READ = 20_000_000
MOST_WRITTEN = 2_000_000


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


def counted(read: object, written: object, *, cached: object = None, cache_write: object = None) -> Usage | None:
    """Usage of the counts that a server reports, `read` with the cached ones; None where they make no sense.

    Nobody knows then what the call costs: no count is guessed, none is taken for 0, and no text for a number. A prompt
    has at least one token, so that nothing read is no count either.
    """
    counts = [count(one) for one in (read, written)] + [
        0 if one is None else count(one) for one in (cached, cache_write)
    ]
    tokens, output, from_cache, to_cache = counts
    if tokens is None or output is None or from_cache is None or to_cache is None:
        return None
    if not 0 < tokens <= MOST_READ or output > MOST_WRITTEN or from_cache + to_cache > tokens:
        return None
    return Usage(tokens, from_cache, to_cache, output)


def count(value: object) -> int | None:
    """A whole number of tokens, also where it is written as 12.0; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and value >= 0 else None


def total(counts: Iterable[object]) -> int | None:
    """The sum of counts, of which a missing one is none; None where one makes no sense."""
    found = [0 if one is None else count(one) for one in counts]
    whole = [one for one in found if one is not None]
    return sum(whole) if len(whole) == len(found) else None
