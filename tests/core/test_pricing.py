"""Prices by the snapshot that is installed, per million tokens: gpt-5-mini 0.25 in, 0.025 cached, 2 out;
claude-haiku-4-5 1 in, 0.10 cached, 1.25 written, 5 out."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.errors import InvalidInput
from core.pricing import estimate, price
from core.providers.types import Usage

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("provider", "model", "usage", "live", "batch"),
    [
        ("openai", "gpt-5-mini", Usage(1_000_000, 0, 0, 1_000_000), "2.25", "1.125"),
        ("openai", "gpt-5-mini-2025-08-07", Usage(1_000_000, 0, 0, 0), "0.25", "0.125"),
        ("openai", "gpt-5-mini", Usage(1_000_000, 1_000_000, 0, 0), "0.025", "0.0125"),
        ("openai", "gpt-5-mini", Usage(1_000_000, 400_000, 0, 0), "0.16", "0.08"),
        ("openai", "gpt-5-mini", Usage(1, 0, 0, 0), "0.00000025", "0.000000125"),
        ("openai", "gpt-5-mini", Usage(1, 1, 0, 0), "0.000000025", "0.0000000125"),
        ("openai", "gpt-5-mini", Usage(), "0", "0"),
        ("anthropic", "claude-haiku-4-5", Usage(1_000_000, 0, 0, 1_000_000), "6", "3"),
        ("anthropic", "claude-haiku-4-5", Usage(1_000_000, 600_000, 400_000, 0), "0.56", "0.28"),
    ],
)
def test_what_a_call_costs(provider: str, model: str, usage: Usage, live: str, batch: str) -> None:
    for lane, expected in (("live", live), ("batch", batch)):
        found = price(provider, model, usage, lane, NOW)
        assert (found.cost, found.priced) == (Decimal(expected), True)
        assert found.cost is not None
        assert found.cost.as_tuple().exponent == -12


def test_the_price_that_was_applied_is_told() -> None:
    rates = price("openai", "gpt-5-mini", Usage(10, 0, 0, 1), "live", NOW).rates
    assert rates["model"] == "gpt-5-mini"
    assert "0.25" in rates["applied"]
    assert rates["source"].startswith("genai-prices ")


def test_live_and_batch_tell_rates_of_their_own() -> None:
    live, batch = (price("openai", "gpt-5-mini", Usage(10, 0, 0, 1), lane, NOW) for lane in ("live", "batch"))
    assert live.rates["applied"] != batch.rates["applied"]


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_an_unknown_model_has_no_price_and_never_costs_nothing(provider: str) -> None:
    found = price(provider, "no-such-model", Usage(100, 0, 0, 10), "live", NOW)
    assert (found.cost, found.priced) == (None, False)
    assert "no-such-model" in (found.note or "")


def test_a_batch_without_a_rate_of_its_own_costs_the_full_price_and_says_so() -> None:
    before_there_were_rates = datetime(2025, 11, 21, tzinfo=UTC)
    live, batch = (
        price("openai", "gpt-5-mini", Usage(1000, 0, 0, 10), lane, before_there_were_rates)
        for lane in ("live", "batch")
    )
    assert batch.cost == live.cost
    assert "full price" in (batch.note or "")
    assert live.note is None


def test_the_offline_engine_costs_nothing() -> None:
    assert price("offline", "offline-1", Usage(), "live", NOW).cost == 0


@pytest.mark.parametrize(
    "usage",
    [
        Usage(-1, 0, 0, 0),
        Usage(1, 0, 0, -1),
        Usage(True, 0, 0, 0),
        Usage(1, 0, 0, False),
        Usage(1.5, 0, 0, 0),  # type: ignore[arg-type]
        Usage(float("nan"), 0, 0, 0),  # type: ignore[arg-type]
        Usage(10**10, 0, 0, 0),
        Usage(10, 11, 0, 0),
        Usage(10, 6, 5, 0),
    ],
)
@pytest.mark.parametrize("provider", ["openai", "offline"])
def test_counts_that_cannot_be_are_refused(usage: Any, provider: str) -> None:
    with pytest.raises(InvalidInput):
        price(provider, "gpt-5-mini", usage, "live", NOW)


def test_an_estimate_is_a_price() -> None:
    assert estimate("openai", "gpt-5-mini", 1000, 100, "live", NOW).cost == Decimal("0.00045")
