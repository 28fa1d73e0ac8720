"""Our own caps on rates: requests and tokens per minute for each model of a provider, summed over all processes.

The provider's limit applies where it is lower. Caps are set while Cairn runs, else by the environment.
"""

from dataclasses import dataclass

from core.environment import get_settings
from core.errors import InvalidInput
from core.runtime import db
from core.settings import provider_rows, store
from core.settings.store import Source

CAPS = "limits:"
LARGEST = 10**12


@dataclass(frozen=True)
class Caps:
    """Per minute, for each model of the provider; None: no cap."""

    requests: int | None
    tokens: int | None
    source: Source


def caps_of(provider: str) -> Caps:
    here = store.values().get(f"{CAPS}{provider}")
    if here is not None:
        return Caps(here.get("requests"), here.get("tokens"), "here")
    settings = get_settings()
    requests, tokens = settings.rate_limit_requests_per_minute, settings.rate_limit_tokens_per_minute
    return Caps(requests, tokens, "environment" if requests or tokens else "default")


def change_caps(provider: str, requests: int | None, tokens: int | None) -> None:
    """Set both caps; None for both leaves them to the environment again. Raises InvalidInput."""
    if provider not in provider_rows.remote():
        raise InvalidInput(
            f"The limits of {provider!r} cannot be set. They can for {', '.join(provider_rows.remote())}."
        )
    caps = {name: cap for name, cap in (("requests", requests), ("tokens", tokens)) if cap is not None}
    if not all(1 <= cap <= LARGEST for cap in caps.values()):
        raise InvalidInput(f"A limit is a number from 1 to {LARGEST:,} a minute, or empty for none.")
    with db.transaction() as session:
        store.put(session, f"{CAPS}{provider}", caps or None)
    store.load()
