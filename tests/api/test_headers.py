"""What a browser is told with every answer: pages, API, refusals and faults alike."""

import base64
import hashlib
import re
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from api import api, headers
from tests.api.conftest import STREAMLITS_PAGE

pytestmark = pytest.mark.usefixtures("database")
# The policy of issue 12, to the letter.
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'sha256-{hash}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


def policy_of(page: str) -> str:
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    return POLICY.format(hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode())


@pytest.fixture
def broken() -> Iterator[str]:
    def fault() -> None:
        raise RuntimeError("a fault of ours")

    api.add_api_route("/broken", fault)
    yield "/api/v1/broken"
    api.router.routes.pop()


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/health", "localhost", 200),
        ("/metrics", "localhost", 200),
        ("/api/v1/usage", "localhost", 200),
        ("/api/v1/usage?by=x", "localhost", 422),
        ("/api/v1/nothing", "localhost", 404),
        ("/api/v1/usage", "evil.example", 403),
        ("/nothing", "localhost", 404),
        ("/api/v1/broken", "localhost", 500),
    ],
)
def test_every_answer_tells_the_browser(client: TestClient, broken: str, path: str, host: str, status: int) -> None:
    answer = client.get(path, headers={"host": host})
    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == policy_of(STREAMLITS_PAGE.read_text(encoding="utf-8"))
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == answer.headers["cross-origin-resource-policy"]
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]


def test_the_documentation_page_has_a_policy_of_its_own_scripts(client: TestClient) -> None:
    # The other page has no script of its own in it.
    assert client.get("/api/v1/redoc").headers.get_list("content-security-policy")
    page = client.get("/api/v1/docs")
    assert page.headers.get_list("content-security-policy") == [policy_of(page.text)]


@pytest.mark.parametrize("raises", [True, False])
def test_what_fails_outside_of_the_api_says_so_in_our_shape(raises: bool) -> None:
    def page(_request: object) -> HTMLResponse:
        if raises:
            raise RuntimeError("confidential")
        return HTMLResponse("A page")

    app = Starlette(routes=[Route("/", page)], middleware=[headers.middleware(STREAMLITS_PAGE)])
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/", headers={"x-request-id": "trace-1"})
    assert "content-security-policy" in answer.headers
    if raises:
        assert (answer.status_code, answer.json()["request_id"]) == (500, "trace-1")
        assert "confidential" not in answer.text
    else:
        assert answer.text == "A page"
