"""Prices: those in force, those that admins set, and what waits for one."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, StrictInt

from api.schemas.shared import In, Money, ProviderName
from core.money.own_price_changes import NewPrice
from core.providers.usage import Tier

RATES = (
    "`{input, cached, cache_write, cache_write_long, output, web_search}`: decimal strings, USD per million tokens, "
    "searches per thousand. What is left out of the caches costs what other input does."
)
Rates = dict[str, str]


class PriceOut(BaseModel):
    """What a usage record says of its price."""

    source: Literal["stated", "admin", "correction", "snapshot"]
    version: str
    model: str
    rates: Rates


class PriceInForceOut(BaseModel):
    """`price` null: `reason` says why. `retires_at`: the day on which its maker switches the model off."""

    provider: str
    model: str
    lane: Literal["live", "batch"]
    tier: Tier
    price: PriceOut | None
    note: str | None
    reason: str | None
    long_from: int | None
    long_rates: Rates | None
    retires_at: date | None


class OwnPriceOut(BaseModel):
    """`tier` null: for all. `as`: it costs what that model does. What is set for a provider as a whole has an id that
    begins with `provider:`, and is changed there."""

    id: str
    provider: str
    model: str
    tier: Tier | None
    as_: str | None = Field(alias="as")
    rates: Rates | None
    long_from: int | None
    long_rates: Rates | None
    valid_from: date | None
    note: str
    created_at: datetime | None
    created_by: str


class PriceIn(In):
    provider: ProviderName
    model: str = Field(description="A name, or its beginning and an asterisk.")
    tier: Tier | None = Field(None, description="Left out: for all.")
    rates: dict[str, Any] | None = Field(None, description=RATES)
    as_: str | None = Field(None, alias="as", description="Instead of rates: a model that it costs as much as.")
    long_from: StrictInt | None = Field(None, description="Prompts of more tokens have `long_rates`.")
    long_rates: dict[str, Any] | None = None
    valid_from: date | None = Field(None, description="A day (UTC); left out: today, or the first call that waits.")
    note: str = ""

    def new(self, today: date) -> NewPrice:
        return NewPrice(
            provider=self.provider,
            model=self.model,
            valid_from=self.valid_from or today,
            tier=self.tier,
            rates=self.rates,
            as_model=self.as_,
            long_from=self.long_from,
            long_rates=self.long_rates,
            note=self.note,
        )


class UnpricedOut(BaseModel):
    """`suggestion`: a model that it may cost as much as; nobody applies it but you."""

    provider: str
    model: str
    reason: Literal["no_price", "no_usage", "odd_usage", "no_rate"]
    calls: int
    input_tokens: int
    output_tokens: int
    first: datetime
    last: datetime
    suggestion: str | None


class BookedOut(BaseModel):
    price: OwnPriceOut
    calls: int
    cost_usd: Money
