"""Who is let in to pages, and for how long: asked anew at each click and each run of a part."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.access import people, workspaces
from core.access.people import PersonView
from core.runtime import workspace
from pages.common import formats
from tests.pages.asking import PROXY_SECRET, Client, browser, by_proxy
from tests.pages.seeing import PAGES, buttons, press, show, unfold, words
from tests.pipeline import add_document, rows

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, setting: Any) -> Client:
    found = browser(monkeypatch)
    by_proxy(found, setting, "anna@example.org", "Änna".encode().decode("latin-1"))
    setting(ALLOWED_EMAIL_DOMAINS="example.org", ADMIN_EMAILS="root@example.org")
    return found


def anna() -> PersonView:
    return next(one for one in people.everybody() if one.email == "anna@example.org")


def entries(action: str) -> int:
    return len(rows("SELECT id FROM audit_entry WHERE action = :action", action=action))


def test_whom_the_proxy_names_is_let_in_and_stands_beside_the_menu(client: Client) -> None:
    at = show("jobs")
    assert "Änna · analyst" in words(at)
    assert anna().workspaces[0].id == "ws_default"
    at.run()
    show("insights")
    assert entries("sign_in") == 1


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Forwarded-Email", "anna@example.org")],
        [("X-Forwarded-Email", "anna@example.org"), ("X-Proxy-Secret", PROXY_SECRET[:-1])],
        [("X-Forwarded-Email", "anna@example.org"), ("X-Proxy-Secret", PROXY_SECRET), ("X-Proxy-Secret", "")],
        [("X-Proxy-Secret", PROXY_SECRET)],
        [("X-Proxy-Secret", PROXY_SECRET), ("X-Forwarded-Email", " ")],
        [
            ("X-Proxy-Secret", PROXY_SECRET),
            ("X-Forwarded-Email", "a@example.org"),
            ("X-Forwarded-Email", "root@example.org"),
        ],
    ],
)
def test_nobody_goes_round_the_proxy(client: Client, headers: list[tuple[str, str]]) -> None:
    client.headers = headers
    at = show("jobs")
    assert [title.value for title in at.title] == ["Sign in"]
    assert buttons(at) == set()
    assert not people.everybody()


def test_whoever_is_not_known_is_told_whom_to_ask_and_kept_once(client: Client) -> None:
    client.headers[1] = ("X-Forwarded-Email", "eve@else.where")
    at = show("overview").run().run()
    assert formats.plain("Nobody has invited eve@else.where to Cairn. Ask root@example.org.") in words(at)
    assert entries("sign_in.refused") == 1
    people.invite("eve@else.where")
    press(at, "Try again")
    assert "Sign in" not in words(at)


def test_what_is_taken_away_no_longer_holds_at_the_next_click_or_live_run(client: Client) -> None:
    client.headers[1] = ("X-Forwarded-Email", "root@example.org")
    assert "Set key" in buttons(show("settings"))
    client.headers[1] = ("X-Forwarded-Email", "anna@example.org")
    at = show("settings")
    assert formats.plain("takes the role of admin. Yours is analyst.") in words(at)
    people.change(anna().id, role="admin")
    assert "Set key" in buttons(at.run())
    people.change(anna().id, role="analyst")
    assert "takes the role of admin" in words(at.run())
    people.deactivate(anna().id, datetime.now(UTC))
    assert "You may no longer use Cairn" in words(at.run())


def live_part(ran: list[str]) -> None:
    from core.access import actor
    from core.runtime import workspace
    from pages.common import failures

    @failures.live(None)
    def part() -> None:
        ran.append(f"{actor.caller().user} {actor.caller().role} {workspace.current()}")

    part()


def test_a_part_that_runs_alone_asks_for_itself(client: Client) -> None:
    ran: list[str] = []
    AppTest.from_function(live_part, kwargs={"ran": ran}).run()
    assert ran == [f"{anna().id} analyst ws_default"]


def test_links_to_files_say_of_which_workspace(client: Client) -> None:
    show("documents")
    other = workspaces.make("Legal")
    workspaces.add_member(other.id, anna().id)
    with workspace.bound(other.id):
        add_document("Of another workspace.", name="there.txt")
    with workspace.bound("ws_default"):
        add_document()
    at = unfold(show("documents"), "documents_export")
    assert addresses(at)
    assert "in_workspace" not in addresses(at)
    at.selectbox(key="workspace-switch").select(other.id).run()
    assert f"in_workspace={other.id}" in addresses(unfold(at, "documents_export"))


def test_a_link_to_another_workspace_offers_to_open_it(client: Client) -> None:
    show("documents")
    other, foreign = workspaces.make("Legal"), workspaces.make("Foreign")
    workspaces.add_member(other.id, anna().id)
    found = {}
    for one in (other, foreign):
        with workspace.bound(one.id):
            found[one.id] = add_document("Of another workspace.", name=f"{one.name}.txt")
    at = show("document", id=found[foreign.id])
    assert "Open that workspace" not in buttons(at)
    at = show("document", id=found[other.id])
    assert "Legal.txt" not in words(at)
    press(at, "Open that workspace")
    assert formats.plain("Legal.txt") in words(at)


def addresses(at: AppTest) -> str:
    return " ".join(link.proto.url for link in at.get("link_button"))


def test_a_membership_that_ends_closes_the_workspace(client: Client) -> None:
    show("documents")
    add_document("Of the default workspace.")
    other = workspaces.make("Legal")
    workspaces.add_member(other.id, anna().id)
    at = show("documents")
    assert "No documents yet" not in words(at)
    at.selectbox(key="workspace-switch").select(other.id).run()
    assert "No documents yet" in words(at)
    assert "No documents yet" in words(show("documents"))  # In another tab, or tomorrow.
    workspaces.remove_member(other.id, anna().id)
    assert "No documents yet" not in words(at.run())
    assert not at.sidebar.selectbox
    workspaces.remove_member("ws_default", anna().id)
    assert "You are a member of no workspace" in words(at.run())


def test_signing_out_ends_it_on_all_tabs_until_the_page_is_loaded_anew(client: Client) -> None:
    one, other = show("jobs"), show("insights")
    press(one, "Sign out")
    for at in (one, other.run()):
        assert "Your sign-in has ended" in words(at)
    assert entries("sign_out") == 1
    assert "Änna · analyst" in words(show("jobs"))


def test_without_a_sign_in_everything_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    browser(monkeypatch)
    at = show("settings")
    assert "Sign out" not in buttons(at)
    assert not list(at.sidebar.selectbox)
    workspaces.make("Legal")
    # A page that ends before its end has the choice, too.
    for page in (at.run(), show("document", id="doc_none"), show("insight", id="ins_none")):
        assert [box.options for box in page.sidebar.selectbox] == [["default", "Legal"]]


def test_what_runs_alone_is_made_by_failures_alone() -> None:
    """So that it asks: a fragment and a dialog run without the entry script."""
    found = [
        f"{path.relative_to(PAGES)}: {line.strip()}"
        for path in sorted(PAGES.rglob("*.py"))
        if path != PAGES / "common" / "failures.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\bst\.(fragment|dialog)\b", line)
    ]
    assert found == []
