"""What a call costs in USD, as Decimal. First match wins: what the answer itself states (of another address than its
maker's own), an admin's price, our corrections, the price list of genai-prices.

Without a known price, without a rate for what was used, and without counts that make sense: None and why, never 0.
"""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Literal
from urllib.parse import urlsplit

from core import providers
from core.errors import InvalidInput
from core.money import corrections, own_prices, snapshot
from core.money.own_prices import OwnPrice
from core.money.rates import Rates, Sheet, Step, flat
from core.providers import capabilities
from core.providers.capabilities import Kind
from core.providers.usage import PLAIN, Terms, Tier, Usage
from core.settings import credentials, provider_rows
from core.settings.provider_prices import Prices
from core.settings.provider_rows import ProviderRow

Source = Literal["stated", "admin", "correction", "snapshot"]
Reason = Literal["no_price", "no_usage", "odd_usage", "no_rate"]
# More than any model takes in one call: a larger count is a fault of the provider that reports it.
MOST_TOKENS = 1_000_000_000
FULL_PRICE = "No batch rate is known: full price."
ZERO = Decimal(0).scaleb(-12)


@dataclass(frozen=True, eq=False)
class Applied:
    """What a call is priced by: the `price` of its usage record. `version`: of the snapshot, the day of a correction,
    the id of an admin's price, or "provider" for the prices of its row."""

    source: Source
    version: str
    model: str
    rates: Rates | None = None
    note: str | None = None

    @cached_property
    def as_json(self) -> str:
        told = {"source": self.source, "version": self.version, "model": self.model}
        rates = {} if self.rates is None else self.rates.as_json()
        return json.dumps({**told, "rates": rates} | ({"note": self.note} if self.note else {}))


@dataclass(frozen=True)
class Price:
    """`cost` in USD; None where it is not known, and `reason` says why. `list_usd`: of the same tokens, live at the
    standard tier. `applied` None: nothing is charged here, or nothing is known."""

    cost: Decimal | None
    list_usd: Decimal | None = None
    applied: Applied | None = None
    reason: Reason | None = None

    @property
    def priced(self) -> bool:
        return self.reason is None

    @property
    def note(self) -> str | None:
        return self.applied.note if self.applied else None


NO_PRICE = Price(None, reason="no_price")
OFFLINE = Price(ZERO, ZERO)
PROVIDER = "provider"


@dataclass(frozen=True, eq=False)
class Card:
    """Rates from one source: what `Applied` names them by, for each length of a prompt."""

    sheet: Sheet
    source: Source
    version: str
    model: str
    note: str | None = None

    @cached_property
    def _applied(self) -> tuple[Applied, ...]:
        return tuple(Applied(self.source, self.version, self.model, one.rates, self.note) for one in self.sheet.steps)

    def of(self, input_tokens: int) -> tuple[Step, Applied]:
        number = self.sheet.of(input_tokens)
        return self.sheet.steps[number], self._applied[number]


@dataclass(frozen=True, eq=False)
class Cards:
    """Of one model, tier and region on one day: what it costs, and what it would live at the standard tier."""

    own: Card | None
    standard: Card | None

    def price(self, usage: Usage, longest: int | None = None) -> Price:
        """`longest`: the prompt whose length decides, of several calls that are priced as one."""
        tokens = usage.input_tokens if longest is None else longest
        if self.own is None:
            listed = None if self.standard is None else self.standard.of(tokens)[0].cost(usage)
            return NO_PRICE if self.standard is None else Price(None, listed, reason="no_rate")
        step, applied = self.own.of(tokens)
        cost = step.cost(usage)
        if self.standard is self.own:
            listed = cost
        else:
            listed = None if self.standard is None else self.standard.of(tokens)[0].cost(usage)
        return Price(None, listed, reason="no_rate") if cost is None else Price(cost, listed, applied)


def tier_of(lane: str, terms: Terms) -> Tier:
    return "batch" if lane == "batch" else terms.tier or "standard"


def price(provider: str, model: str, usage: Usage, lane: str, at: datetime, terms: Terms = PLAIN) -> Price:
    """The price of one call. Raises InvalidInput for impossible token counts."""
    return tariff(provider, model, lane, at)(usage, terms)


def tariff(provider: str, model: str, lane: str, at: datetime) -> "Tariff":
    """`price` as a function of usage and terms, for many calls of one model on one day. The function raises as
    `price`."""
    return with_own(provider, own_prices.of(provider), model, lane, at)


def with_own(provider: str, own: tuple[OwnPrice, ...], model: str, lane: str, at: datetime) -> "Tariff":
    """`tariff` with these prices of the admins'."""
    return _tariff(provider_rows.of(provider), own, model, lane, at.astimezone(UTC).date())


@lru_cache(maxsize=256)
def _tariff(row: ProviderRow, own: tuple[OwnPrice, ...], model: str, lane: str, day: date) -> "Tariff":
    return Tariff(row, own, model, lane, day)


