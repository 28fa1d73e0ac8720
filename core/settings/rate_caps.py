"""What may go out to a provider in a minute, over all processes, where its own limits allow more or nothing is known
of them: set while Cairn runs, else by the environment."""

from dataclasses import dataclass
from typing import Literal

from core.environment import get_settings
from core.errors import InvalidInput
from core.providers import capabilities
from core.runtime import db
from core.settings import store

CAPS = "limits:"
LARGEST = 10**12
Source = Literal["default", "environment", "here"]


@dataclass(frozen=True)
class Caps:
    """For each model of the provider; None: no cap."""

    requests: int | None
    tokens: int | None
    source: Source


def caps_of(provider: str) -> Caps:
    """From memory, which has every change within a moment."""
    here = store.values().get(f"{CAPS}{provider}")
    if here is not None:
        return Caps(here.get("requests"), here.get("tokens"), "here")
    settings = get_settings()
    requests, tokens = settings.rate_limit_requests_per_minute, settings.rate_limit_tokens_per_minute
    return Caps(requests, tokens, "environment" if requests or tokens else "default")


def change_caps(provider: str, requests: int | None, tokens: int | None) -> None:
    """Both None: as the environment says again."""
    if provider not in capabilities.REMOTE:
        raise InvalidInput(
            f"The limits of {provider!r} cannot be set. They can for {' and '.join(capabilities.REMOTE)}."
        )
    caps = {name: cap for name, cap in (("requests", requests), ("tokens", tokens)) if cap is not None}
    if not all(1 <= cap <= LARGEST for cap in caps.values()):
        raise InvalidInput(f"A limit is a number from 1 to {LARGEST:,} a minute, or empty for none.")
    with db.transaction() as session:
        store.put(session, f"{CAPS}{provider}", caps or None)
    store.load()
