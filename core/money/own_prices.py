"""Prices that admins set, from the memory of this process: which of them holds for a model, tier and day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlmodel import Session

from core.money import rates
from core.money.rates import Rates, Sheet, flat, long_prompts
from core.providers.usage import Tier
from core.runtime import db
from core.settings import store


@dataclass(frozen=True, eq=False)
class OwnPrice:
    """`model`: a name, or a beginning and an asterisk; `tier` None: for all. Either `rates` or `as_model` is set.

    `long_rates` hold for prompts of more than `long_from` tokens, `valid_from` is a day (UTC).
    """

    id: str
    provider: str
    model: str
    tier: Tier | None
    as_model: str | None
    rates: Rates | None
    long_from: int | None
    long_rates: Rates | None
    valid_from: date
    note: str
    created_at: datetime
    created_by: str

    @property
    def sheet(self) -> Sheet | None:
        if self.rates is None:
            return None
        if self.long_from is None or self.long_rates is None:
            return flat(self.rates)
        return long_prompts(self.rates, self.long_from, self.long_rates)

    def holds_for(self, provider: str, model: str, tier: Tier, day: date) -> bool:
        named = self.provider == provider and self.tier in (None, tier) and self.valid_from <= day
        return named and matches(self.model, model)

    @property
    def rank(self) -> tuple[bool, int, bool, date, str]:
        """The longer match wins, then the one of this very tier, then the newer one."""
        exact = not self.model.endswith("*")
        return exact, len(self.model), self.tier is not None, self.valid_from, self.id


def matches(pattern: str, model: str) -> bool:
    return model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern


def every() -> tuple[OwnPrice, ...]:
    return _read(Rows(store.prices()))


class Rows:
    """Rows of the store, which are the same until one changes: compared by identity."""

    def __init__(self, rows: tuple[Mapping[str, Any], ...]):
        self.rows = rows

    def __hash__(self) -> int:
        return id(self.rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and other.rows is self.rows


@lru_cache(maxsize=2)
def _read(rows: Rows) -> tuple[OwnPrice, ...]:
    return tuple(read(row) for row in rows.rows)


def read(row: Mapping[str, Any]) -> OwnPrice:
    """As PostgreSQL writes it as JSON."""
    plain = {name: row[name] for name in ("id", "provider", "model", "tier", "as_model", "long_from", "note")}
    return OwnPrice(
        **plain,
        rates=None if row["rates"] is None else rates.read(row["rates"]),
        long_rates=None if row["long_rates"] is None else rates.read(row["long_rates"]),
        valid_from=date.fromisoformat(row["valid_from"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        created_by=row["created_by"],
    )


def stored(session: Session, provider: str) -> tuple[OwnPrice, ...]:
    """Those of a provider as this transaction sees them, with one that it has just set."""
    return tuple(read(row.price) for row in db.rows(session, OF_PROVIDER, provider=provider))


OF_PROVIDER = """
SELECT to_jsonb(p) AS price FROM own_price p WHERE removed_at IS NULL AND provider = :provider ORDER BY id
"""


def of(provider: str) -> tuple[OwnPrice, ...]:
    found = every()
    return tuple(one for one in found if one.provider == provider) if found else ()


def best(prices: tuple[OwnPrice, ...], provider: str, model: str, tier: Tier, day: date) -> OwnPrice | None:
    holding = [one for one in prices if one.holds_for(provider, model, tier, day)]
    return max(holding, key=lambda one: one.rank, default=None)
