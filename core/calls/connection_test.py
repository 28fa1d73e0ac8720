"""Test whether a provider can be reached with an address and key."""

import asyncio

from core.calls import clients
from core.errors import InvalidInput, ProviderError
from core.providers.types import Provider
from core.settings import credentials, defaults, provider_rows
from core.settings.credentials import Credentials

PATIENCE_SECONDS = 15.0


def models_of(name: str) -> list[str]:
    """As `models`, of a provider as it is now; the offline engine is always there."""
    if provider_rows.can(name).is_local:
        return [defaults.model_of(name)[0]]
    return models(credentials.of(name))


def models(how: Credentials) -> list[str]:
    """The models that a provider offers to this key. The call is free, and fails without the right address and key.

    Raises InvalidInput without a key or address, ProviderError where the provider refuses or does not answer.
    """
    if not how.set_up:
        raise InvalidInput(clients.missing(how.provider))
    return asyncio.run(_models(how.provider, clients.make(how.provider, how)))


async def _models(name: str, provider: Provider) -> list[str]:
    try:
        return await asyncio.wait_for(provider.models(), PATIENCE_SECONDS)
    except TimeoutError:
        raise ProviderError(f"{name} did not answer within {PATIENCE_SECONDS:g} s.", retryable=True) from None
    finally:
        await provider.close()
