"""Our corrections, until the list that is installed has caught up with them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from genai_prices.data_snapshot import get_snapshot

from core.money import corrections, snapshot
from core.money.corrections import CORRECTIONS, NOTED, Correction
from core.money.pricing import price
from core.providers.capabilities import Kind
from core.providers.usage import Terms, Usage

AT = datetime.combine(NOTED, datetime.min.time(), UTC)
EACH = pytest.mark.parametrize("correction", CORRECTIONS, ids=[one.example for one in CORRECTIONS])


@EACH
def test_a_correction_goes_once_the_list_knows(correction: Correction) -> None:
    listed = snapshot.listed(correction.kind, correction.example, "standard", NOTED)
    if correction.rates is not None:
        assert listed is None, "The list has this model now: take the correction out."
    for tier in correction.half:
        own = snapshot.listed(correction.kind, correction.example, tier, NOTED)
        assert own is None or not own.own, "The list has rates of this tier now: take the correction out."


def test_the_list_knows_no_region_yet() -> None:
    told = {
        name
        for provider in get_snapshot().providers
        if provider.id in {kind for kind, _ in corrections.REGIONS}
        for model in provider.models
        for variant in model.price_variants or ()
        for name in variant.when
    }
    assert told <= {"processing", "speed", "service_tier"}, "The list has other terms now: perhaps regions."


@EACH
def test_a_correction_is_applied_and_says_so(correction: Correction) -> None:
    assert correction.source.startswith("https://")
    assert correction.noted <= date(2026, 11, 30)
    half = price(correction.kind, correction.example, Usage(1_000_000), "batch", AT)
    assert half.applied is not None
    assert (half.applied.source, half.applied.version) == ("correction", correction.noted.isoformat())
    assert half.cost is not None
    assert half.cost * 2 == half.list_usd


def test_a_correction_is_of_its_model_alone() -> None:
    for model in ("claude-mythos-5-2", "text-embedding-3-small-v2", "gpt-4.1-mini", "ft:gpt-4.1:acme"):
        kind: Kind = "anthropic" if model.startswith("claude") else "openai"
        assert corrections.of_model(kind, model, "batch", NOTED) is None, model


def test_a_region_raises_what_tokens_cost() -> None:
    usage = Usage(1_000, output_tokens=100, web_searches=1)
    there, anywhere = (
        price("anthropic", "claude-opus-5", usage, "live", AT, Terms(region=region)) for region in ("us", "global")
    )
    assert (there.cost, anywhere.cost) == (Decimal("0.01825"), Decimal("0.0175"))
    assert there.applied is not None
    assert there.applied.source == "correction"
    assert price("openai", "gpt-5.4", Usage(1_000), "live", AT, Terms(region="us")).cost == Decimal("0.0025")
