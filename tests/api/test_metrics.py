"""What Prometheus reads, by its own parser."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.metrics import Exposition, lines
from core.health import prometheus, sampling
from core.health.counters import CALLS, Counted, Counters, Metric, gauge
from core.money import folding
from core.runtime import db, worker_lease
from tests.pages import made
from tests.pipeline import add_document, database_away, make_job, run_job

pytestmark = pytest.mark.usefixtures("database")
Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(client: TestClient) -> Values:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(values: Values, name: str, **labels: str) -> float:
    return values[name, frozenset(labels.items())]


def test_a_job_is_seen_in_requests_tokens_money_and_processes(client: TestClient) -> None:
    job = make_job(
        [add_document("The secret pumps failed. They cost 48,000 euros.", "secret.txt")], params={"count": 1}
    )
    run_job(job)
    made.usage(job, cost_usd="0.000000000123", input_tokens=100, cached_input_tokens=40, output_tokens=7)
    made.usage(job, reused=True)
    worker_lease.register("one")
    sampling.take(datetime.now(UTC), well=True)
    values = scraped(client)
    requests = {key: value for key, value in values.items() if key[0] == "cairn_requests"}
    assert sum(requests.values()) == 1
    ((_, labels),) = requests
    assert dict(labels)["state"] == "succeeded"
    assert dict(labels)["provider"] == "offline"
    batch = {"provider": "openai", "model": "gpt-5.6-luna", "lane": "batch"}
    assert of(values, "cairn_tokens_total", **batch, kind="input") == 60
    assert of(values, "cairn_tokens_total", **batch, kind="cached_input") == 40
    assert of(values, "cairn_tokens_total", **batch, kind="output") == 7
    assert of(values, "cairn_cost_usd_total", **batch) == pytest.approx(1.23e-10)
    assert of(values, "cairn_usage_records_total", **batch, status="ok", reused="true") == 1
    assert of(values, "cairn_jobs", state="completed", lane="live") == 1
    assert of(values, "cairn_process_up", process="one", kind="jobs") == 1
    assert of(values, "cairn_workers_alive") >= 1
    assert of(values, "cairn_component_healthy", component="database") == 1
    assert of(values, "cairn_database_up") == 1
    assert "secret" not in client.get("/metrics").text


def worker(name: str, memory: int, seen: str = "now()") -> None:
    row = worker_lease.register(name)
    with db.transaction() as session:
        db.execute(
            session,
            f"UPDATE worker SET memory_bytes = :memory, cpu_seconds = 1.5, last_seen = {seen} WHERE id = :id",
            memory=memory,
            id=row,
        )


def test_a_process_counts_once_and_only_while_it_lives(client: TestClient) -> None:
    worker("container:1", 11)
    worker("container:1", 22)
    worker("gone:2", 33, "now() - interval '5 minutes'")
    text = client.get("/metrics").text
    values = scraped(client)
    assert of(values, "cairn_process_memory_bytes", process="container:1", kind="jobs") == 22
    assert of(values, "cairn_process_cpu_seconds_total", process="container:1", kind="jobs") == 1.5
    assert "gone:2" not in text
    lines = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(set(lines)) == len(lines)


def test_two_processes_count_alike_and_again_after_a_restart(client: TestClient) -> None:
    """Counters come from the database: none counts twice, and none goes back with a process that ends."""
    made.usage("job_1", output_tokens=7)
    minute("now", 5, [1, 0, 4], failed=2)
    first, second = (_counters(Exposition(0).text()) for _ in range(2))
    assert first == second == _counters(client.get("/metrics").text)
    made.usage("job_1", output_tokens=7)
    restarted = _counters(Exposition(0).text())
    assert all(restarted[key] >= value for key, value in first.items())
    assert restarted != first


def _counters(text: str) -> Values:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        if family.type in ("counter", "histogram")
        for sample in family.samples
    }


def minute(at: str, answered: int, latencies: list[int], failed: int = 0) -> None:
    with db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO call_minute (provider, model, minute, answered, failed, latencies)
               VALUES ('openai', 'gpt-5', CAST(:at AS timestamptz), :answered, :failed, :latencies)""",
            at=at,
            answered=answered,
            failed=failed,
            latencies=latencies,
        )


def test_latencies_are_a_cumulative_histogram(client: TestClient) -> None:
    minute("now", 5, [1, 0, 4], failed=2)
    minute("2026-01-05 10:00Z", 3, [0, 0, 1, *[0] * 30, 2])
    values = scraped(client)
    openai = {"provider": "openai", "model": "gpt-5"}
    buckets = [of(values, "cairn_call_duration_seconds_bucket", **openai, le=le) for le in ("0.001", "0.002", "0.004")]
    assert buckets == [1, 1, 6]
    assert of(values, "cairn_call_duration_seconds_bucket", **openai, le="1048.58") == 6
    assert of(values, "cairn_call_duration_seconds_bucket", **openai, le="+Inf") == 8
    assert of(values, "cairn_call_duration_seconds_count", **openai) == 8
    assert of(values, "cairn_calls_total", **openai, outcome="answered") == 8
    assert of(values, "cairn_calls_total", **openai, outcome="failed") == 2


