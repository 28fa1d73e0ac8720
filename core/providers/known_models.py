"""Default and suggested models, and context windows (from genai-prices' snapshot)."""

from functools import lru_cache

DEFAULTS = {"openai": "gpt-5-mini", "anthropic": "claude-haiku-4-5", "offline": "offline-1"}
SUGGESTED = {
    "openai": ("gpt-5-mini", "gpt-5-nano", "gpt-5.4-mini", "gpt-5.4", "gpt-4.1-mini", "gpt-4o-mini"),
    "anthropic": ("claude-haiku-4-5", "claude-sonnet-5", "claude-opus-5"),
    "offline": ("offline-1",),
}
# For an unknown model: the smallest window of the models that are served today.
UNKNOWN_CONTEXT = 128_000
OFFLINE_CONTEXT = 5_000_000


def default_model(provider: str) -> str:
    return DEFAULTS[provider]


@lru_cache(maxsize=512)
def context_tokens(provider: str, model: str) -> int:
    """The context window in tokens, input and output together."""
    if provider == "offline":
        return OFFLINE_CONTEXT
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, found = get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return UNKNOWN_CONTEXT
    return found.context_window or UNKNOWN_CONTEXT
