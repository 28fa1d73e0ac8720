"""People, API keys and the audit, as pages show them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.access import actor, keys, people, workspaces
from core.access.keys import KeySpec
from core.access.people import PersonView
from pages.common import formats
from tests import databases
from tests.callers import by
from tests.pages import made
from tests.pages.asking import Client, browser, by_proxy
from tests.pages.seeing import buttons, links, press, show, words
from tests.pipeline import PATIENCE_S, rows

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, setting: Any) -> Client:
    found = browser(monkeypatch)
    by_proxy(found, setting, "root@example.org", "Root")
    setting(ALLOWED_EMAIL_DOMAINS="example.org", ADMIN_EMAILS="root@example.org")
    return found


def person(email: str) -> PersonView:
    return next(one for one in people.everybody() if one.email == email)


@pytest.fixture
def zoe(client: Client) -> PersonView:
    show("overview")
    return people.invite("zoe@example.org", name="Zoë *Zo*", workspaces=["ws_default"])


def inviting() -> None:
    from core.access import workspaces
    from pages.common import entering
    from pages.people.inviting import invite

    with entering.acting():
        invite(workspaces.listed())


def making_place() -> None:
    from pages.people.places import edit

    edit(None)


def making_key() -> None:
    from pages.keys.making import make, show_secret

    show_secret()
    make()


def dialog(of: Callable[[], None]) -> AppTest:
    """AppTest presses no button within a dialog on a page."""
    return AppTest.from_function(of, default_timeout=PATIENCE_S).run()


def test_somebody_is_invited_changed_and_forgotten(client: Client) -> None:
    at = dialog(inviting)
    at.text_input(key="invite-email").input("no address")
    at.button(key="invite-save").click().run()
    assert formats.plain("This is no e-mail address. Write one such as anna@example.com.") in words(at)
    at.text_input(key="invite-email").input("zoe@example.org")
    at.button(key="invite-save").click().run()
    zoe = person("zoe@example.org")
    assert (zoe.role, zoe.state, [one.id for one in zoe.workspaces]) == ("analyst", "invited", ["ws_default"])
    other = workspaces.make("Legal")
    at = show("people")
    at.button(key=f"change-{zoe.id}").click().run()
    at.selectbox(key=f"role-{zoe.id}").select("manager")
    at.multiselect(key=f"in-{zoe.id}").unselect("ws_default").select(other.id)
    press(at, "Save")
    zoe = person("zoe@example.org")
    assert (zoe.role, [one.id for one in zoe.workspaces]) == ("manager", [other.id])
    at = show("people")
    at.button(key=f"change-{zoe.id}").click().run()
    press(at, "Deactivate")
    assert person("zoe@example.org").state == "deactivated"
    at = show("people")
    at.button(key=f"change-{zoe.id}").click().run()
    press(at, "Forget")
    assert person("zoe@example.org").state == "deactivated"
    at.button(key=f"change-{zoe.id}").click().run()
    at.text_input(key=f"forget-{zoe.id}").input("Zoe@example.org")
    press(at, "Forget")
    assert [one.called for one in people.everybody() if one.email is None] == ["a person who was forgotten"]


def test_the_last_admin_and_those_of_the_environment_stay(client: Client) -> None:
    at = show("people")
    root = person("root@example.org")
    at.button(key=f"change-{root.id}").click().run()
    assert at.selectbox(key=f"role-{root.id}").disabled
    press(at, "Deactivate")
    assert "last admin" in words(at.run())
    assert person("root@example.org").state == "active"


def test_workspaces_are_made_and_deleted_while_empty(client: Client) -> None:
    at = dialog(making_place)
    at.text_input(key="place-name-new").input("Legal")
    at.button(key="place-save-new").click().run()
    (legal,) = [one for one in workspaces.listed() if one.name == "Legal"]
    at = show("people")
    at.button(key=f"delete-{legal.id}").click().run()
    assert [one.name for one in workspaces.listed()] == ["default"]


def test_a_key_is_shown_once_and_revoked_in_one_click(client: Client, zoe: PersonView) -> None:
    with actor.bound(by(zoe.id, "analyst", "ws_default")):
        keys.make(KeySpec("of Zoe"), datetime.now(UTC))
    at = dialog(making_key)
    at.text_input(key="key-name").input("nightly")
    at.button(key="key-save").click().run()
    (secret,) = [code.value for code in at.code]
    assert secret.startswith("cairn_")
    found = keys.asker(secret, datetime.now(UTC), ip=None, request_id=None)
    assert found is not None
    press(at, "I have copied it")
    assert not at.code
    at = show("keys")
    assert "of Zoe" not in words(at)
    press(at, "Revoke")
    assert keys.asker(secret, datetime.now(UTC), ip=None, request_id=None) is None
    at.toggle(key="keys-all").set_value(True).run()
    assert "of Zoe" in words(at)


def test_the_audit_says_who_did_what_and_whether_it_is_whole(client: Client, zoe: PersonView) -> None:
    with actor.bound(by(person("root@example.org").id)):
        people.change(zoe.id, role="manager")
    at = show("audit")
    (table,) = [one.value for one in at.dataframe]
    assert [*table["What"]] == ["person changed", "person added", "signed in", "person added"]
    assert table.iloc[0]["Who"] == "Root"
    assert table.iloc[0]["Change"] == "role: analyst → manager"
    assert table.iloc[2]["From"] == "192.0.2.7"
    assert "The chain is whole: 4 entries." in words(press(at, "Check that no entry was changed"))
    at.selectbox(key="audit-action").select("sign_in").run()
    assert len(at.dataframe[0].value) == 1
    with databases.as_owner() as connection:
        connection.execute("UPDATE audit_entry SET action = 'sign_out' WHERE id = 2")
    assert "entry 2 is the first that does not fit" in words(press(show("audit"), "Check that no entry was changed"))


@pytest.mark.parametrize(
    ("role", "pages"),
    [("analyst", {"keys"}), ("manager", {"keys", "audit"}), ("admin", {"keys", "audit", "people", "settings"})],
)
def test_pages_are_for_roles_and_say_so(client: Client, zoe: PersonView, role: Any, pages: set[str]) -> None:
    people.change(zoe.id, role=role)
    client.headers[1] = ("X-Forwarded-Email", "zoe@example.org")
    refused = {page for page in ("keys", "audit", "people", "settings") if "takes" in told(show(page))}
    assert refused == {"keys", "audit", "people", "settings"} - pages


def told(at: AppTest) -> str:
    return " ".join(one.value for one in at.info)


def test_a_manager_reads_the_audit_of_own_workspaces_without_verifying(client: Client, zoe: PersonView) -> None:
    people.change(zoe.id, role="manager")
    client.headers[1] = ("X-Forwarded-Email", "zoe@example.org")
    at = show("audit")
    assert not at.dataframe
    assert "Check that no entry was changed" not in buttons(at)


def test_an_analyst_sees_the_costs_of_what_they_asked_and_managers_those_of_all_by_name(
    client: Client, zoe: PersonView, setting: Any
) -> None:
    by_proxy(client, setting, "zoe@example.org")
    show("overview")
    made.usage(None, user=zoe.id, cost_usd=3)
    made.usage(None, user="user_other", cost_usd=40)
    at = show("costs", by="User", user="user_other")
    assert "$3.00" in words(at)
    assert "40.00" not in words(at)
    assert "Managers see those of all" in words(at)
    assert [tab.label for tab in at.tabs] == ["Spending", "Budgets"]
    assert "Spent today" not in words(show("overview"))
    # How people sign in is no warning.
    assert ":green[:material/check_circle:] **Who is let in** · People sign in" in words(show("health"))
    by_proxy(client, setting, "root@example.org")
    assert "Spent today $43.00" in words(show("overview"))
    at = show("costs", by="User")
    assert "$43.00" in words(at)
    assert "Zoë" in str(at.dataframe[0].value)
    assert len(at.tabs) == 5


def test_what_a_role_may_not_stands_in_the_audit(client: Client, zoe: PersonView, setting: Any) -> None:
    job = made.job("running", name="Theirs", lane="live", user="user_other")
    by_proxy(client, setting, "zoe@example.org")
    show("people")
    press(show("job", id=job), "Pause")
    refused = rows("SELECT \"user\", object, after FROM audit_entry WHERE action = 'access.refused' ORDER BY id")
    assert {(one["user"], one["object"]["name"], one["after"]["refused"]) for one in refused} == {
        (zoe.id, "people", "people.change"),
        (zoe.id, "pages", "job.change"),
    }
    assert rows("SELECT state FROM job") == [{"state": "running"}]


def test_nobody_is_asked_to_set_a_key_who_may_not(zoe: PersonView, client: Client, setting: Any) -> None:
    steps = [label for label, page in links(show("overview")).items() if page.startswith("settings")]
    assert steps == ["**A model**: set its key. Until then the offline engine answers: free, and no language model"]
    by_proxy(client, setting, "zoe@example.org")
    at = show("overview")
    assert "**A model**: none has a key yet; an admin sets it." in words(at)
    assert not any(page.startswith("settings") for page in links(at).values())
