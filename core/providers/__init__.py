"""The providers that are set up. SDKs are imported at the first call: a process which never calls pays nothing."""

from functools import lru_cache

from core.providers.types import Provider


def build(
    *,
    openai_api_key: str | None,
    openai_base_url: str | None,
    anthropic_api_key: str | None,
    anthropic_base_url: str | None,
    timeout_s: float,
) -> dict[str, Provider]:
    """By name. A base URL alone sets a provider up, too: compatible servers often need no key."""
    from core.providers.anthropic import AnthropicProvider
    from core.providers.offline import OfflineProvider
    from core.providers.openai import OpenAIProvider

    found: dict[str, Provider] = {}
    if openai_api_key or openai_base_url:
        found["openai"] = OpenAIProvider(openai_api_key, openai_base_url, timeout_s)
    if anthropic_api_key or anthropic_base_url:
        found["anthropic"] = AnthropicProvider(anthropic_api_key, anthropic_base_url, timeout_s)
    found["offline"] = OfflineProvider()
    return found


@lru_cache
def keyless(name: str) -> Provider:
    """The provider for all that needs no key, as it may not be set up (any more): making bodies, reading answers."""
    return build(
        openai_api_key="none",
        openai_base_url=None,
        anthropic_api_key="none",
        anthropic_base_url=None,
        timeout_s=1,
    )[name]
