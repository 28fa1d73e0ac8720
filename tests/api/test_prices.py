"""Prices over HTTP: what would be applied, prices of one's own, and the queue of calls without one."""

from typing import Any

from fastapi.testclient import TestClient

from tests.core.money.test_own_prices import record
from tests.pipeline import rows

URL = "/api/v1/prices"


def get(client: TestClient, address: str, **params: Any) -> Any:
    answer = client.get(address, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_price_is_set_applied_told_and_taken_away(client: TestClient) -> None:
    (listed,) = get(client, URL, provider="openai", model="gpt-5-mini", lane="batch", at="2026-11-21T00:00:00Z")
    assert (listed["tier"], listed["price"]["source"], listed["price"]["rates"]["input"]) == (
        "batch",
        "snapshot",
        "0.125",
    )
    assert (listed["retires_at"], listed["reason"]) == ("2026-12-11", None)
    body = {"provider": "openai", "model": "gpt-5*", "rates": {"input": "2", "output": "9"}, "valid_from": "2026-11-01"}
    made = client.post(f"{URL}/own", json={**body, "note": "by contract"})
    assert made.status_code == 201, made.text
    price = made.json()
    assert (price["model"], price["tier"], price["as"], price["rates"]) == ("gpt-5*", None, None, body["rates"])
    assert (price["valid_from"], price["note"], price["created_by"]) == ("2026-11-01", "by contract", "HTTP API")
    (now,) = get(client, URL, provider="openai", model="gpt-5-mini")
    assert (now["price"]["source"], now["price"]["version"]) == ("admin", price["id"])
    client.put("/api/v1/providers/anthropic", json={"prices": "free"})
    own, of_row = get(client, f"{URL}/own")
    assert own == price
    assert (of_row["id"], of_row["model"], of_row["rates"]["input"]) == ("provider:anthropic", "*", "0")
    assert client.delete(f"{URL}/own/{price['id']}").status_code == 204
    assert client.delete(f"{URL}/own/{price['id']}").status_code == 404
    assert len(get(client, URL, provider="openai")) > 5


def test_what_is_no_price_and_no_parameter_is_refused(client: TestClient) -> None:
    body = {"provider": "openai", "model": "m", "rates": {"input": "1"}}
    before = rows("SELECT * FROM own_price")
    for wrong in (
        {"tier": "slow"},
        {"provider": "nobody"},
        {"rates": {"input": "-1"}},
        {"price": "1"},
        {"rates": None},
    ):
        assert client.post(f"{URL}/own", json={**body, **wrong}).status_code == 422, wrong
    for params in ({"modell": "m"}, {"lane": "batch", "tier": "flex"}, {"provider": "nobody"}):
        assert client.get(URL, params=params).status_code == 422, params
    assert rows("SELECT * FROM own_price") == before


def test_what_waits_is_listed_and_booked_by_one_action(client: TestClient) -> None:
    record(model="gpt-5-mini-house")
    record(model="gpt-5-mini-house", lane="batch", tier="batch")
    (waiting,) = get(client, "/api/v1/usage/unpriced")
    assert (waiting["model"], waiting["calls"], waiting["reason"]) == ("gpt-5-mini-house", 2, "no_price")
    body = {"provider": "openai", "model": "gpt-5-mini-house", "as": waiting["suggestion"]}
    answer = client.post("/api/v1/usage/unpriced/price", json=body)
    assert answer.status_code == 200, answer.text
    booked = answer.json()
    assert (booked["calls"], booked["cost_usd"]) == (2, "0.375")
    assert (booked["price"]["as"], booked["price"]["rates"]) == ("gpt-5-mini", None)
    assert get(client, "/api/v1/usage/unpriced") == []
    assert client.post("/api/v1/usage/unpriced/price", json=body).status_code == 404
    # What it has priced stays.
    assert client.delete(f"{URL}/own/{booked['price']['id']}").status_code == 409
