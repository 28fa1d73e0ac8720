"""What a call costs, to the cent and far below."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core import pricing
from core.errors import InvalidInput
from core.providers.types import Usage

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("provider", "model", "usage", "lane", "cost"),
    [
        ("openai", "gpt-4o-mini", Usage(1_000_000, 0, 0, 0), "live", "0.15"),
        ("openai", "gpt-4o-mini", Usage(0, 0, 0, 1_000_000), "live", "0.6"),
        ("openai", "gpt-4o-mini", Usage(1_000_000, 1_000_000, 0, 0), "live", "0.075"),
        ("openai", "gpt-4o-mini", Usage(1_000_000, 0, 0, 1_000_000), "batch", "0.375"),
        ("openai", "gpt-4o-mini-2024-07-18", Usage(1, 0, 0, 0), "live", "0.00000015"),
        ("openai", "gpt-4o-mini", Usage(1, 1, 0, 0), "live", "0.000000075"),
        ("anthropic", "claude-haiku-4-5", Usage(1_000_000, 500_000, 100_000, 0), "live", "0.575"),
        ("offline", "offline-1", Usage(5, 0, 0, 5), "live", "0"),
    ],
)
def test_the_price_of_a_call(provider: str, model: str, usage: Usage, lane: str, cost: str) -> None:
    found = pricing.price(provider, model, usage, lane, NOW)
    assert (found.cost, found.priced) == (Decimal(cost), True)


def test_the_price_that_was_applied_is_told() -> None:
    rates = pricing.price("openai", "gpt-4o-mini", Usage(1), "live", NOW).rates
    assert "0.15" in rates["applied"]
    assert rates["source"].startswith("genai-prices")


def test_a_model_without_a_price_is_not_free() -> None:
    found = pricing.price("openai", "llama3", Usage(1_000), "live", NOW)
    assert (found.cost, found.priced) == (None, False)
    assert "llama3" in (found.note or "")


def test_a_batch_without_a_batch_rate_says_so() -> None:
    found = pricing.price("openai", "gpt-4o-mini", Usage(1_000), "batch", datetime(2024, 1, 1, tzinfo=UTC))
    full = pricing.price("openai", "gpt-4o-mini", Usage(1_000), "live", datetime(2024, 1, 1, tzinfo=UTC))
    if found.cost == full.cost:
        assert "batch" in (found.note or "")
    else:
        assert found.note is None


@pytest.mark.parametrize("count", [-1, True, 1.5, float("nan"), 10**12])
def test_senseless_counts_are_refused(count: Any) -> None:
    with pytest.raises(InvalidInput):
        pricing.price("openai", "gpt-4o-mini", Usage(count), "live", NOW)


def test_more_cached_than_input_tokens_are_refused() -> None:
    with pytest.raises(InvalidInput):
        pricing.price("openai", "gpt-4o-mini", Usage(5, 6), "live", NOW)
