"""What money is spent on, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from core.jobs.advice import Rule
from core.money.series import Metric
from core.money.sums import Dimension
from core.settings import provider_rows
from core.tables.budgets import OnLimit, Scope

DIMENSIONS: Mapping[Dimension, str] = MappingProxyType(
    {
        "model": "Model",
        "provider": "Provider",
        "lane": "Lane",
        "tier": "Tier",
        "template": "Template",
        "collection": "Collection",
        "user": "User",
        "job": "Job",
        "status": "Status",
    }
)
NOTHING: Mapping[Dimension, str] = MappingProxyType(
    {"job": "no job", "collection": "no document", "template": "no template", "user": "nobody named"}
)
STATUS = {
    "ok": "answered",
    "unusable": "unusable answer",
    "unattributed": "billed beyond the lines of a batch",
    "unheard": "answer never came",
}
METRICS: Mapping[str, tuple[Metric, str]] = MappingProxyType(
    {"Spend": ("spend", "$"), "Tokens": ("tokens", ""), "Calls": ("calls", "")}
)
KINDS = {
    "uncached": "Input",
    "cached": "Input read from a cache",
    "written": "Input written to a cache",
    "output": "Output",
    "reasoning": "Output as reasoning",
}
OTHERS = "others"
RATES = {
    "input": "Input",
    "output": "Output",
    "cached": "Read from a cache",
    "cache_write": "Written to a cache",
    "cache_write_long": "Written for long",
    "web_search": "Web search",
}
REASONS = {
    "no_price": "No price is known for this model.",
    "no_rate": "It used something that has no rate, such as audio.",
    "no_usage": "The answer told no token counts, so its cost cannot be known.",
    "odd_usage": "The token counts that came make no sense, so its cost cannot be known.",
}
ABOUT_AS = "Sets that model's price for this one and books these calls. It is suggested by the name alone: look first."
ADVICE: Mapping[Rule, str] = MappingProxyType(
    {
        "batch": "Live jobs that were read so late that a batch would have been through",
        "asked_again": "The same question billed again",
        "unusable": "Answers that could not be used",
        "dear_tier": "Calls at a tier dearer than the standard one",
        "uncached": "Custom requests that begin alike and hardly read that from a cache",
    }
)
WHAT_TO_DO: Mapping[Rule, str] = MappingProxyType(
    {
        "batch": "Launch such jobs in the batch lane: at the prices of today it costs this much less.",
        "asked_again": "Known answers are reused for free unless a job was launched without reuse.",
        "unusable": "They were refused, cut off, empty or broke their schema. Another model may help.",
        "dear_tier": "The provider answered at a dearer tier. Custom requests choose it by `service_tier` or `speed`.",
        "uncached": "Put what is the same first, and send them together; at Anthropic mark it with `cache_control`.",
    }
)
SCOPES: Mapping[Scope, str] = MappingProxyType(
    {
        "all": "Everything",
        "workspace": "Workspace",
        "user": "User",
        "template": "Template",
        "collection": "Collection",
        "provider": "Provider",
    }
)
ON_LIMIT: Mapping[OnLimit, str] = MappingProxyType({"warn": "Warn", "wait": "Let jobs wait"})
ABOUT_ON_LIMIT = {
    "warn": "Nothing is held up: this page says that the limit is near or reached.",
    "wait": "Jobs that do not fit wait until there is room. Calls that are under way end and are booked, so a budget "
    "may be passed by those.",
}


def key(of: Dimension, value: str | None, label: str | None) -> str:
    """What people call this key. `label`: the name of what still is there."""
    if value is None:
        return NOTHING.get(of, "none")
    if of == "provider":
        return provider_rows.label(value)
    if of == "status":
        return STATUS.get(value, value)
    return label or ("deleted job" if of == "job" else value)


def scoped(scope: Scope, value: str) -> str:
    return provider_rows.label(value) if scope == "provider" else value
