"""Rates, and what a call costs by them: in whole parts of a dollar, so that nothing is rounded twice."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from functools import cached_property

from core.providers.usage import Usage

MILLION, THOUSAND = Decimal(1_000_000), Decimal(1_000)
# A part: 10**-20 USD. Rates have up to 12 decimals, and one token is a millionth of what they are for.
PARTS = Decimal(10**20)
# What is stored: 10**-12 USD.
STORED, KEPT = Decimal("1E-12"), 10**8


@dataclass(frozen=True)
class Rates:
    """USD per million tokens, web searches per thousand. `input`: of tokens neither read from a cache nor written to
    one. None: no rate is known, but that caches cost what other input does where neither of theirs is."""

    input: Decimal
    output: Decimal | None = None
    cached: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_long: Decimal | None = None
    web_search: Decimal | None = None

    def times(self, factor: Decimal) -> "Rates":
        """Of the tokens; a search costs the same everywhere."""
        of_tokens = {name: rate * factor for name, rate in vars(self).items() if rate is not None}
        return replace(self, **{**of_tokens, "web_search": self.web_search})

    def as_json(self) -> dict[str, str]:
        return {name: f"{rate.normalize():f}" for name, rate in asdict(self).items() if rate is not None}


NAMES = tuple(field.name for field in fields(Rates))


def read(stored: Mapping[str, str]) -> Rates:
    """As `as_json` wrote it."""
    return Rates(**{name: Decimal(stored[name]) for name in NAMES if name in stored})


@dataclass(frozen=True, eq=False)
class Step:
    """The rates of every prompt longer than `above`, in tokens."""

    above: int
    rates: Rates

    @cached_property
    def _parts(self) -> tuple[int, int, int, int | None, int | None, int | None]:
        """Of one token of input and output; what one that is cached or written costs beside that; of a search."""
        rates = self.rates
        each = int(rates.input / MILLION * PARTS)
        written = each if rates.cache_write is None else int(rates.cache_write / MILLION * PARTS)
        cached = each if rates.cached is None else int(rates.cached / MILLION * PARTS)
        lasting = _each(rates.cache_write_long, MILLION)
        lasting = each if rates.cache_write_long is rates.cache_write is None else lasting
        beyond = None if lasting is None else lasting - written
        searched = _each(rates.web_search, THOUSAND)
        return each, cached - each, written - each, beyond, _each(rates.output, MILLION), searched

    def cost(self, usage: Usage) -> Decimal | None:
        """None where it used what there is no rate for."""
        if usage.unrated:
            return None
        of_input, of_cached, of_written, of_lasting, of_output, of_search = self._parts
        parts = of_input * usage.input_tokens
        if usage.cached_input_tokens:
            parts += of_cached * usage.cached_input_tokens
        if usage.cache_write_tokens:
            parts += of_written * usage.cache_write_tokens
        if usage.output_tokens:
            if of_output is None:
                return None
            parts += of_output * usage.output_tokens
        if lasting := usage.cache_write_long_tokens:
            if of_lasting is None:
                return None
            parts += of_lasting * lasting
        if usage.web_searches:
            if of_search is None:
                return None
            parts += of_search * usage.web_searches
        return usd(parts)


def _each(rate: Decimal | None, number: Decimal) -> int | None:
    return None if rate is None else int(rate / number * PARTS)


def usd(parts: int) -> Decimal:
    """To the nearest that is stored; a half to the even one."""
    whole, rest = divmod(parts, KEPT)
    if rest * 2 > KEPT or (rest * 2 == KEPT and whole % 2):
        whole += 1
    return Decimal(whole).scaleb(-12)


@dataclass(frozen=True, eq=False)
class Sheet:
    """Rates by the length of the prompt: those of the last step that it is longer than hold for the whole call."""

    steps: tuple[Step, ...]

    def of(self, input_tokens: int) -> int:
        """The number of the step."""
        number = len(self.steps) - 1
        while number and input_tokens <= self.steps[number].above:
            number -= 1
        return number

    def times(self, factor: Decimal) -> "Sheet":
        return Sheet(tuple(Step(step.above, step.rates.times(factor)) for step in self.steps))


def flat(rates: Rates) -> Sheet:
    return Sheet((Step(-1, rates),))


def long_prompts(rates: Rates, above: int, long: Rates) -> Sheet:
    return Sheet((Step(-1, rates), Step(above, long)))
