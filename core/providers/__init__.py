"""Make a provider by name. SDKs are imported at the first call, so a process that never calls does not pay for them."""

from functools import lru_cache

from core.providers.types import Provider


def make(name: str, api_key: str | None, base_url: str | None, timeout_s: float) -> Provider:
    """Without a key: compatible servers often need none. Without a base URL: the provider's own.

    Raises LookupError for an unknown name.
    """
    from core.providers.anthropic import AnthropicProvider
    from core.providers.offline import OfflineProvider
    from core.providers.openai import OpenAIProvider

    match name:
        case "openai":
            return OpenAIProvider(api_key, base_url, timeout_s)
        case "anthropic":
            return AnthropicProvider(api_key, base_url, timeout_s)
        case "offline":
            return OfflineProvider()
    raise LookupError(name)


@lru_cache
def keyless(name: str) -> Provider:
    """For what needs no key, as the provider may not be set up any more: making bodies, reading answers."""
    return make(name, "none", None, 1)


def own_address(name: str) -> str:
    """The base URL where none is set; "" for a local provider."""
    return keyless(name).base_url
