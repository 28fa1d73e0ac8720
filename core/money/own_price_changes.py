"""Set an admin's price, and take one away that has priced nothing. What is booked never changes by it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from core.access import actor, audit
from core.access.roles import require
from core.errors import Conflict, InvalidInput, NotFound
from core.money import own_prices, rates
from core.money.own_prices import OwnPrice
from core.money.rates import Rates
from core.providers.usage import TIERS, Tier
from core.runtime import db
from core.runtime.ids import new_id
from core.settings import provider_prices, provider_rows, store

CHARACTERS = 200
LONGEST_PROMPT = 1_000_000_000


@dataclass(frozen=True)
class NewPrice:
    """As an admin enters it; see OwnPrice. Rates are decimal strings by name: USD per million tokens, searches per
    thousand."""

    provider: str
    model: str
    valid_from: date
    tier: Tier | None = None
    rates: Mapping[str, Any] | None = None
    as_model: str | None = None
    long_from: int | None = None
    long_rates: Mapping[str, Any] | None = None
    note: str = ""


def add(new: NewPrice) -> OwnPrice:
    """Raises InvalidInput. It holds for calls from now on, of its day and later; calls without a price wait for
    `core.money.unpriced`."""
    with db.transaction(everywhere=True) as session:
        made = put(session, new)
    store.load()
    return one(made)


def put(session: Session, new: NewPrice) -> str:
    """In the caller's transaction; the caller then loads the settings. Returns its id."""
    require("price.change")
    row = _checked(new)
    made = {"id": new_id("price"), "created_by": actor.current(), **row}
    db.execute(session, ADD, **{**made, **{name: _json(made[name]) for name in ("rates", "long_rates")}})
    store.announce_prices(session)
    audit.write(session, "price.add", "price", str(made["id"]), after=_told(made), of_machine=True)
    return str(made["id"])


ADD = """
INSERT INTO own_price (id, provider, model, tier, as_model, rates, long_from, long_rates, valid_from, note, created_by)
VALUES (:id, :provider, :model, :tier, :as_model, CAST(:rates AS jsonb), :long_from, CAST(:long_rates AS jsonb),
  :valid_from, :note, :created_by)
"""


def remove(price_id: str) -> None:
    """Raises NotFound, and Conflict once it has priced something: then a newer price takes its place."""
    require("price.change")
    with db.transaction(everywhere=True) as session:
        row = db.row(session, "SELECT * FROM own_price WHERE id = :id AND removed_at IS NULL FOR UPDATE", id=price_id)
        if row is None:
            raise NotFound(NONE.format(id=price_id))
        if db.scalar(session, HAS_PRICED, id=price_id, provider=row.provider, since=row.valid_from):
            raise Conflict(
                "This price has priced calls, so it stays. Set another one from the day on which it changes."
            )
        db.execute(session, "UPDATE own_price SET removed_at = now() WHERE id = :id", id=price_id)
        store.announce_prices(session)
        audit.write(session, "price.remove", "price", price_id, before=_told(dict(row._mapping)), of_machine=True)
    store.load()


# Of every workspace: a provider charges for all of them.
HAS_PRICED = """
SELECT 1 FROM usage_record WHERE provider = :provider AND time >= CAST(:since AS date) AT TIME ZONE 'UTC'
  AND price ->> 'version' = :id AND price ->> 'source' = 'admin' LIMIT 1
"""
NONE = "There is no price {id!r}."


def one(price_id: str) -> OwnPrice:
    """Raises NotFound."""
    found = next((price for price in own_prices.every() if price.id == price_id), None)
    if found is None:
        raise NotFound(NONE.format(id=price_id))
    return found


def _checked(new: NewPrice) -> dict[str, Any]:
    if not provider_rows.exists(new.provider):
        raise InvalidInput(f"There is no provider {new.provider!r}. There are {', '.join(provider_rows.names())}.")
    model, other = _model(new.model, "model"), None if new.as_model is None else _model(new.as_model, "as")
    if new.tier is not None and new.tier not in TIERS:
        raise InvalidInput(f"There is no tier {new.tier!r}. There are {', '.join(TIERS)}; none means all.")
    if (new.rates is None) == (other is None):
        raise InvalidInput("Give either rates, or a model to price it as.")
    if other is not None and (other.endswith("*") or own_prices.matches(model, other)):
        raise InvalidInput("A model is priced as one other model.")
    if (new.long_from is None) != (new.long_rates is None) or (new.long_from is not None and other is not None):
        raise InvalidInput("Rates of long prompts need both: from how many tokens on, and which.")
    if new.long_from is not None and not 0 < new.long_from <= LONGEST_PROMPT:
        raise InvalidInput("A long prompt has more than a number of tokens from 1 on.")
    if len(new.note) > 10 * CHARACTERS:
        raise InvalidInput("The note is too long.")
    return {
        "provider": new.provider,
        "model": model,
        "tier": new.tier,
        "as_model": other,
        "rates": None if new.rates is None else checked_rates(new.rates),
        "long_from": new.long_from,
        "long_rates": None if new.long_rates is None else checked_rates(new.long_rates),
        "valid_from": new.valid_from,
        "note": new.note.strip(),
    }


def _model(given: str, what: str) -> str:
    """An asterisk stands at the end alone."""
    found = given.strip()
    if not found or len(found) > CHARACTERS or "*" in found[:-1]:
        raise InvalidInput(f"{what} is a model's name, or its beginning and an asterisk, such as gpt-5.6-*.")
    return found


def checked_rates(given: Mapping[str, Any]) -> Rates:
    """Raises InvalidInput. All 0 are allowed: what is free for us costs nothing."""
    if unknown := sorted({str(name) for name in given} - {*rates.NAMES}):
        raise InvalidInput(f"There is no rate {unknown[0][:CHARACTERS]}. There are {', '.join(rates.NAMES)}.")
    if given.get("input") is None:
        raise InvalidInput("Rates need at least input: USD per million tokens, as a decimal string.")
    found = {name: provider_prices.checked_rate(name, rate) for name, rate in given.items() if rate is not None}
    return Rates(**found)


def _json(found: Rates | None) -> str | None:
    return None if found is None else json.dumps(found.as_json())


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """For the audit."""
    names = ("provider", "model", "tier", "as_model", "rates", "long_from", "long_rates", "valid_from", "note")
    return {name: _plain(row[name]) for name in names if row[name] not in (None, "")}


def _plain(value: Any) -> Any:
    if isinstance(value, Rates):
        return value.as_json()
    return value.isoformat() if isinstance(value, date) else value
