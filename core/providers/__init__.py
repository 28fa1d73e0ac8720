"""The providers. SDKs are imported at the first call: a process which never calls pays nothing."""

from functools import lru_cache

from core.providers.types import Provider


def make(name: str, api_key: str | None, base_url: str | None, timeout_s: float) -> Provider:
    """Compatible servers often need no key. Without a base URL it is the provider's own."""
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
    """The provider for all that needs no key, as it may not be set up (any more): making bodies, reading answers."""
    return make(name, "none", None, 1)


def own_address(name: str) -> str:
    """Where it is called unless another base URL is set."""
    return keyless(name).base_url
