"""Read the rate limits in a provider's headers: x-ratelimit-* (OpenAI and its like), anthropic-ratelimit-*."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from core.providers.usage import Limit

if TYPE_CHECKING:
    from httpx2 import Headers

KINDS = ("requests", "tokens", "input_tokens", "output_tokens")
# The headers of a limit, of what remains of it, and of when it is full again.
STYLES = (
    ("x-ratelimit-limit-{}", "x-ratelimit-remaining-{}", "x-ratelimit-reset-{}"),
    ("anthropic-ratelimit-{}-limit", "anthropic-ratelimit-{}-remaining", "anthropic-ratelimit-{}-reset"),
)
_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "": 1.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(d|h|ms|m|s|us|µs|ns|)")
# A moment given in whole seconds may be up to one second later.
ROUNDED = 1.0


def read(headers: "Headers") -> tuple[Limit, ...]:
    # Most answers of compatible servers have none, which shows without decoding all headers.
    if not any(b"ratelimit-" in name.lower() for name, _ in headers.raw):
        return ()
    values = {name.lower(): value for name, value in headers.items()}
    found = []
    for kind in KINDS:
        for style in STYLES:
            limit, left, whole = (values.get(name.format(kind.replace("_", "-"))) for name in style)
            if a_minute := _number(limit):
                found.append(Limit(kind, a_minute, _number(left), _seconds(whole, values.get("date"))))
    return tuple(found)


def _number(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 16 else None


def _seconds(value: str | None, date: str | None) -> float | None:
    """Seconds from a duration such as 6m0s, or until a moment such as 2026-01-01T00:01:00Z by the provider's clock."""
    if not value:
        return None
    if (parts := _DURATION.findall(value)) and "".join(number + unit for number, unit in parts) == value:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        moment = datetime.fromisoformat(value)
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return max(0.0, (moment - now).total_seconds()) + (0.0 if moment.microsecond else ROUNDED)
    except (ValueError, TypeError):
        return None
