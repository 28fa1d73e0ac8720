"""What is set of a provider, in short."""

from collections.abc import Mapping
from typing import Any

from core.settings import base_urls, provider_rows
from core.settings.provider_prices import Rates
from core.settings.provider_rows import ProviderRow

PRICES = {"list": "List prices", "free": "Free", "own": "Own rates"}
ABOUT_PRICES = {
    "list": "As its maker sells a model of that name. Other models have no price until you set one here.",
    "free": "Calls cost nothing, such as those of a server of your own.",
    "own": "USD per million tokens, for all its models. Cached tokens without a rate cost what input does.",
}
RATES = {"input": "Input", "cached": "Read from a cache", "cache_write": "Written to a cache", "output": "Output"}
KINDS = {"openai": "OpenAI's API and what speaks like it", "anthropic": "Anthropic's API and what speaks like it"}


def terms(row: ProviderRow) -> str:
    parts = [
        f"${row.prices.input:f} in, ${row.prices.output:f} out per million tokens"
        if isinstance(row.prices, Rates)
        else {"list": "List prices", "free": "Free"}[row.prices]
    ]
    if row.context_tokens:
        parts.append(f"{row.context_tokens:,} tokens of context")
    if row.concurrency:
        parts.append("1 call at once" if row.concurrency == 1 else f"{row.concurrency:,} calls at once")
    return ", ".join(parts)


def stored(value: Mapping[str, Any]) -> str:
    """A row as it is stored, for the log of changes."""
    if value.get("removed"):
        return "taken away"
    row = provider_rows.read("", {"kind": "openai", **value})
    return f"{row.kind} at {base_urls.shown(row.base_url)}, {terms(row)}" if row.base_url else terms(row)
