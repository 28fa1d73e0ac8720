"""What our middleware makes of the answers of Streamlit's sign-in, and whom it lets files in and out for."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from api.browser_sign_in import BrowserSignIn
from tests.pages.asking import BY_PROXY, PROXY_SECRET

pytestmark = pytest.mark.usefixtures("database")
OIDC = {
    "OIDC_DISCOVERY_URL": "https://idp/.well-known/openid-configuration",
    "OIDC_CLIENT_ID": "cairn",
    "OIDC_CLIENT_SECRET": "hush",
    "SECRET_KEY": "k" * 40,
}


def login(request: Request) -> Response:
    answer = RedirectResponse("https://idp/authorize", 302)
    answer.set_cookie("_streamlit_session", "s", httponly=True, samesite="lax")
    return answer


def callback(request: Request) -> Response:
    answer = RedirectResponse("/", 302)
    if request.query_params.get("code") == "good":
        answer.set_cookie("_streamlit_user", "u", max_age=30 * 86400, httponly=True, samesite="lax")
    else:
        answer.delete_cookie("_streamlit_user")
    return answer


def file(request: Request) -> Response:
    return PlainTextResponse("secret")


@pytest.fixture
def client(setting: Any) -> TestClient:
    setting(**OIDC, PUBLIC_URL="https://cairn.example.org", SESSION_HOURS=1)
    routes = [
        Route("/auth/login", login),
        Route("/oauth2callback", callback),
        Route("/media/x", file),
        Route("/_stcore/upload_file/s/f", file, methods=["PUT"]),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(BrowserSignIn)])
    return TestClient(app, base_url="https://cairn.example.org", follow_redirects=False)


def test_cookies_go_over_https_alone_and_end_with_the_sign_in(client: TestClient) -> None:
    found = client.get("/oauth2callback?code=good&state=s").headers.get_list("set-cookie")
    assert found
    assert all("Secure" in one for one in found)
    assert "Max-Age=3600" in found[0]
    assert "Secure" in client.get("/auth/login").headers.get_list("set-cookie")[0]


def test_on_this_machine_without_https_they_are_as_they_were(client: TestClient, setting: Any) -> None:
    setting(PUBLIC_URL="http://127.0.0.1:8501")
    assert "Secure" not in client.get("/auth/login").headers["set-cookie"]


@pytest.mark.parametrize(
    ("page", "back"),
    [
        ("/jobs?state=paused&q=a%20b", "/jobs?state=paused&q=a%20b"),
        ("/", "/"),
        ("//evil.example/x", "/"),
        ("/\\evil.example", "/"),
        ("/jobs?x=\\", "/"),
    ],
)
def test_one_comes_back_to_a_page_of_ours_alone(client: TestClient, page: str, back: str) -> None:
    client.get("/auth/login", headers={"Referer": f"https://cairn.example.org{page}"})
    assert client.get("/oauth2callback?code=good&state=s").headers["location"] == back
    assert client.get("/oauth2callback?code=good&state=s").headers["location"] == "/"


def test_where_one_came_from_elsewhere_is_nothing_to_come_back_to(client: TestClient) -> None:
    client.get("/auth/login", headers={"Referer": "https://evil.example/jobs"})
    assert client.get("/oauth2callback?code=good&state=s").headers["location"] == "/"


def test_an_answer_that_lets_nobody_in_is_said_and_the_end_of_signing_out_is_none(client: TestClient) -> None:
    assert client.get("/oauth2callback?code=bad&state=s").headers["location"] == "/?sign_in_failed=1"
    assert client.get("/oauth2callback").headers["location"] == "/"


def test_files_are_for_those_who_are_signed_in(client: TestClient, setting: Any) -> None:
    for cookies in ({}, {"_streamlit_user": "made up"}):
        client.cookies.clear()
        client.cookies.update(cookies)
        assert client.get("/media/x").status_code == 401
        assert client.put("/_stcore/upload_file/s/f", content=b"x").status_code == 401
    for name in OIDC:
        setting(**{name: ""})
    setting(**BY_PROXY)
    assert client.get("/media/x").status_code == 401
    by_proxy = {"X-Proxy-Secret": PROXY_SECRET, "X-Forwarded-Email": "anna@example.org"}
    assert client.get("/media/x", headers=by_proxy).status_code == 200
