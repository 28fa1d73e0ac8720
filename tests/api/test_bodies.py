"""A body over its limit is refused while its bytes come, and one that stays away is given up."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from api import bodies
from api.bodies import Bodies
from tests.pipeline import rows

pytestmark = pytest.mark.usefixtures("database")
MB = 1 << 20
JSON = {"content-type": "application/json"}
LINE = b'{"custom_id": "a", "body": {}}\n'


def pieces(size: int, piece: bytes = b" " * MB) -> Iterator[bytes]:
    """So many MB without a Content-Length."""
    return (piece for _ in range(size))


def multipart(size: int) -> Iterator[bytes]:
    yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
    yield from pieces(size, b"a" * MB)
    yield b"\r\n--x--\r\n"


@pytest.mark.parametrize("content", [b" " * (33 * MB), None], ids=["declared", "in pieces"])
@pytest.mark.parametrize("path", ["/api/v1/jobs/", "/api/v1/templates", "/api/v1/text_processing/process"])
def test_json_over_32_mb_is_too_large(client: TestClient, path: str, content: bytes | None) -> None:
    answer = client.post(path, content=content or pieces(33), headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (413, "TOO_LARGE")
    assert "32 MB" in answer.json()["message"]
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


def test_json_below_is_read(client: TestClient) -> None:
    answer = client.post("/api/v1/jobs/", content=b" " * (31 * MB) + b"{}", headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize("path", ["/api/v1/documents", "/api/v1/jobs/job_1/requests"])
def test_an_upload_over_its_limit_is_not_stored(client: TestClient, setting: Any, path: str) -> None:
    setting(MAX_UPLOAD_MB=1)
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post(path, content=multipart(3), headers=kind)
    assert (answer.status_code, answer.json()["error"]) == (413, "TOO_LARGE")
    assert "1 MB" in answer.json()["message"]
    declared = client.post(path, content=b"".join(multipart(3)), headers=kind)
    assert declared.status_code == 413
    assert rows("SELECT 1 FROM document UNION ALL SELECT 1 FROM blob_chunk UNION ALL SELECT 1 FROM request") == []


def test_own_requests_as_json_have_the_limit_of_uploads(client: TestClient, setting: Any) -> None:
    setting(MAX_UPLOAD_MB=40)
    path = "/api/v1/jobs/job_1/requests"
    assert client.post(path, content=pieces(35), headers=JSON).status_code == 422  # read: it is no JSON
    assert client.post(path, content=pieces(42), headers=JSON).status_code == 413


def test_what_pages_upload_has_the_limit_of_uploads(setting: Any) -> None:
    """Streamlit's own limit is that of its configuration, which may be higher."""
    setting(MAX_UPLOAD_MB=1)

    async def upload(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(sum([len(piece) async for piece in request.stream()])))

    route = Route("/_stcore/upload_file/{session}/{file}", upload, methods=["PUT"])
    with TestClient(Starlette(routes=[route], middleware=[bodies.middleware()])) as running:
        assert running.put("/_stcore/upload_file/s/f", content=pieces(1)).text == str(MB)
        assert running.put("/_stcore/upload_file/s/f", content=pieces(3)).status_code == 413


@pytest.mark.parametrize(("piece_s", "whole_s"), [(0.02, 60), (60, 0.02)])
def test_a_body_that_stays_away_is_given_up(piece_s: float, whole_s: float) -> None:
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Starlette(routes=[Route("/", read, methods=["POST"])])(scope, receive, send)

    async def read(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    half = iter([{"type": "http.request", "body": b"half", "more_body": True}])

    async def receive() -> Any:
        return next(half, None) or await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b"", "app": None}
    asyncio.run(Bodies(app, piece_s, whole_s)(scope, receive, send))
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_download_may_last_as_long_as_it_likes(client: TestClient) -> None:
    """After the body, what comes is that the client has gone, and that is waited for without a limit."""
    waited: list[str] = []

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        for _ in range(2):
            waited.append((await receive())["type"])

    async def receive() -> Any:
        if not waited:
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        raise AssertionError("nothing is answered")

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(Bodies(app, 0.01, 0.01)(scope, receive, send))
    assert waited == ["http.request", "http.disconnect"]
