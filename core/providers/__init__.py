"""Make a provider of a kind. SDKs are imported at the first call: a process that never calls does not pay for them."""

from functools import lru_cache

from core.providers.capabilities import Kind
from core.providers.types import Provider


def make(kind: Kind, api_key: str | None, base_url: str | None, timeout_s: float, name: str | None = None) -> Provider:
    """Without a key: compatible servers often need none. Without a base URL: the maker's own. `name`: of the provider
    where it is not that of its kind."""
    from core.providers.anthropic import AnthropicProvider
    from core.providers.offline import OfflineProvider
    from core.providers.openai import OpenAIProvider

    match kind:
        case "openai":
            return OpenAIProvider(api_key, base_url, timeout_s, name or kind)
        case "anthropic":
            return AnthropicProvider(api_key, base_url, timeout_s, name or kind)
        case "offline":
            return OfflineProvider()


@lru_cache(maxsize=256)
def keyless(kind: Kind, name: str | None = None) -> Provider:
    """For what needs no key, as the provider may not be set up any more: making bodies, reading answers."""
    return make(kind, "none", None, 1, name)


def own_address(kind: Kind) -> str:
    """The base URL where none is set; "" for a local provider."""
    return keyless(kind).base_url
