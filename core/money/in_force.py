"""What would be applied to a call, and whence: for people who ask why something costs what it does."""

from dataclasses import dataclass
from datetime import date, datetime

from core.errors import InvalidInput
from core.money import pricing
from core.money.pricing import Applied, Reason
from core.money.rates import Rates
from core.providers import known_models
from core.providers.usage import Terms, Tier, Usage
from core.settings import defaults, provider_rows


@dataclass(frozen=True)
class InForce:
    """`applied` None: `reason` says why. `long_rates` hold for prompts of more than `long_from` tokens.

    `retires_at`: the day on which its maker switches the model off, where that is known.
    """

    provider: str
    model: str
    tier: Tier
    applied: Applied | None
    reason: Reason | None
    long_from: int | None
    long_rates: Rates | None
    retires_at: date | None


def read(provider: str, model: str, tier: Tier, at: datetime) -> InForce:
    """Raises InvalidInput for a provider that there is not."""
    if not provider_rows.exists(provider):
        raise InvalidInput(f"There is no provider {provider!r}. There are {', '.join(provider_rows.names())}.")
    found, terms = pricing.tariff(provider, model, "batch" if tier == "batch" else "live", at), Terms(tier)
    price = found(Usage(1), terms)
    last = found.last_step(terms) if price.priced else None
    long = last is not None and last.above >= 0
    return InForce(
        provider=provider,
        model=model,
        tier=tier,
        applied=price.applied,
        reason=price.reason,
        long_from=last.above if last and long else None,
        long_rates=last.rates if last and long else None,
        retires_at=known_models.ends_on(provider_rows.kind_of(provider), model),
    )


def models(provider: str) -> list[str]:
    """Those that are suggested for it, its default first."""
    return list(dict.fromkeys([defaults.model_for(provider, None), *defaults.suggested(provider)]))
