"""Default and suggested models, when models end, and context windows (from genai-prices' snapshot)."""

import re
from datetime import date
from functools import lru_cache

from core.providers.capabilities import Kind

DEFAULTS: dict[Kind, str] = {"openai": "gpt-5.6-luna", "anthropic": "claude-haiku-4-5", "offline": "offline-1"}
SUGGESTED: dict[Kind, tuple[str, ...]] = {
    "openai": (
        "gpt-5.6-luna",
        "gpt-5.6-terra",
        "gpt-5.4-mini",
        "gpt-5.4",
        "gpt-5-mini",
        "gpt-5-nano",
        "gpt-4.1-mini",
        "gpt-4o-mini",
    ),
    "anthropic": ("claude-haiku-4-5", "claude-sonnet-5", "claude-opus-5"),
    "offline": ("offline-1",),
}
# On which day a maker switches models off; their dated snapshots go with them. Source: OpenAI's page of deprecations
# (developers.openai.com/api/docs/deprecations), November 2026.
ENDS: dict[str, dict[date, tuple[str, ...]]] = {
    "openai": {
        date(2026, 12, 11): ("gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5-pro", "o3", "o3-pro"),
        date(2027, 1, 14): ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"),
        date(2027, 4, 1): ("gpt-5.1",),
    },
}
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")
# For an unknown model: the smallest window of the models that are served today.
UNKNOWN_CONTEXT = 128_000
OFFLINE_CONTEXT = 5_000_000
# Open weights: their maker gives them away, and others sell them. What the price list has of them is of others.
OPEN_WEIGHTS = re.compile(r"gpt-oss\b")


def default_model(kind: Kind) -> str:
    return DEFAULTS[kind]


def is_sold_by_its_maker(model: str) -> bool:
    return OPEN_WEIGHTS.match(model.rpartition("/")[2]) is None


def ends_on(provider: str, model: str) -> date | None:
    """The day on which its maker switches the model off; None: none is known."""
    name = _SNAPSHOT.sub("", model)
    return next((day for day, names in ENDS.get(provider, {}).items() if name in names), None)


@lru_cache(maxsize=512)
def context_tokens(kind: Kind, model: str) -> int:
    """The context window in tokens, input and output together."""
    if kind == "offline":
        return OFFLINE_CONTEXT
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, found = get_snapshot().find_provider_model(model, None, kind, None)
    except LookupError:
        return UNKNOWN_CONTEXT
    return found.context_window or UNKNOWN_CONTEXT
