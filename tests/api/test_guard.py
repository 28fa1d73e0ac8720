"""Who may call: this machine under a name of its own, and pages of its own origin."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from api import api

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1", "127.8.9.1:1", "[::1]", "[::1]:8501"])
def test_loopback_names_are_served(client: TestClient, host: str) -> None:
    assert client.get("/api/v1/usage", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:localhost",
        "user@localhost",
        "localhost/evil",
        "localhost:abc",
        "[::1",
        "[::2]",
        "[localhost]",
        "0.0.0.0",
        "192.168.0.1:8501",
        "localhost, evil.example",
    ],
)
def test_any_other_host_is_refused_whatever_it_is_made_of(client: TestClient, host: str) -> None:
    answer = client.get("/api/v1/usage", headers={"host": host, "x-request-id": "trace-1"})
    assert (answer.status_code, answer.json()["error"]) == (403, "FORBIDDEN")
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "trace-1"
    assert answer.json()["timestamp"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost", 422),
        ("http://localhost:8501", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("http://[", 403),
        ("localhost", 403),
        ("", 403),
    ],
)
def test_only_a_page_of_the_same_origin_may_write(client: TestClient, origin: str, status: int) -> None:
    assert client.post("/api/v1/jobs/", headers={"origin": origin}, json={}).status_code == status


@pytest.mark.parametrize("origin", ["null", "", "http://"])
def test_no_host_is_the_same_as_no_origin(client: TestClient, setting: Any, origin: str) -> None:
    setting(ALLOW_OPEN_ACCESS="true")
    headers = {"host": "", "origin": origin}
    assert client.post("/api/v1/jobs/", headers=headers, json={}).status_code == 403


@pytest.mark.parametrize(
    ("public_url", "host", "origin", "status"),
    [
        ("https://cairn.example", "cairn.example", None, 422),
        ("https://cairn.example", "CAIRN.example:443", "https://cairn.example", 422),
        # A proxy that calls Cairn by its own name.
        ("https://cairn.example", "127.0.0.1:8501", "https://cairn.example", 422),
        ("https://cairn.example", "cairn.example", "http://cairn.example", 403),
        ("https://cairn.example", "cairn.example", "https://cairn.example:8443", 403),
        ("https://cairn.example", "cairn.example", "https://evil.example", 403),
        ("https://cairn.example", "cairn.example:8443", None, 403),
        ("https://cairn.example", "evil.example", None, 403),
        ("https://cairn.example", "cairn.example.evil.example", None, 403),
        ("https://cairn.example", "user@cairn.example", None, 403),
        ("https://cairn.example", "localhost:8501", "http://localhost:8501", 422),
        ("http://cairn.example:8501/", "cairn.example:8501", "http://cairn.example:8501", 422),
        ("http://cairn.example:8501/", "cairn.example", None, 403),
    ],
)
@pytest.mark.parametrize("sign_in", [False, True], ids=["none", "header"])
def test_the_public_url_is_the_only_name_besides_loopback(
    client: TestClient, setting: Any, public_url: str, host: str, origin: str | None, status: int, sign_in: bool
) -> None:
    if sign_in:
        # Where people sign in, it opens nothing.
        setting(TRUSTED_USER_HEADER="X-Email", TRUSTED_PROXY_SECRET="p" * 16, ALLOW_OPEN_ACCESS="true")
    setting(PUBLIC_URL=public_url)
    headers = {"host": host} | ({"origin": origin} if origin else {})
    answered = client.post("/api/v1/jobs/", headers=headers, json={}).status_code
    # Past the guard, a caller without a key may be asked for one.
    assert answered == status if status == 403 else answered in (status, 401)


def test_a_listed_origin_may_write(client: TestClient, setting: Any) -> None:
    setting(CORS_ORIGINS='["https://desk.example"]')
    assert client.post("/api/v1/jobs/", headers={"origin": "https://desk.example"}, json={}).status_code == 422
    assert client.delete("/api/v1/documents/x", headers={"origin": "https://other.example"}).status_code == 403


@pytest.fixture
def afresh() -> Iterator[None]:
    """The API's middleware is made at its first request and reads the settings then."""
    api.middleware_stack = None
    yield
    api.middleware_stack = None


@pytest.mark.usefixtures("afresh")
def test_a_listed_origin_may_read_and_another_may_not(client: TestClient, setting: Any) -> None:
    setting(CORS_ORIGINS='["https://desk.example"]')
    listed = client.get("/api/v1/usage", headers={"origin": "https://desk.example"}).headers
    assert listed["access-control-allow-origin"] == "https://desk.example"
    assert "X-Request-ID" in listed["access-control-expose-headers"]
    asked = {"origin": "https://desk.example", "access-control-request-method": "PUT"}
    assert client.options("/api/v1/jobs/x", headers=asked).status_code == 200
    other = client.get("/api/v1/usage", headers={"origin": "https://other.example"}).headers
    assert "access-control-allow-origin" not in other


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"host": "[::1"},
        # What Streamlit would compare by asking the internet for its address.
        {"origin": "https://desk.example"},
        {"host": "localhost:8501", "origin": "https://cairn.example"},
        {"host": "cairn.example:443", "origin": "https://cairn.example"},
        {"host": "cairn.example", "origin": "http://cairn.example"},
    ],
)
def test_a_foreign_websocket_is_closed(client: TestClient, setting: Any, headers: dict[str, str]) -> None:
    setting(PUBLIC_URL="https://cairn.example", CORS_ORIGINS='["https://desk.example"]')
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/stream", headers=headers):
        pass
    assert closed.value.code == 1008


@pytest.mark.parametrize(
    "own",
    [
        {"host": "localhost:8501", "origin": "http://localhost:8501"},
        {"host": "cairn.example", "origin": "https://cairn.example"},
    ],
)
def test_a_websocket_of_our_own_page_is_let_through(client: TestClient, setting: Any, own: dict[str, str]) -> None:
    setting(PUBLIC_URL="https://cairn.example")
    with client.websocket_connect("/stream", headers=own) as websocket:
        assert websocket.receive()["code"] == 1000


def test_probes_come_under_any_name_and_only_to_health(client: TestClient) -> None:
    foreign = {"host": "10.0.0.7:8501"}
    assert client.get("/health", headers=foreign).status_code == 200
    assert client.get("/health/db", headers=foreign).status_code == 200
    assert client.post("/health", headers=foreign).status_code == 403
    assert client.get("/api/v1/docs", headers=foreign).status_code == 403
