"""Whether a provider can be reached with what is set up for it."""

import asyncio

from core.calls import clients
from core.errors import InvalidInput, ProviderError
from core.providers.types import Provider
from core.settings.credentials import Access

PATIENCE_SECONDS = 15.0


def models(how: Access) -> list[str]:
    """The models that a provider offers to this key: free, and answered only where address and key are right."""
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
