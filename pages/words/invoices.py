"""The provider's figures against ours, in words."""

from collections.abc import Mapping
from types import MappingProxyType

from core.invoices.drift import Item, Verdict
from core.invoices.report import FetchRow
from core.providers.billing import Kind
from core.settings import provider_rows
from core.settings.admin_keys import AdminKey
from pages.common import formats
from pages.common.formats import Markdown

VERDICTS: Mapping[Verdict, str] = MappingProxyType(
    {
        "equal": "equal",
        "unknown_calls": "calls we do not know",
        "price_differs": "price differs",
        "not_matched": "not matched",
        "fresh": "too fresh",
    }
)
COLOURS: Mapping[Verdict, str] = MappingProxyType(
    {
        "equal": "green",
        "unknown_calls": "red",
        "price_differs": "orange",
        "not_matched": "violet",
        "fresh": "gray",
    }
)
ABOUT: Mapping[Verdict, str] = MappingProxyType(
    {
        "equal": "The same to the cent, and to the token where theirs tells tokens.",
        "unknown_calls": "They count more tokens than we booked: somebody else uses the key or the project, or an "
        "answer was lost before it was booked.",
        "price_differs": "The same tokens, another sum: what they charge is not what we booked.",
        "not_matched": "One side has nothing of it or fewer tokens than we booked, or their figures do not tell both "
        "tokens and money.",
        "fresh": "Fetched before the day was settled, which is a day after its end: their figures may still grow.",
    }
)
KINDS: Mapping[Kind, str] = MappingProxyType(
    {
        "input": "input",
        "cached": "input read from a cache",
        "cache_write": "input written to a cache",
        "cache_write_long": "input written to a cache for long",
        "output": "output",
        "other": "other",
    }
)
STATES = {"queued": "Waiting to be fetched", "running": "Fetching now", "done": "Fetched", "failed": "Not fetched"}


def key(admin: AdminKey) -> Markdown:
    """Where the admin key is from; why there is none."""
    if admin.missing:
        return formats.plain(admin.missing)
    return "Admin key: set on Settings." if admin.key_from == "here" else "Admin key: from the environment."


def scope(fetched: FetchRow) -> Markdown:
    if not fetched.scope:
        return "for the whole organization, as the key of our calls is not in its list of keys"
    return f"for {formats.plain(fetched.scope)}, which the key of our calls belongs to"


def rates(item: Item) -> Markdown:
    """What they charge, in USD per million tokens."""
    found = [f"${rate:f} {KINDS[kind]}" for kind, rate in item.rates.items()]
    return formats.plain(", ".join(found)) or "their bill does not tell it by kind of token"


def of_item(provider: str, item: Item) -> Markdown:
    lane = f", {item.lane}" if item.lane else ""
    named = item.model or "no model named"
    return formats.plain(f"{provider_rows.label(provider)}, {named}{lane}, {item.day:%b %-d, %Y}")
