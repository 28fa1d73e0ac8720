"""Sums of usage over HTTP: by what, of what, of when, and as files of which the figures are those of the page."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.money import costs, folding
from tests.pages import made
from tests.pipeline import rows

pytestmark = pytest.mark.usefixtures("database")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
LATE = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
RATES = {"input": "2", "cached": "0.2", "output": "8", "web_search": "10"}


@pytest.fixture(autouse=True)
def _used(database: str) -> None:
    """A batch of `ann`, a live call of nobody, one without a price, and one that was reused."""
    ann = {"user": "ann", "template_id": "qa", "collection": "roofs", "tier": "batch", "time": NOON}
    tokens = {"input_tokens": 1000, "cached_input_tokens": 400, "output_tokens": 300, "reasoning_tokens": 100}
    price = f'{{"source": "snapshot", "version": "1", "model": "m", "rates": {str(RATES).replace(chr(39), chr(34))}}}'
    made.usage("job_1", **ann, **tokens, cost_usd=Decimal("0.001840100017"), list_usd=Decimal("0.003680"), price=price)
    made.usage("job_1", **ann, reused=True, cost_usd=0, list_usd=0, saved_usd=Decimal("0.25"))
    made.usage("job_1", **ann, status="unusable", cost_usd=None, priced=False, unpriced_reason="no_price")
    live = {"lane": "live", "provider": "anthropic", "model": "=1+1", "time": LATE, "region": "us"}
    made.usage(None, **live, status="unheard", input_tokens=7, cost_usd=Decimal("0.125"))


def got(client: TestClient, **query: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/usage", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def keys(client: TestClient, **query: Any) -> list[Any]:
    return [item["keys"] for item in got(client, **query)["items"]]


def test_items_have_what_was_used_and_sum_to_the_total(client: TestClient) -> None:
    found = got(client, by="job")
    live, batch = found["items"]
    assert (live["key"], live["cost_usd"], live["list_usd"], live["unheard"]) == (None, "0.125", None, 1)
    assert batch == {
        **{"key": "job_1", "keys": ["job_1"], "calls": 2, "reused": 1, "unpriced": 1, "unheard": 0, "unusable": 1},
        **{"input_tokens": 1000, "cached_input_tokens": 400, "cache_write_tokens": 0, "cache_write_long_tokens": 0},
        **{"output_tokens": 300, "reasoning_tokens": 100},
        **{"cost_usd": "0.001840100017", "list_usd": "0.00368", "saved_usd": "0.25"},
    }
    assert (found["total"]["keys"], found["total"]["calls"], found["total"]["cost_usd"]) == ([], 3, "0.126840100017")
    assert found["next_cursor"] is None
    assert datetime.fromisoformat(found["as_of"]).tzinfo
    # Nothing of it could be priced.
    assert got(client, status="unusable")["total"]["cost_usd"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"by": ["lane", "user"]}, [["live", None], ["batch", "ann"]]),
        ({"by": "month"}, [["2026-03"]]),
        ({"by": ["day", "tier"]}, [["2026-03-10", "standard"], ["2026-03-10", "batch"]]),
        ({"by": "template", "user": ["ann", "bob"]}, [["qa"]]),
        ({"by": "model", "job": ""}, [["=1+1"]]),
        ({"by": "lane", "collection": ["roofs", ""], "tier": ["standard", "flex"]}, [["live"]]),
        ({"by": "lane", "start": "2026-03-10", "stop": "2026-03-11"}, [["live"], ["batch"]]),
        ({"by": "lane", "start": "2026-03-10T12:00:01Z"}, [["live"]]),
        ({"by": "lane", "stop": "2026-03-11T00:30:00+01:00"}, [["batch"]]),
        ({"by": "day", "stop": "9999-12-31"}, [["2026-03-10"]]),
        ({"by": "workspace"}, [["ws_default"]]),
        ({"by": "lane", "workspace": "ws_other"}, []),
    ],
)
def test_what_is_asked_for_is_summed(client: TestClient, query: dict[str, Any], expected: list[Any]) -> None:
    assert keys(client, **query) == expected
    folding.keep_up("UTC")
    assert keys(client, **query) == expected


def test_days_are_those_of_the_zone_that_is_asked_for(client: TestClient) -> None:
    assert keys(client, zone="reporting") == [["2026-03-10"]]
    folding.keep_up("Europe/Berlin")
    assert keys(client, zone="reporting") == [["2026-03-11"], ["2026-03-10"]]
    assert keys(client) == [["2026-03-10"]]
    assert [got(client, zone=zone)["zone"] for zone in ("utc", "reporting")] == ["UTC", "Europe/Berlin"]
    assert keys(client, zone="reporting", stop="2026-03-11", by="lane") == [["batch"]]


@pytest.mark.parametrize(
    "query",
    [
        *("since=2026-01-01", "providers=openai", "by=x", "by=day&by=day", "by=day&by=job&by=lane", "lane=x", "tier=x"),
        *("start=yesterday", "start=2026-03-10T12:00:00", "start=2026-03-11&stop=2026-03-10", "zone=Europe/Berlin"),
        *("cursor=usage~1", "limit=501", "start=0001-01-01T00:00:00%2B14:00"),
    ],
)
def test_what_cannot_be_meant_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/api/v1/usage?{query}").status_code == 422
    for format in ("csv", "focus"):
        assert client.get(f"/api/v1/usage/export?format={format}&{query}").status_code == 422


def test_a_parameter_that_is_not_known_is_refused_on_each_route_of_usage(client: TestClient) -> None:
    for path in ("usage", "usage/records", "usage/export?format=csv"):
        assert client.get(f"/api/v1/{path}").status_code == 200
        refused = client.get(f"/api/v1/{path}{'&' if '?' in path else '?'}jobs=job_1")
        assert refused.status_code == 422
        assert "'jobs'" in refused.json()["message"]


def test_a_long_list_comes_in_pages(client: TestClient) -> None:
    first = got(client, by="status", limit=2)
    second = got(client, by="status", limit=2, cursor=first["next_cursor"])
    assert [item["key"] for item in (*first["items"], *second["items"])] == ["unheard", "ok", "unusable"]
    assert second["next_cursor"] is None
    assert first["total"] == second["total"] == got(client, by="status")["total"]


def test_records_tell_all_that_they_hold_and_take_the_filters(client: TestClient) -> None:
    answer = client.get("/api/v1/usage/records", params={"user": "ann", "status": "ok", "start": "2026-03-10"})
    reused, called = answer.json()["items"]
    assert (reused["reused"], reused["saved_usd"]) == (True, "0.25")
    assert (
        called.items()
        >= {
            **{"user": "ann", "template": "qa", "collection": "roofs", "tier": "batch", "region": None, "job": "job_1"},
            **{"reasoning_tokens": 100, "cache_write_long_tokens": 0, "web_searches": 0, "list_usd": "0.00368"},
            **{"unpriced_reason": None, "time": "2026-03-10T12:00:00Z"},
        }.items()
    )
    assert called["price"]["rates"] == RATES
    assert client.get("/api/v1/usage/records?stop=2026-03-10").json()["items"] == []


def exported(client: TestClient, **query: Any) -> list[dict[str, str]]:
    answer = client.get("/api/v1/usage/export", params=query)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_the_sums_leave_as_they_are_listed(client: TestClient) -> None:
    found = exported(client, format="csv", by=["job", "model"], lane="live")
    assert [(row["job"], row["model"], row["calls"], row["cost_usd"]) for row in found] == [("", "'=1+1", "1", "0.125")]


def test_a_bill_in_the_format_of_focus_sums_to_the_page(client: TestClient) -> None:
    found = exported(client, format="focus")
    told = {(row["SkuMeter"], row["SkuId"]): row for row in found}
    # 600 + 400 input tokens at 2 and 0.2, 300 output tokens at 8: 0.00368, of which half was booked, and a little.
    plain, cached, output = (told[meter, "gpt-5.6-luna"] for meter in KINDS)
    assert [row["ConsumedQuantity"] for row in (plain, cached, output)] == ["600", "400", "300"]
    assert [row["BilledCost"] for row in (plain, cached)] == ["0.000600032614", "0.000040002174"]
    # The shares are rounded, and what that leaves is the dearest one's.
    assert output["BilledCost"] == "0.001200065229"
    assert [row["ListCost"] for row in (plain, cached, output)] == ["0.0012", "0.00008", "0.0024"]
    assert plain["ChargePeriodStart"] == "2026-03-10T00:00:00Z"
    assert (plain["BillingPeriodStart"], plain["BillingPeriodEnd"]) == ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")
    assert (plain["ResourceId"], plain["BillingCurrency"], plain["PricingUnit"]) == ("job_1", "USD", "Tokens")
    assert plain["Tags"] == '{"tier":"batch"}'
    # No rates are known of a call that was never heard of, and no price of another.
    assert (told["Tokens", "'=1+1"]["BilledCost"], told["Tokens", "'=1+1"]["RegionId"]) == ("0.125", "us")
    assert (told["Tokens", "gpt-5.6-luna"]["BilledCost"], told["Tokens", "gpt-5.6-luna"]["Tags"]) == (
        "",
        '{"tier":"batch","unpriced":["no_price"]}',
    )
    with costs.reading() as now:
        assert sum(Decimal(row["BilledCost"] or 0) for row in found) == now.total().cost_usd
    assert exported(client, format="focus", lane="live")[0]["SkuId"] == "'=1+1"
    assert {row["after"]["format"] for row in rows("SELECT after FROM audit_entry")} == {"focus"}


KINDS = ("Input tokens", "Input tokens read from a cache", "Output tokens")
