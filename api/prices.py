"""Prices: what would be applied and whence, those that admins set, and the calls that wait for one."""

from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, AwareDatetime

from api.schemas.prices import BookedOut, OwnPriceOut, PriceIn, PriceInForceOut, UnpricedOut
from api.schemas.shared import Lane, ListOut, ProviderName, fields_of, storable
from api.strict import known_parameters
from core.errors import InvalidInput
from core.money import in_force, own_price_changes, own_prices, unpriced
from core.money.in_force import InForce
from core.money.own_prices import OwnPrice
from core.money.rates import Rates
from core.providers.usage import Tier
from core.runtime import shared_clock
from core.settings import provider_prices, provider_rows

router = APIRouter(tags=["prices"], dependencies=[Depends(known_parameters)])
Model = Annotated[str | None, Query(), AfterValidator(storable)]


def _rates(rates: Rates | None) -> dict[str, str] | None:
    return None if rates is None else rates.as_json()


def _in_force(one: InForce) -> dict[str, Any]:
    applied = one.applied
    price = None
    if applied is not None:
        rates = _rates(applied.rates) or {}
        price = {"source": applied.source, "version": applied.version, "model": applied.model, "rates": rates}
    return {
        "provider": one.provider,
        "model": one.model,
        "lane": "batch" if one.tier == "batch" else "live",
        "tier": one.tier,
        "price": price,
        "note": applied.note if applied else None,
        "reason": one.reason,
        "long_from": one.long_from,
        "long_rates": _rates(one.long_rates),
        "retires_at": one.retires_at,
    }


def _own(price: OwnPrice) -> dict[str, Any]:
    plain = fields_of(price, OwnPriceOut)
    return {**plain, "as": price.as_model, "rates": _rates(price.rates), "long_rates": _rates(price.long_rates)}


def _of_rows() -> list[dict[str, Any]]:
    """The rates of providers' rows: they hold for every model that no other price is for."""
    found = []
    for name in provider_rows.names():
        prices = provider_rows.of(name).prices
        if prices == "list":
            continue
        rates = {"input": "0", "output": "0"} if prices == "free" else provider_prices.as_json(prices)
        of_row = {"id": f"provider:{name}", "provider": name, "model": "*", "tier": None, "as": None, "rates": rates}
        unset = {"long_from": None, "long_rates": None, "valid_from": None, "created_at": None}
        found.append({**of_row, **unset, "note": "Set for the provider.", "created_by": ""})
    return found


@router.get("/prices", response_model=ListOut[PriceInForceOut])
def in_force_now(
    provider: ProviderName | None = None,
    model: Model = None,
    lane: Lane | None = None,
    tier: Tier | None = None,
    at: AwareDatetime | None = None,
) -> Any:
    """Without a model: those that are suggested. Without a tier: standard, or that of the lane."""
    if lane and tier and (lane == "batch") != (tier == "batch"):
        raise InvalidInput("A batch has the tier batch, and live calls have the others.")
    chosen: Tier = tier or ("batch" if lane == "batch" else "standard")
    when = at or shared_clock.now()
    items = [
        in_force.read(name, one, chosen, when)
        for name in ([provider] if provider else provider_rows.names())
        for one in ([model] if model else in_force.models(name))
    ]
    return {"items": [_in_force(one) for one in items], "next_cursor": None}


@router.get("/prices/own", response_model=ListOut[OwnPriceOut])
def own() -> Any:
    """Newest first; then what is set for providers as a whole."""
    return {"items": [*map(_own, reversed(own_prices.every())), *_of_rows()], "next_cursor": None}


@router.post("/prices/own", response_model=OwnPriceOut, status_code=201)
def add(body: PriceIn) -> Any:
    """It holds for calls from its day on. What is booked never changes by it."""
    return _own(own_price_changes.add(body.new(shared_clock.now().astimezone(UTC).date())))


@router.delete("/prices/own/{price_id}", status_code=204)
def remove(price_id: str) -> None:
    """Refused once it has priced something."""
    own_price_changes.remove(price_id)


@router.get("/usage/unpriced", response_model=ListOut[UnpricedOut])
def waiting() -> Any:
    """Calls without a price, by model and reason; what used most tokens first."""
    return {"items": [fields_of(one, UnpricedOut) for one in unpriced.queue()], "next_cursor": None}


@router.post("/usage/unpriced/price", response_model=BookedOut)
def price(body: PriceIn) -> Any:
    """Set a price, and book the calls that wait for it, each by the rates of its own day."""
    booked = unpriced.price(body.new(shared_clock.now().astimezone(UTC).date()))
    assert booked.price is not None
    return {"price": _own(booked.price), "calls": booked.calls, "cost_usd": booked.cost_usd}
