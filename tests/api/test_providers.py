"""Providers over HTTP: rows with an address, a key, prices and limits of their own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.calls import clients, resilience
from core.errors import Conflict
from core.settings import store
from tests import local_provider
from tests.local_provider import LocalProvider, Reply
from tests.pipeline import make_job, ready_documents, rows, run_job

pytestmark = pytest.mark.usefixtures("database")
URL = "/api/v1/providers"
SEALED = {"SECRET_KEY": "s" * 32, "RETRY_ATTEMPTS": 0}


@pytest.fixture
def other() -> Iterator[LocalProvider]:
    with local_provider.running() as running:
        yield running


def add(client: TestClient, name: str, base_url: str, **more: Any) -> dict[str, Any]:
    answer = client.post(URL, json={"name": name, "kind": "openai", "base_url": base_url, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def by_name(client: TestClient) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in client.get(URL).json()["items"]}


def keys(server: LocalProvider) -> set[str]:
    return {value for asked in server.asked for name, value in asked.headers.items() if name == "authorization"}


def test_three_are_there_from_the_start_with_what_the_environment_says(client: TestClient, openai: object) -> None:
    found = by_name(client)
    assert list(found) == ["openai", "anthropic", "offline"]
    assert (found["openai"]["key_set"], found["openai"]["from"], found["openai"]["prices"]) == (
        True,
        "environment",
        "list",
    )
    assert (found["anthropic"]["key_set"], found["anthropic"]["set_up"]) == (False, False)
    assert (found["offline"]["base_url"], found["offline"]["prices"]) == (None, "free")
    assert client.delete(f"{URL}/openai").status_code == 409
    assert client.put(f"{URL}/offline", json={"prices": "free"}).status_code == 422


def test_two_of_one_kind_are_asked_each_with_its_own_key_and_priced_by_its_own_rates(
    client: TestClient, openai: LocalProvider, other: LocalProvider, setting: Any
) -> None:
    setting(**SEALED)
    made = add(client, "Lab 1", other.openai_url, key="sk-lab", prices={"input": "2", "output": "10"})
    assert "sk-lab" not in str(made)
    assert (made["key_set"], made["from"], made["kind"]) == (True, "settings", "openai")
    assert made["prices"] == {"input": "2", "cached": "2", "cache_write": "2", "output": "10"}
    documents = ready_documents(2)
    for name in ("Lab 1", "openai"):
        run_job(make_job(documents, "summarize", provider=name, model="gpt-5.4-mini"))
    assert (keys(openai), keys(other)) == ({"Bearer test"}, {"Bearer sk-lab"})
    assert (len(openai.asked), len(other.asked)) == (2, 2)
    used = rows("SELECT provider, input_tokens i, output_tokens o, cost_usd c, price::text p FROM usage_record")
    assert sorted(one["provider"] for one in used) == ["Lab 1", "Lab 1", "openai", "openai"]
    ours = [one for one in used if one["provider"] == "Lab 1"]
    assert all(one["c"] * 1_000_000 == 2 * one["i"] + 10 * one["o"] for one in ours)
    applied = {"source": "admin", "version": "provider", "model": "gpt-5.4-mini"}
    assert json.loads(ours[0]["p"]).items() >= applied.items()
    # A later edit changes no cost that is booked.
    assert client.put(f"{URL}/Lab 1", json={"prices": "free"}).json()["prices"] == "free"
    assert rows("SELECT sum(cost_usd) c FROM usage_record WHERE provider = 'Lab 1'")[0]["c"] > 0


def test_what_only_others_sell_has_no_price_until_somebody_sets_it(
    client: TestClient, openai: LocalProvider, other: LocalProvider
) -> None:
    add(client, "Ollama in the lab", other.openai_url)
    documents = ready_documents(1)
    body = {"name": "x", "template": "summarize", "documents": documents, "lane": "live"}

    def cost(provider: str, model: str) -> Any:
        spec = {**body, "provider": provider, "model": model}
        return client.post("/api/v1/jobs/estimate", json=spec).json()["cost_usd"]["live"]

    assert cost("openai", "gpt-oss-20b") is None
    assert float(cost("openai", "gpt-5.4-mini")) > 0
    assert cost("Ollama in the lab", "gpt-oss-20b") is None
    client.put(f"{URL}/Ollama in the lab", json={"prices": "free"})
    assert cost("Ollama in the lab", "gpt-oss-20b") == "0"
    run_job(make_job(documents, "summarize", provider="Ollama in the lab", model="gpt-oss-20b"))
    # What is free is free also where nobody knows how much it was; what has a price is then unknown.
    other.plan = openai.plan = lambda _asked: Reply(usage={"total_tokens": 9})
    for provider in ("Ollama in the lab", "openai"):
        run_job(make_job(documents, "questions", provider=provider, model="gpt-5.4-mini"))
    assert [(one["cost_usd"], one["priced"]) for one in rows("SELECT * FROM usage_record ORDER BY id")] == [
        (0, True),
        (0, True),
        (None, False),
    ]


def test_a_key_goes_to_no_other_address_and_never_comes_out(
    client: TestClient, openai: LocalProvider, other: LocalProvider, setting: Any
) -> None:
    setting(**SEALED)
    add(client, "Azure", openai.openai_url, key="sk-azure")
    assert client.post(f"{URL}/Azure/test").json() == {
        "ok": True,
        "models": ["model-a", "model-b"],
        "message": "Azure answers.",
    }
    moved = client.put(f"{URL}/Azure", json={"base_url": other.openai_url}).json()
    assert (moved["key_set"], moved["set_up"], "another address" in moved["warning"]) == (False, False, True)
    assert client.post(f"{URL}/Azure/test").json()["ok"] is False
    documents = ready_documents(1)
    job = {"name": "x", "template": "summarize", "documents": documents, "provider": "Azure"}
    assert client.post("/api/v1/jobs/", json=job).status_code == 422
    assert other.asked == []
    again = client.put(f"{URL}/Azure", json={"key": "sk-new"}).json()
    assert (again["key_set"], again["base_url"]) == (True, other.openai_url)
    run_job(make_job(documents, "summarize", provider="Azure", model="m"))
    assert keys(other) == {"Bearer sk-new"}
    assert "sk-" not in client.get(URL).text + str(store.history())


def test_a_provider_that_a_job_needs_stays_and_then_goes_with_its_key(
    client: TestClient, other: LocalProvider, setting: Any
) -> None:
    setting(**SEALED)
    add(client, "vLLM", other.openai_url, key="sk-v", default_model="llama")
    job = make_job(ready_documents(1), "summarize", provider="vLLM", model="m")
    refused = client.delete(f"{URL}/vLLM")
    assert (refused.status_code, "not ended" in refused.json()["message"]) == (409, True)
    run_job(job)
    assert client.delete(f"{URL}/vLLM").status_code == 204
    assert list(by_name(client)) == ["openai", "anthropic", "offline"]
    assert [name for name in store.values() if "vLLM" in name] == ["provider:vLLM"]
    unknown = client.post("/api/v1/jobs/", json={"name": "x", "documents": ["d"], "template": "qa", "provider": "vLLM"})
    assert (unknown.status_code, "There is no provider of this name" in unknown.json()["message"]) == (422, True)
    # What it answered is still read, by its kind.
    assert client.get(f"/api/v1/jobs/{job}").json()["provider"] == "vLLM"
    other_kind = client.post(URL, json={"name": "vLLM", "kind": "anthropic", "base_url": other.anthropic_url})
    assert other_kind.status_code == 409
    assert add(client, "vLLM", other.openai_url)["key_set"] is False


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "..", "a  b", "-a", "x" * 61, "a\nb", "<b>", "OpenAI", "a\u202eb"])
def test_names_stand_in_addresses_and_labels(client: TestClient, name: str) -> None:
    answer = client.post(URL, json={"name": name, "kind": "openai", "base_url": "https://models.example.org/v1"})
    assert answer.status_code in (409, 422)


@pytest.mark.parametrize(
    "wrong",
    [
        {"prices": "cheap"},
        {"prices": {"input": "1"}},
        {"prices": {"input": "1", "output": 0.5}},
        {"prices": {"input": "-1", "output": "1"}},
        {"prices": {"input": "NaN", "output": "1"}},
        {"prices": {"input": "0", "output": "0"}},
        {"prices": {"input": "1", "output": "1", "per": "call"}},
        {"context_tokens": 10},
        {"context_tokens": True},
        {"concurrency": 0},
        {"base_url": "http://models.example.org/v1"},
        {"base_url": "http://169.254.169.254/v1"},
        {"base_url": None},
        {"kind": "offline"},
        {"name": "Other"},
    ],
)
def test_what_cannot_be_is_refused(client: TestClient, wrong: dict[str, Any]) -> None:
    add(client, "Lab", "https://models.example.org/v1")
    answer = client.put(f"{URL}/Lab", json=wrong)
    assert answer.status_code == 422, answer.text
    assert by_name(client)["Lab"]["base_url"] == "https://models.example.org/v1"


def test_while_the_environment_locks_the_settings_none_of_them_is_there(
    client: TestClient, other: LocalProvider, setting: Any
) -> None:
    add(client, "Lab", other.openai_url)
    setting(SETTINGS_LOCKED=True)
    assert "Lab" not in by_name(client)
    assert "Lab" not in clients.configured()
    refused = client.post(URL, json={"name": "B", "kind": "openai", "base_url": other.openai_url})
    assert refused.status_code == 409


def test_the_log_undoes_a_change_of_a_provider_and_neither_its_coming_nor_its_going(
    client: TestClient, openai: LocalProvider
) -> None:
    add(client, "Lab", openai.openai_url)
    (made,) = store.history()
    assert (made.action, made.name) == ("settings.change", "provider:Lab")
    with pytest.raises(Conflict, match="added and taken away"):
        resilience.undo(made.id)
    client.put(f"{URL}/Lab", json={"prices": "free", "context_tokens": 9000})
    resilience.undo(store.history()[0].id)
    assert (by_name(client)["Lab"]["prices"], by_name(client)["Lab"]["context_tokens"]) == ("list", None)
    client.delete(f"{URL}/Lab")
    with pytest.raises(Conflict, match="added and taken away"):
        resilience.undo(store.history()[0].id)


def test_own_requests_go_in_the_shape_of_a_providers_kind(client: TestClient, openai: object, other: Any) -> None:
    body = {"name": "Claude here", "kind": "anthropic", "base_url": other.anthropic_url}
    assert client.post(URL, json=body).status_code == 201
    spec = {"name": "x", "template": None, "start": False, "provider": "Claude here", "model": "m"}
    job = client.post("/api/v1/jobs/", json=spec).json()["id"]
    line = {"custom_id": "a", "body": {"max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}}
    sent = client.post(f"/api/v1/jobs/{job}/requests", json={"requests": [line]})
    assert sent.status_code in (200, 201), sent.text
    assert client.post(f"/api/v1/jobs/{job}/start").status_code == 200
    run_job(job)
    assert client.get(f"/api/v1/jobs/{job}").json()["counts"]["succeeded"] == 1
    assert other.asked[0].headers["anthropic-version"]
