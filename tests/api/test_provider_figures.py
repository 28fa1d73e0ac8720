"""What health and metrics say of a provider that answers, fails and is stopped, over real calls to a loopback one."""

from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from core.calls import breaker_by_hand, report
from core.health import components, sampling
from core.health.components import Component
from tests.local_provider import Asked, LocalProvider, Reply, error
from tests.pipeline import make_job, ready_documents, run_job

pytestmark = pytest.mark.usefixtures("database")
MODEL = "gpt-5-mini"
OPENAI = {"provider": "openai", "model": MODEL}


def some_fail(asked: Asked) -> Reply:
    """Of eight documents three fail; the others are answered after 40 ms."""
    number = int(asked.document.split()[0].removeprefix("doc_"))
    return error(500, "server_error", "down") if number < 3 else Reply(delay=0.04)


@pytest.fixture
def called(openai: LocalProvider) -> None:
    openai.plan = some_fail
    run_job(make_job(ready_documents(8), "summarize", provider="openai", model=MODEL))


def component() -> Component:
    return next(one for one in components.components(datetime.now(UTC)) if one.name == "provider:openai")


def scraped(client: TestClient) -> dict[tuple[str, str], float]:
    """By name and what the labels hold besides provider and model."""
    found = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            if sample.labels.get("provider") == "openai":
                rest = ",".join(value for name, value in sample.labels.items() if name not in OPENAI)
                found[sample.name, rest] = sample.value
    return found


@pytest.mark.usefixtures("called")
def test_what_was_called_is_told_by_the_row_the_component_and_the_metrics(client: TestClient) -> None:
    (row,) = [one for one in report.models() if one.provider == "openai"]
    assert (row.model, row.breaker, row.answered, row.failed, row.calls) == (MODEL, "closed", 5, 3, 8)
    assert sum(row.latencies) == 5
    quickest = report.quantile_ms(row.latencies, 0.01)
    assert quickest is not None
    assert quickest >= 32  # the bucket in which 40 ms lie

    sampling.take(datetime.now(UTC), well=True)
    found = component()
    assert (found.healthy, found.figures["calls"], found.figures["error_share"]) == (True, 8, 0.375)
    assert 32 <= found.figures["p50_ms"] <= found.figures["p95_ms"]
    assert 0 <= found.figures["last_success_age_s"] < 60

    values = scraped(client)
    assert (values["cairn_calls_total", "answered"], values["cairn_calls_total", "failed"]) == (5, 3)
    assert values["cairn_call_duration_seconds_count", ""] == 5
    assert values["cairn_call_duration_seconds_bucket", "0.032"] == 0
    assert values["cairn_call_duration_seconds_bucket", "+Inf"] == 5
    assert values["cairn_provider_error_share", ""] == 0.375
    assert values["cairn_provider_p95_seconds", ""] >= 0.032
    assert values["cairn_usage_records_total", "live,ok,false"] == 5


HEADERS = {
    "x-ratelimit-limit-requests": "600",
    "x-ratelimit-remaining-requests": "300",
    "x-ratelimit-reset-requests": "50m0s",
    "x-ratelimit-limit-tokens": "1000000",
    "x-ratelimit-remaining-tokens": "900000",
    "x-ratelimit-reset-tokens": "6s",
}


def test_what_is_left_of_the_rate_limit_is_told_as_its_scarcest_share(
    client: TestClient, openai: LocalProvider
) -> None:
    openai.plan = lambda _asked: Reply(headers=HEADERS)
    run_job(make_job(ready_documents(3), "summarize", provider="openai", model=MODEL))
    # Of the requests half was left, and one comes back in ten seconds.
    (row,) = [one for one in report.models() if one.provider == "openai"]
    assert row.headroom is not None
    assert 0.4 < row.headroom < 0.6
    sampling.take(datetime.now(UTC), well=True)
    assert 0.4 < component().figures["headroom"] < 0.6
    assert "of the rate limit left" in component().message
    values = scraped(client)
    assert 0.4 < values["cairn_provider_rate_limit_headroom", ""] < 0.6
    assert values["cairn_rate_limit_blocked", ""] == 0


@pytest.mark.usefixtures("called")
def test_a_breaker_is_seen_at_once_by_health_and_metrics(client: TestClient) -> None:
    sampling.take(datetime.now(UTC), well=True)
    breaker_by_hand.open_by_hand("openai", MODEL)
    assert component().healthy is False
    values = scraped(client)
    assert [values["cairn_breaker_state", state] for state in ("closed", "open", "half_open")] == [0, 1, 0]
    breaker_by_hand.close_by_hand("openai", MODEL)
    assert component().healthy is True
    assert scraped(client)["cairn_breaker_state", "closed"] == 1
