"""Signing in with a real browser at a real provider: who gets in, who does not, and what ends it."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from core.access import people
from core.access.people import PersonView
from tests.journeys import identity_provider, page_run
from tests.journeys.conftest import AT_REST, App, command, start_app, visit
from tests.journeys.identity_provider import WRONG, Provider
from tests.journeys.page_run import PageRun
from tests.pipeline import PATIENCE_S, rows

pytestmark = pytest.mark.browser
PAGES = (
    *("", "documents", "analyse", "jobs", "insights", "matrix", "review", "templates", "costs", "system", "settings"),
    *("people", "keys", "audit", "document", "job", "insight", "own_requests", "secret"),
)


def at_its_address(arguments: list[str], env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """As a user starts it: what signs in is set up when the app is imported, which forked ones are not again."""
    return command(arguments, {**env, "PUBLIC_URL": f"http://127.0.0.1:{arguments[-1]}"}, log)


@pytest.fixture
def cairn(data_dir: Path, database: str, setting: Any) -> Iterator[tuple[App, Provider]]:
    setting(ADMIN_EMAILS="anna@example.org")
    with identity_provider.running() as provider:
        app = start_app(
            data_dir,
            at_its_address,
            DATABASE_URL=database,
            EMBEDDED_JOBS="false",
            OIDC_DISCOVERY_URL=f"{provider.url}/.well-known/openid-configuration",
            OIDC_CLIENT_ID="cairn",
            OIDC_CLIENT_SECRET="hush hush hush hush",
            SECRET_KEY="Vq3pXn8sLw1tRz6yHc0kMd5jBf9gUa2e",
            ADMIN_EMAILS="anna@example.org",
            ALLOWED_EMAIL_DOMAINS="example.org",
        )
        yield app, provider
        app.stop()


def sign_in(page: Any, name: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=name, exact=True).click()


def sign_out(page: Any) -> None:
    """Here, and at the provider, which says so and leads back."""
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()
    title(page, "Sign in")
    assert page.get_by_text("did not succeed").count() == 0


def title(page: Any, text: str) -> None:
    expect(page.get_by_role("heading", level=1, name=text, exact=True)).to_be_visible()
    page.locator(AT_REST).wait_for()


def person(email: str) -> PersonView:
    return next(one for one in people.everybody() if one.email == email)


def test_who_gets_in_who_does_not_and_what_ends_it(
    cairn: tuple[App, Provider], browser: Any, browser_page: Any
) -> None:
    app, provider = cairn
    page = browser_page
    nobody_sees_more_than_the_way_in(app, page)
    back_at_the_page_that_was_asked_for(app, page)
    what_is_taken_away_ends_at_the_next_click(app, browser)
    signing_out_holds_on_all_tabs(app, page)
    nobody_gets_in_by_a_wrong_token(app, provider, browser)
    nobody_gets_in_without_a_verified_email(app, browser)
    an_answer_counts_once(app, browser)


def nobody_sees_more_than_the_way_in(app: App, page: Any) -> None:
    """On a cold server: the first hit on each address."""
    for name in PAGES:
        seen = page_run.shown(app.url, name)
        assert (seen.titles, seen.buttons.keys(), seen.menu) == (["Sign in"], {"Sign in"}, []), name
    visit(page, f"{app.url}/costs")
    title(page, "Sign in")
    expect(page.get_by_test_id("stMain").get_by_role("button")).to_have_count(1)
    assert page.get_by_test_id("stSidebarNavLink").count() == 0
    assert app.get("/media/anything")[0] == 401
    assert rows("SELECT 1 FROM person") == []


def back_at_the_page_that_was_asked_for(app: App, page: Any) -> None:
    visit(page, f"{app.url}/jobs?state=paused")
    sign_in(page, "anna")
    title(page, "Jobs")
    assert page.url == f"{app.url}/jobs?state=paused"
    expect(page.get_by_text("Anna · admin")).to_be_visible()
    cookies = {one["name"]: one for one in page.context.cookies()}
    assert cookies["_streamlit_user"]["httpOnly"]
    assert cookies["_streamlit_user"]["sameSite"] == "Lax"
    assert cookies["_streamlit_user"]["expires"] - datetime.now(UTC).timestamp() < 13 * 3600
    assert "cairn_target" not in cookies


def what_is_taken_away_ends_at_the_next_click(app: App, browser: Any) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page, live = context.new_page(), context.new_page()
    visit(page, f"{app.url}/settings")
    sign_in(page, "ben")
    expect(page.get_by_text("takes the role of admin. Yours is analyst.")).to_be_visible()
    ben = person("ben@example.org").id
    people.change(ben, role="admin")
    visit(page, f"{app.url}/settings")
    page.get_by_role("button", name="Add a provider").wait_for()
    visit(live, f"{app.url}/system")
    title(live, "Health")
    people.change(ben, role="analyst")
    page.get_by_role("button", name="Add a provider").click()
    expect(page.get_by_text("takes the role of admin. Yours is analyst.")).to_be_visible()
    people.deactivate(ben, datetime.now(UTC))
    title(live, "You are not let in")  # Nobody has clicked there.
    context.close()


def signing_out_holds_on_all_tabs(app: App, page: Any) -> None:
    other = page.context.new_page()
    visit(other, f"{app.url}/")
    title(other, "Overview")
    held = page.context.cookies()
    sign_out(page)
    title(other, "Sign in")
    # Who kept the cookie has nothing of it.
    page.context.add_cookies(held)
    visit(page, f"{app.url}/documents")
    title(page, "Sign in")
    other.close()


def nobody_gets_in_by_a_wrong_token(app: App, provider: Provider, browser: Any) -> None:
    """A browser's way by hand, and for one of them with a browser."""
    for wrong in WRONG:
        provider.wrong = wrong
        seen = signed_in_by_hand(app)
        # Streamlit finds some of them when they come, we find the others.
        assert seen.titles[0] in ("Sign in", "You are not let in"), wrong
        assert (len(seen.titles), seen.menu) == (1, []), wrong
        assert "The sign-in" in seen.text, wrong
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    visit(page, f"{app.url}/")
    sign_in(page, "anna")
    expect(page.get_by_text("The sign-in").first).to_be_visible()
    assert page.get_by_text("Anna · admin").count() == 0
    assert page.get_by_test_id("stSidebarNavLink").count() == 0
    context.close()
    provider.wrong = ""
    assert signed_in_by_hand(app).titles == ["Overview"]


