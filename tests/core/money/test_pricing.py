"""Prices by the snapshot that is installed, per million tokens: gpt-5-mini 0.25 in, 0.025 cached, 2 out;
claude-haiku-4-5 1 in, 0.10 cached, 1.25 written, 5 out."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot

from core.errors import InvalidInput
from core.money.pricing import estimate, of_calls, price, tariff
from core.providers.usage import Usage

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


MODELS = [
    (provider.id, model.id)
    for provider in get_snapshot().providers
    if provider.id in ("openai", "anthropic")
    for model in provider.models
]
AMOUNTS = [
    Usage(),
    Usage(1, 0, 0, 0),
    Usage(0, 0, 0, 7),
    Usage(1234, 1234, 0, 567),
    Usage(1234, 0, 1234, 567),
    Usage(1234, 321, 123, 567),
    Usage(999_999_999, 333_333_333, 111_111_111, 777_777_777),
    # About the thresholds of prices that depend on how much is used.
    *(Usage(tokens + more, 100, 10, 1000) for tokens in (128_000, 200_000, 272_000) for more in (0, 1)),
]
BEFORE_BATCH_RATES = datetime(2025, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("at", [NOW, BEFORE_BATCH_RATES])
@pytest.mark.parametrize("lane", ["live", "batch"])
def test_a_tariff_is_the_price_of_every_model_in_the_snapshot(lane: str, at: datetime) -> None:
    for provider, model in [*MODELS, ("openai", "no-such-model"), ("offline", "offline-1")]:
        cost = tariff(provider, model, lane, at)
        for usage in AMOUNTS:
            assert cost(usage) == price(provider, model, usage, lane, at), (provider, model, usage)


def test_the_snapshot_holds_prices_of_both_kinds() -> None:
    """Or the test above would not show that those which depend on how much is used are priced one by one."""
    per_token = [
        {price(p, model, Usage(input_tokens=tokens), "live", NOW).cost or 0 for tokens in (1, 1_000_000)}
        for p, model in MODELS
    ]
    linear = [1_000_000 * min(costs) == max(costs) for costs in per_token]
    assert 0 < sum(linear) < len(linear)


@pytest.mark.parametrize("usage", [Usage(-1), Usage(1, 1, 1), Usage(0, 0, 0, 10**12)])
@pytest.mark.parametrize("model", ["gpt-5-mini", "gpt-5.4", "no-such-model"])
def test_a_tariff_refuses_what_a_price_refuses(model: str, usage: Usage) -> None:
    with pytest.raises(InvalidInput):
        tariff("openai", model, "batch", NOW)(usage)


@pytest.mark.parametrize("lane", ["live", "batch"])
def test_many_calls_cost_what_each_of_them_does(lane: str) -> None:
    # As one call they would have the rates of a very long one.
    one = estimate("openai", "gpt-5.4", 10_000, 500, lane, NOW).cost
    assert one
    assert of_calls("openai", "gpt-5.4", 50_000, 10_000 * 50_000, 500 * 50_000, lane, NOW) == one * 50_000
    assert of_calls("openai", "gpt-5.4", 500_000, 10_000 * 500_000, 500 * 500_000, lane, NOW) == one * 500_000


def test_many_calls_without_a_price_are_not_free_and_no_calls_are() -> None:
    assert of_calls("openai", "own-model", 2, 20, 2, "live", NOW) is None
    assert of_calls("openai", "own-model", 0, 0, 0, "live", NOW) == 0
