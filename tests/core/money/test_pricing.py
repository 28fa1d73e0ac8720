"""Prices by the snapshot that is installed, per million tokens: gpt-5-mini 0.25 in, 0.025 cached, 2 out;
claude-haiku-4-5 1 in, 0.10 cached, 1.25 written, 5 out."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import calc_price
from genai_prices.data_snapshot import get_snapshot

from core.errors import InvalidInput
from core.money import snapshot, times
from core.money.pricing import estimate, of_calls, price, tariff
from core.money.rates import KEPT, usd
from core.providers.usage import Terms, Usage

NOW = datetime(2026, 11, 21, tzinfo=UTC)
BEFORE_BATCH_RATES = datetime(2025, 11, 21, tzinfo=UTC)


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
        assert (found.cost, found.priced, found.list_usd) == (Decimal(expected), True, Decimal(live))
        assert found.cost is not None
        assert found.cost.as_tuple().exponent == -12


def test_the_price_that_was_applied_is_told_with_the_rates_of_its_lane() -> None:
    live, batch = (price("openai", "gpt-5-mini", Usage(10, 0, 0, 1), lane, NOW).applied for lane in ("live", "batch"))
    assert live is not None
    assert batch is not None
    told = {"source": "snapshot", "version": snapshot.VERSION, "model": "gpt-5-mini"}
    rates = {"input": "0.25", "cached": "0.025", "output": "2", "web_search": "10"}
    assert json.loads(live.as_json) == {**told, "rates": rates}
    assert json.loads(batch.as_json)["rates"] == {**rates, "input": "0.125", "cached": "0.0125", "output": "1"}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_an_unknown_model_has_no_price_and_never_costs_nothing(provider: str) -> None:
    found = price(provider, "no-such-model", Usage(100, 0, 0, 10), "live", NOW)
    assert (found.cost, found.list_usd, found.priced, found.reason) == (None, None, False, "no_price")


@pytest.mark.parametrize(
    ("model", "usage", "terms"),
    [
        ("gpt-5-mini", Usage(100, unrated=3), Terms()),
        ("gpt-4.1-nano", Usage(100, web_searches=1), Terms()),
        ("text-embedding-3-small", Usage(100, output_tokens=1), Terms()),
        # Nobody tells yet what twelve hours cost.
        ("gpt-5.6-luna", Usage(100, 0, 50, 0, 50), Terms()),
        ("gpt-5-nano", Usage(100), Terms("priority")),
        ("gpt-4.1", Usage(100), Terms("flex")),
    ],
)
def test_what_there_is_no_rate_for_has_no_price(model: str, usage: Usage, terms: Terms) -> None:
    found = price("openai", model, usage, "live", NOW, terms)
    assert (found.cost, found.reason, found.applied) == (None, "no_rate", None)


def test_a_batch_without_a_rate_of_its_own_costs_the_full_price_and_says_so() -> None:
    live, batch = (
        price("openai", "gpt-5-mini", Usage(1000, 0, 0, 10), lane, BEFORE_BATCH_RATES) for lane in ("live", "batch")
    )
    assert batch.cost == live.cost
    assert "full price" in (batch.note or "")
    assert live.note is None


def test_the_offline_engine_costs_nothing() -> None:
    for usage in (Usage(), None):
        found = tariff("offline", "offline-1", "live", NOW)(usage)
        assert (found.cost, found.list_usd, found.priced, found.applied) == (0, 0, True, None)


@pytest.mark.parametrize("lane", ["live", "batch"])
def test_without_counts_that_make_sense_there_is_no_price(lane: str) -> None:
    cost = tariff("openai", "gpt-5-mini", lane, NOW)
    assert cost(None, Terms(trouble="no_usage")).reason == "no_usage"
    assert cost(None).reason == "odd_usage"
    assert cost(None).cost is None


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
@pytest.mark.parametrize("model", ["gpt-5-mini", "gpt-5.4", "no-such-model"])
def test_counts_that_cannot_be_are_refused(usage: Any, model: str) -> None:
    for provider in ("openai", "offline"):
        with pytest.raises(InvalidInput):
            price(provider, model, usage, "live", NOW)


def test_what_is_stored_is_the_nearest_and_a_half_goes_to_the_even_one() -> None:
    halves = {KEPT // 2: 0, KEPT // 2 + 1: 1, KEPT * 3 // 2: 2, KEPT * 5 // 2: 2, KEPT * 5 // 2 + 1: 3, KEPT * 3 - 1: 3}
    assert {parts: usd(parts).scaleb(12) for parts in halves} == halves


def test_an_estimate_is_a_price() -> None:
    assert estimate("openai", "gpt-5-mini", 1000, 100, "live", NOW).cost == Decimal("0.00045")


AMOUNTS = [
    Usage(),
    Usage(1, 0, 0, 0),
    Usage(0, 0, 0, 7),
    Usage(1234, 1234, 0, 567),
    Usage(1234, 0, 1234, 567),
    Usage(1234, 321, 123, 567, 23, 100, 2),
    Usage(999_999_999, 333_333_333, 111_111_111, 777_777_777),
    # About the thresholds of prices that depend on how much is used.
    *(Usage(tokens + more, 100, 10, 1000) for tokens in (100_000, 128_000, 200_000, 272_000) for more in (0, 1)),
]


@pytest.mark.parametrize("at", [NOW, BEFORE_BATCH_RATES], ids=["now", "before"])
def test_our_arithmetic_is_that_of_the_list_for_every_model_and_tier(at: datetime) -> None:
    """But that what has no rate is not priced at 0."""
    priced = unpriced = 0
    for provider in get_snapshot().providers:
        for model in provider.models if provider.id in ("openai", "anthropic") else ():
            for tier, context in snapshot.CONTEXTS.items():
                listed = snapshot.listed(provider.id, model.id, tier, at.date())
                for usage in AMOUNTS if listed else ():
                    assert listed
                    cost = listed.sheet.steps[listed.sheet.of(usage.input_tokens)].cost(usage)
                    theirs = calc_price(
                        their(usage),
                        model.id,
                        provider_id=provider.id,
                        genai_request_timestamp=at,
                        price_context=context or None,
                    )
                    if cost is None:
                        unpriced += 1
                    else:
                        priced += 1
                        assert abs(cost - theirs.total_price) <= Decimal("5E-13"), (model.id, tier, usage)
    assert 0 < 10 * unpriced < priced


def their(usage: Usage) -> TheirUsage:
    return TheirUsage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=usage.cache_write_long_tokens,
        output_tokens=usage.output_tokens,
        web_searches=usage.web_searches,
    )


def test_what_is_not_sold_by_the_token_has_no_price() -> None:
    assert price("openai", "whisper-1", Usage(100), "live", NOW).reason == "no_price"


@pytest.mark.parametrize("lane", ["live", "batch"])
def test_many_calls_cost_what_each_of_them_does(lane: str) -> None:
    # As one call they would have the rates of a very long one.
    one = estimate("openai", "gpt-5.4", 10_000, 500, lane, NOW).cost
    assert one
    assert of_calls("openai", "gpt-5.4", 50_000, 10_000 * 50_000, 500 * 50_000, lane, NOW) == one * 50_000
    assert of_calls("openai", "gpt-5.4", 500_000, 10_000 * 500_000, 500 * 500_000, lane, NOW) == one * 500_000
    rest = tariff("openai", "gpt-5.4", lane, NOW).of_many(Usage(10_000 * 500, output_tokens=500 * 500), 10_000)
    assert rest.cost == one * 500


def test_many_calls_without_a_price_are_not_free_and_no_calls_are() -> None:
    assert of_calls("openai", "own-model", 2, 20, 2, "live", NOW) is None
    assert of_calls("openai", "own-model", 0, 0, 0, "live", NOW) == 0


def test_a_time_that_is_told_holds_where_our_clock_finds_it_plausible() -> None:
    asked, heard = NOW, NOW + timedelta(seconds=30)
    for seconds, holds in ((-301, False), (-300, True), (10, True), (330, True), (331, False)):
        told = NOW + timedelta(seconds=seconds)
        assert times.checked(told, asked, heard) == (told if holds else heard), seconds
    assert times.checked(None, asked, heard) == heard