class Tariff:
    """All that is looked up is looked up once for each tier and region that answers tell."""

    def __init__(self, row: ProviderRow, own: tuple[OwnPrice, ...], model: str, lane: str, day: date):
        self._row, self._own = row, own
        self._model, self._lane, self._day = model, lane, day
        self._cards: dict[tuple[Tier, str | None], Cards] = {}
        self._free, self._as_stated = self._without_charge(), Applied("stated", "", model)

    def __call__(self, usage: Usage | None, terms: Terms = PLAIN) -> Price:
        if usage is not None:
            check(usage)
        return self.of_read(usage, terms)

    def of_read(self, usage: Usage | None, terms: Terms) -> Price:
        """Of counts that core.providers.usage_reading has found possible; None: it has not."""
        if self._free is not None:
            return self._free
        if terms.stated_usd is not None and called_elsewhere(self._row):
            return self._stated(usage, terms, terms.stated_usd)
        if usage is None:
            return Price(None, reason=terms.trouble or "odd_usage")
        return self._of(terms).price(usage)

    def last_step(self, terms: Terms) -> Step | None:
        """The rates of the longest prompts."""
        own = None if self._free is not None else self._of(terms).own
        return own.sheet.steps[-1] if own else None

    def of_many(self, usage: Usage, average: int) -> Price:
        """Of several calls as one, with an average prompt of so many tokens: together they are no long prompt."""
        return self._free or self._of(PLAIN).price(usage, average)

    def _without_charge(self) -> Price | None:
        if not capabilities.of_kind(self._row.kind).is_billed:
            return OFFLINE
        set_for_it = any(own_prices.matches(one.model, self._model) for one in self._own)
        if self._row.prices == "free" and not set_for_it:
            return Price(ZERO, ZERO, Applied("admin", PROVIDER, self._model, FREE))
        return None

    def _of(self, terms: Terms) -> Cards:
        key = tier_of(self._lane, terms), terms.region
        known = self._cards.get(key)
        if known is None:
            standard = self._card("standard", terms.region)
            own = standard if key[0] == "standard" else self._card(*key)
            known = self._cards[key] = Cards(own, standard)
        return known

    def _card(self, tier: Tier, region: str | None) -> Card | None:
        own = own_prices.best(self._own, self._row.name, self._model, tier, self._day)
        if own is not None:
            return self._of_own(own, tier, region)
        of_row = _of_row(self._row.prices, self._model, tier)
        return of_row or _of_list(self._row.kind, self._model, tier, region, self._day)

    def _of_own(self, own: OwnPrice, tier: Tier, region: str | None) -> Card | None:
        """What is priced as another model has the rates of that one, of its day, tier and region."""
        if own.sheet is not None:
            return Card(own.sheet, "admin", own.id, own.model)
        other = own.as_model or ""
        set_too = own_prices.best(self._own, self._row.name, other, tier, self._day)
        listed = _of_list(self._row.kind, other, tier, region, self._day)
        sheet = set_too.sheet if set_too and set_too.sheet else listed.sheet if listed else None
        return Card(sheet, "admin", own.id, other) if sheet else None

    def _stated(self, usage: Usage | None, terms: Terms, stated: Decimal) -> Price:
        """Live at the standard tier it is what these tokens cost there, whatever a list says."""
        cost = stated.quantize(ZERO)
        if tier_of(self._lane, terms) == "standard":
            return Price(cost, cost, self._as_stated)
        listed = None if usage is None else self._of(terms).price(usage).list_usd
        return Price(cost, listed, self._as_stated)


def _of_row(prices: Prices, model: str, tier: Tier) -> Card | None:
    """The prices of a provider's row hold for all of its models, in every tier."""
    if prices == "free":
        return Card(flat(FREE), "admin", PROVIDER, model)
    if prices == "list":
        return None
    own = Rates(prices.input, prices.output, prices.cached, prices.cache_write, prices.cache_write)
    return Card(flat(own), "admin", PROVIDER, model, FULL_PRICE if tier == "batch" else None)


NOTHING = Decimal(0)
FREE = Rates(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)


@lru_cache(maxsize=1024)
def _of_list(kind: Kind, model: str, tier: Tier, region: str | None, day: date) -> Card | None:
    """By our corrections and the list; None without rates for this tier, but that a batch costs the full price then."""
    factor = corrections.of_region(kind, region)
    found = corrections.of_model(kind, model, tier, day)
    if found is not None:
        correction, sheet = found
        return Card(sheet.times(factor) if factor else sheet, "correction", correction.noted.isoformat(), model)
    listed = snapshot.listed(kind, model, tier, day)
    if listed is None or not (listed.own or tier == "batch"):
        return None
    note = None if listed.own else FULL_PRICE
    if factor:
        return Card(listed.sheet.times(factor), "correction", corrections.NOTED.isoformat(), listed.model, note)
    return Card(listed.sheet, "snapshot", snapshot.VERSION, listed.model, note)


def called_elsewhere(row: ProviderRow) -> bool:
    """Whether it is called at another address than its maker's."""
    host = urlsplit(credentials.address(row.name)).hostname or ""
    maker = (urlsplit(providers.own_address(row.kind)).hostname or "").split(".", 1)[-1]
    return host != maker and not host.endswith(f".{maker}")


def without_usage(provider: str, model: str, lane: str, at: datetime, terms: Terms = PLAIN) -> Price:
    """Of an answer whose tokens nobody knows: what is free costs nothing, whatever it counts."""
    return tariff(provider, model, lane, at)(None, terms)


# What a server may put before a prompt unseen: a prompt of its own, its tools.
UNSEEN_TOKENS = 20_000


def more_than_sent(usage: Usage, body_bytes: int) -> bool:
    """Whether more tokens were read, as the server says, than a body of so many bytes can have."""
    return usage.input_tokens > body_bytes + UNSEEN_TOKENS


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


WHOLE = {int}


def check(usage: Usage) -> None:
    counts = vars(usage).values()
    if {*map(type, counts)} != WHOLE or min(counts) < 0 or max(counts) > MOST_TOKENS:
        raise InvalidInput("Token counts must be whole numbers from 0 to a billion.")
    if usage.cached_input_tokens + usage.cache_write_tokens > usage.input_tokens:
        raise InvalidInput("Cached tokens cannot be more than the input tokens that include them.")