def test_breakers_and_limits_have_a_sample_for_each_state(client: TestClient) -> None:
    with db.transaction() as session:
        db.execute(session, "INSERT INTO breaker (provider, model, state) VALUES ('openai', 'gpt-5', 'open')")
        db.execute(
            session,
            """INSERT INTO rate_limit (provider, model, kind, blocked_until) VALUES
                 ('openai', 'gpt-5', 'requests', now() + interval '1 minute'), ('openai', 'gpt-5', 'tokens', NULL)""",
        )
    values = scraped(client)
    openai = {"provider": "openai", "model": "gpt-5"}
    states = {
        state: of(values, "cairn_breaker_state", **openai, state=state) for state in ("closed", "open", "half_open")
    }
    assert states == {"closed": 0, "open": 1, "half_open": 0}
    assert of(values, "cairn_rate_limit_blocked", **openai) == 1


def answered(counted: Counted, at: datetime) -> int:
    with db.transaction() as session:
        return sum(int(sums[0]) for sums in counted.read(session, at).values())


def test_counters_go_on_from_what_is_settled() -> None:
    at = datetime.now(UTC)
    counted = Counted(CALLS, 2)
    for ago, number in ((timedelta(days=40), 3), (timedelta(hours=6), 2), (timedelta(0), 1)):
        minute((at - ago).isoformat(), number, [])
    assert [answered(counted, at - timedelta(days=1)) for _ in range(2)] == [6, 6]
    minute((at - timedelta(minutes=1)).isoformat(), 4, [])
    assert answered(counted, at - timedelta(days=1)) == 10
    assert [answered(counted, at) for _ in range(2)] == [10, 10]
    # What is settled is not read again.
    with db.transaction() as session:
        db.execute(session, "DELETE FROM call_minute WHERE minute < now() - interval '3 hours'")
    assert answered(counted, at) == 10


def test_money_and_tokens_count_at_once_late_ones_too_and_never_go_back(client: TestClient) -> None:
    counters = Counters()

    def cost() -> dict[str, Any]:
        (found,) = [metric for metric in counters.read() if metric.name == "cairn_cost_usd_total"]
        return {labels["lane"]: value for labels, value, _ in found.samples}

    made.usage("job_1", cost_usd="0.5", booking="lost:1:1", status="unheard")
    assert cost() == {"batch": Decimal("0.5")}
    # The end of a batch may lie long ago.
    made.usage("job_1", cost_usd="0.25", time=datetime.now(UTC) - timedelta(days=2))
    assert cost() == {"batch": Decimal("0.75")}
    folding.keep_up("UTC")
    assert cost() == {"batch": Decimal("0.75")}
    with db.transaction() as session:
        db.execute(session, "DELETE FROM usage_record WHERE booking IS NOT NULL")
    assert cost() == {"batch": Decimal("0.75")}
    made.usage("job_1", cost_usd="0.75")
    assert cost() == {"batch": Decimal(1)}


def test_a_scrape_soon_after_another_asks_nothing(database: str) -> None:
    exposition = Exposition(keep_seconds=3600)
    first = exposition.text()
    with database_away(database):
        assert exposition.text() == first


def test_a_scrape_tells_that_the_database_is_away(client: TestClient, database: str) -> None:
    with database_away(database):
        values = scraped(client)
    assert of(values, "cairn_database_up") == 0
    assert of(values, "cairn_component_healthy", component="database") == 0


def test_a_database_that_goes_away_during_a_scrape_is_told(database: str) -> None:
    class Late(Counters):
        def read(self) -> list[Metric]:
            with database_away(database):
                return super().read()

    told = {metric.name: metric.samples for metric in prometheus.read(Late(), datetime.now(UTC))}
    assert told["cairn_database_up"] == [({}, 0, "")]
    assert told["cairn_component_healthy"] == [({"component": "database"}, 0, "")]


def test_labels_are_escaped() -> None:
    metric = gauge("cairn_x", "Odd.", ({"model": 'a"b\\c\nd'}, 1))
    (family,) = text_string_to_metric_families("".join(lines(metric)))
    assert family.samples[0].labels == {"model": 'a"b\\c\nd'}


def test_a_foreign_host_may_not_scrape(client: TestClient, setting: Any) -> None:
    assert client.get("/metrics", headers={"host": "evil.example"}).status_code == 403
    setting(ALLOW_OPEN_ACCESS="true")
    assert client.get("/metrics", headers={"host": "cairn.example"}).status_code == 200
