"""Advice: what would have cost less, with its sum, from a dollar on."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.application import api
from core.jobs import advice, looked_at
from core.money import costs
from core.runtime import db
from tests.pages import made
from tests.pages.seeing import links, show, words
from tests.pipeline import change, rows

pytestmark = pytest.mark.usefixtures("database")
NOW = datetime.now(UTC)


def call(cost: str, **more: Any) -> None:
    values = {
        **{"workspace_id": "ws_default", "time": NOW - timedelta(days=2), "provider": "openai", "model": "gpt-5-mini"},
        **{"lane": "live", "status": "ok", "priced": True, "input_tokens": 1000, "output_tokens": 100},
        **{"cost_usd": cost, **more},
    }
    names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    change(f"INSERT INTO usage_record ({names}) VALUES ({places})", **values)


def read() -> dict[str, tuple[Decimal, int]]:
    with costs.reading() as now:
        return {one.rule: (one.saving_usd, one.calls) for one in advice.read(now)}


def test_a_live_job_that_was_read_late_is_what_a_batch_is_for() -> None:
    job = made.job("completed", provider="openai", model="gpt-5-mini", lane="live")
    change("UPDATE job SET created_at = :made, finished_at = :done", made=NOW - timedelta(days=3), done=NOW)
    call("4", job_id=job)
    assert read() == {}
    looked_at.note(job)
    first = rows("SELECT first_read_at FROM job")
    looked_at.note(job)
    assert rows("SELECT first_read_at FROM job") == first
    assert read() == {"batch": (Decimal(2), 1)}
    change("UPDATE job SET first_read_at = created_at + interval '1 hour'")
    assert read() == {}


def test_only_what_was_asked_again_by_another_request_counts() -> None:
    job = made.job("completed")
    ids = made.requests(job, "succeeded", 3) or [row["id"] for row in rows("SELECT id FROM request ORDER BY id")]
    with db.transaction() as session:
        db.execute(session, "UPDATE request SET fingerprint = 'same' WHERE id = ANY(:ids)", ids=list(ids))
    for request in (ids[0], ids[0], ids[1]):
        call("3", job_id=job, request_id=request)
    assert read() == {"asked_again": (Decimal(3), 1)}


def test_unusable_answers_and_dear_tiers_are_told_with_a_filter_and_less_than_a_dollar_is_not() -> None:
    call("5", status="unusable")
    call("6", tier="priority", list_usd="3.5")
    call("1.2", tier="fast", list_usd="0.3")
    assert read() == {"unusable": (Decimal(5), 1), "dear_tier": (Decimal("2.5"), 1)}
    items = TestClient(api, base_url="http://localhost").get("/usage/advice").json()["items"]
    assert [(one["rule"], one["saving_usd"], one["filter"]) for one in items] == [
        ("unusable", "5", {"status": "unusable"}),
        ("dear_tier", "2.5", {"tier": "priority"}),
    ]
    at = show("costs", tab="Advice")
    assert "$2.50" in words(at)
    assert any("tier=priority" in link for link in links(at).values())


def test_custom_requests_that_begin_alike_and_are_not_cached_are_told() -> None:
    whom = {"provider": "anthropic", "model": "claude-opus-4-5", "lane": "live"}
    job = made.job("completed", template_id=None, template_version=None, **whom)
    change("UPDATE job SET finished_at = :done", done=NOW)
    made.requests(job, "succeeded", 12)
    body = """INSERT INTO request_body (request_id, body)
              SELECT id, json_build_object('system', repeat('Always the same. ', :times) || id) FROM request
              ON CONFLICT (request_id) DO UPDATE SET body = excluded.body"""
    change(body, times=7_100)
    for _ in range(12):
        call("0.2", job_id=job, input_tokens=31_000, **whom)
    # 7,100 times 17 characters, 4 to a token: 30,175 and one of what is around, 11 times, 5 less 0.50 USD a million.
    assert read() == {"uncached": (Decimal("1.493712"), 12)}
    change("UPDATE usage_record SET cached_input_tokens = 30000")
    assert read() == {}
    change("UPDATE usage_record SET cached_input_tokens = 0")
    change(body, times=200)
    assert read() == {}
