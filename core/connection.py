"""Whether a provider can be reached with what is set up for it."""

import asyncio

from core import calls
from core.errors import InvalidInput, ProviderError

PATIENCE_SECONDS = 15.0


def models(name: str) -> list[str]:
    """The models that a provider offers to this key: free, and answered only where address and key are right."""
    return asyncio.run(_models(name))


async def _models(name: str) -> list[str]:
    # Clients of its own: those of calls belong to another loop.
    provider = calls.build().get(name)
    if provider is None:
        raise InvalidInput(calls.missing(name))
    try:
        return await asyncio.wait_for(provider.models(), PATIENCE_SECONDS)
    except TimeoutError:
        raise ProviderError(f"{name} did not answer within {PATIENCE_SECONDS:g} s.", retryable=True) from None
    finally:
        await provider.close()
