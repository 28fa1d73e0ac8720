"""The end of a month, and unusual days: by hand, and out of the sums."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from starlette.testclient import TestClient

from api.application import api
from api.metrics import Exposition
from core.money import anomalies, costs, folding, forecast
from tests.pages import made
from tests.pipeline import change

TODAY = date(2026, 11, 18)  # a Wednesday
WEEKDAYS = [Decimal(amount) for amount in (10, 20, 30, 40, 50, 0, 0)]


def test_days_that_are_left_cost_the_median_of_their_weekday() -> None:
    history = {TODAY - timedelta(days=ago): WEEKDAYS[(TODAY - timedelta(days=ago)).weekday()] for ago in range(1, 57)}
    # One dear Monday does not move the median of eight.
    history[date(2026, 11, 16)] = Decimal(1000)
    found = forecast.expect(Decimal(100), Decimal(5), history, TODAY)
    # Today has 30 - 5 left; then Thu, Fri, the week of Nov 23, and Monday 30.
    assert found.p50 == 100 + 25 + 40 + 50 + 150 + 10
    assert found.p10 < found.p50 < found.p90
    assert forecast.expect(Decimal(100), Decimal(5), history, TODAY) == found
    spent = forecast.expect(Decimal(100), Decimal(99), history, TODAY)
    assert spent.p50 == found.p50 - 25


@pytest.mark.parametrize(("spent", "left"), [("2.50", "7.50"), ("11", "0")])
def test_of_days_that_all_cost_the_same_one_end_is_drawn(spent: str, left: str) -> None:
    history = {TODAY - timedelta(days=ago): Decimal("10.00") for ago in range(1, 57)}
    end = Decimal("0.37") + Decimal(left) + 12 * 10  # today, and the twelve days after it
    found = forecast.expect(Decimal("0.37"), Decimal(spent), history, TODAY)
    assert (found.p10, found.p50, found.p90) == (end, end, end)


@pytest.mark.parametrize(
    ("before", "cost", "beyond"),
    [
        # Median 10, deviations 2, 1, 0, 1, 2, 0, 0: their median is 1. 10 + 4 * 1.4826 = 15.93, twice the median is 20.
        ((8, 9, 10, 11, 12, 10, 10), "20", False),
        ((8, 9, 10, 11, 12, 10, 10), "20.01", True),
        # Deviations of 5: 10 + 29.65.
        ((5, 5, 5, 10, 15, 15, 15), "39", False),
        ((5, 5, 5, 10, 15, 15, 15), "40", True),
        ((1, 1, 1, 1, 1, 1), "1000", False),
    ],
)
def test_a_day_is_unusual_beyond_four_deviations_and_twice_the_median(
    before: tuple[int, ...], cost: str, *, beyond: bool
) -> None:
    assert anomalies.is_beyond(Decimal(cost), [Decimal(one) for one in before]) is beyond


@pytest.mark.usefixtures("database")
def test_both_are_read_from_the_sums_with_the_jobs_behind_them() -> None:
    job = made.job("completed", name="Leases")
    record = """INSERT INTO usage_record (workspace_id, time, job_id, template_id, provider, model, lane, cost_usd,
                  priced, status)
                VALUES ('ws_default', :at, :job, 'qa', 'openai', 'gpt-5', 'live', :cost, true, 'ok')"""
    now = datetime.now(UTC)
    for ago in range(1, 12):
        change(record, at=now - timedelta(days=ago), job=None, cost=2)
    with costs.reading() as read:
        assert forecast.read(read).expected is None
        assert forecast.read(read).days_of_history == 11
        assert anomalies.read(read) == []
    change(record, at=now - timedelta(days=20), job=None, cost=2)
    change(record, at=now - timedelta(days=1), job=job, cost=50)
    folding.keep_up("UTC")
    with costs.reading() as read:
        found, unusual = forecast.read(read), anomalies.read(read)
    assert found.days_of_history == 20
    assert found.expected is not None
    assert [(one.of, one.key, one.cost_usd, one.usual_usd) for one in unusual] == [
        ("template", "qa", Decimal(52), Decimal(2)),
        ("model", "gpt-5", Decimal(52), Decimal(2)),
    ]
    assert [(one.name, one.cost_usd) for one in unusual[0].jobs] == [("Leases", Decimal(50))]
    client = TestClient(api, base_url="http://localhost")
    shown = client.get("/usage/forecast").json()
    assert shown["booked_usd"] == f"{found.booked_usd.normalize():f}"
    assert set(shown["expected_usd"]) == {"p10", "p50", "p90"}
    items = client.get("/usage/anomalies").json()["items"]
    assert items[0]["jobs"] == [{"id": job, "name": "Leases", "cost_usd": "50"}]
    assert client.get("/usage/forecast?zone=utc").status_code == 422
    assert 'cairn_cost_anomalies{of="model"} 1' in Exposition(0).text()
