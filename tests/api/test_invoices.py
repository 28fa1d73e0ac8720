"""The invoice check over HTTP: an order, an upload, the comparison and its file."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.invoices import fetching
from core.money import own_prices
from core.upkeep import tick
from tests import admin_server
from tests.admin_server import EMPTY, bucket, openai_cost
from tests.pages import made
from tests.pipeline import change, rows

pytestmark = pytest.mark.usefixtures("database")
URL = "/api/v1/invoices"
MAY = {"provider": "openai", "start": "2026-05-01", "stop": "2026-06-01"}


def test_an_order_is_carried_out_and_compared(client: TestClient, setting: Any) -> None:
    time = datetime(2026, 5, 3, tzinfo=UTC)
    made.usage(job_id=None, model="gpt-5", lane="live", time=time, input_tokens=9, output_tokens=1, cost_usd=Decimal(1))
    refused = client.post(f"{URL}/fetch", json=MAY)
    assert (refused.status_code, "OPENAI_ADMIN_KEY" in refused.json()["message"]) == (422, True)
    with admin_server.running() as server:
        setting(OPENAI_BASE_URL=server.openai_url, OPENAI_ADMIN_KEY="sk-admin-1", OPENAI_API_KEY="sk-1")
        used = {"model": "gpt-5", "batch": False, "input_tokens": 9, "output_tokens": 1}
        server.pages = {
            "/organization/usage/completions": [{"data": [bucket("2026-05-03", used)]}],
            "/organization/usage/embeddings": [EMPTY],
            "/organization/costs": [{"data": [bucket("2026-05-03", openai_cost("gpt-5, input", "1.01"))]}],
        }
        ordered = client.post(f"{URL}/fetch", json=MAY)
        assert (ordered.status_code, ordered.json()["state"]) == (202, "queued")
        # The task may be lost: the leader's tick makes up for it.
        change("DELETE FROM procrastinate_jobs")
        tick.tick(datetime.now(UTC))
        assert [row["task_name"] for row in rows("SELECT task_name FROM procrastinate_jobs")] == ["fetch_invoices"]
        assert fetching.fetch_next()
    change("UPDATE invoice_day SET fetched_at = '2026-06-30 00:00:00+00'")
    done = client.get(f"{URL}/fetch/{ordered.json()['id']}").json()
    assert (done["state"], done["message"], done["scope"]) == ("done", None, "")

    found = client.get(f"{URL}/drift", params=MAY).json()
    (item,) = found["items"]
    assert (item["day"], item["model"], item["lane"], item["verdict"]) == (
        "2026-05-03",
        "gpt-5",
        "live",
        "price_differs",
    )
    assert (item["ours"]["tokens"], item["ours"]["cost_usd"], item["ours"]["calls"]) == (10, "1", 1)
    assert item["theirs"] == {"tokens": 10, "input_tokens": 9, "output_tokens": 1, "cost_usd": "1.01", "list_usd": None}
    assert (item["drift_usd"], item["rates"]) == ("0.01", {"input": "112222.222222"})
    total = found["total"]
    assert (total["drift_usd"], total["theirs"]["cost_usd"], total["adds_up"]) == ("0.01", "1.01", True)
    assert total["verdicts"] == {"equal": 0, "unknown_calls": 0, "price_differs": 1, "not_matched": 0, "fresh": 0}
    assert (found["days"], found["fetched_at"], found["fresh_until"]) == (31, "2026-06-30T00:00:00Z", None)

    table = client.get(f"{URL}/export", params={**MAY, "format": "csv"})
    (row,) = csv.DictReader(io.StringIO(table.text, newline=""))
    assert (row["verdict"], row["drift_usd"], row["our_tokens"]) == ("price_differs", "0.01", "10")
    assert own_prices.every() == ()


def test_an_export_is_uploaded_and_slips_are_refused(client: TestClient) -> None:
    content = "usage_date_utc,model,token_type,cost_usd\n2026-05-01,Claude Haiku 4.5,output,0.02\n"
    told = client.post(f"{URL}/upload", files={"file": ("cost.csv", content)})
    assert (told.status_code, told.json()["provider"], told.json()["days"]) == (201, "anthropic", 1)
    found = client.get(f"{URL}/drift", params={**MAY, "provider": "anthropic"}).json()
    assert [(one["model"], one["ours"], one["drift_usd"]) for one in found["items"]] == [
        ("claude-haiku-4-5", None, "0.02")
    ]
    assert client.post(f"{URL}/upload", files={"file": ("cost.csv", "a,b\n1,2\n")}).status_code == 422
    for query in ({"stop": "2026-05-01"}, {"provider": "offline"}, {"stop": "2028-01-01"}, {"modle": "x"}):
        assert client.get(f"{URL}/drift", params={**MAY, **query}).status_code == 422
    assert client.get(f"{URL}/fetch/inv_none").status_code == 404