def signed_in_by_hand(app: App) -> PageRun:
    """What Anna is shown where she ends."""
    with page_run.session(app.url) as tab:
        button = page_run.run(tab, "").buttons["Sign in"]
        way = page_run.run(tab, "", button).leads_to
    with httpx.Client(follow_redirects=True, timeout=PATIENCE_S) as client:
        client.get(f"{app.url}/_stcore/health")
        asked = client.get(httpx.URL(app.url).join(way))
        ended = client.post(asked.url, data={"sub": "anna"})
        return page_run.shown(app.url, "", dict(client.cookies), **dict(ended.url.params))


def nobody_gets_in_without_a_verified_email(app: App, browser: Any) -> None:
    for name, why in (("eve", "no e-mail that is verified"), ("mallory", "Nobody has invited mallory@")):
        context = browser.new_context(reduced_motion="reduce")
        page = context.new_page()
        visit(page, f"{app.url}/")
        sign_in(page, name)
        title(page, "You are not let in")
        expect(page.get_by_text(why)).to_be_visible()
        expect(page.get_by_text("Ask anna@")).to_be_visible()
        context.close()
    assert {one.email for one in people.everybody()} == {"anna@example.org", "ben@example.org"}


def an_answer_counts_once(app: App, browser: Any) -> None:
    """The state lies in a cookie, which can be shown again with the answer that was for it."""
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    answers: list[str] = []
    page.on("request", lambda request: answers.append(request.url) if "/oauth2callback" in request.url else None)
    visit(page, f"{app.url}/")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="anna", exact=True).wait_for()
    before = context.cookies()
    page.get_by_role("button", name="anna", exact=True).click()
    title(page, "Overview")
    sign_out(page)
    for cookies in ([], before):
        context.clear_cookies()
        context.add_cookies(cookies)
        page.goto(answers[0])
        title(page, "Sign in")
        expect(page.get_by_text("The sign-in did not succeed")).to_be_visible()
    context.close()
