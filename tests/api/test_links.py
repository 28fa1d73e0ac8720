"""Links that pages sign: for one person, one file and five minutes."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.access import actor, links, people
from core.access.actor import Caller
from core.runtime import db, shared_clock, workspace
from pages.common import api_links
from tests.api.people import person
from tests.callers import by
from tests.pipeline import add_document

pytestmark = pytest.mark.usefixtures("database")
OPEN = Caller("pages", "open", "admin")


def test_where_there_is_a_key_a_page_that_asks_nobody_signs_its_links(client: TestClient, setting: Any) -> None:
    document = add_document()
    with actor.bound(OPEN):
        assert api_links.link(f"documents/{document}/original") == f"api/v1/documents/{document}/original"
        setting(API_KEY="an-admin-of-the-environment")
        link = f"/{api_links.link(f'documents/{document}/original')}"
        table = f"/{api_links.link('documents/export?format=csv')}"
    assert client.get(link).status_code == client.get(table).status_code == 200
    # A browser's own site, or a program that says nothing.
    assert client.get(link, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert client.get(link, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401
    for changed in (link[:-1] + "x", link.replace(document, "doc_x"), table.replace("csv", "xlsx"), link + "&a=1"):
        answer = client.get(changed)
        assert (answer.status_code, answer.json()["error"]) == (401, "UNAUTHORIZED")
        assert "Reload the page" in answer.json()["message"]
    assert client.post(link).status_code == client.delete(link.replace("/original", "")).status_code == 401
    assert client.get(link.replace("/original", "/text")).status_code == 401


def test_it_ends_after_five_minutes_and_with_its_person(client: TestClient, setting: Any) -> None:
    setting(API_KEY="an-admin-of-the-environment")
    user, at = person("Anna"), shared_clock.now()
    path = f"/documents/{add_document()}/original"

    def status(signed: str) -> int:
        return client.get(f"/api/v1{path}?signed={signed}").status_code

    with actor.bound(by(user, "analyst")):
        lasting, late = (links.signature(path, at - timedelta(seconds=passed)) for passed in (290, 301))
    assert (status(lasting), status(late)) == (200, 401)
    other = person("Ben")
    assert status(lasting.replace(user, other)) == status("") == status(f"{user}.x.y") == 401
    people.deactivate(user, at)
    assert status(lasting) == 401
    with actor.bound(OPEN):
        nobody = links.signature(path, at)
    assert status(nobody) == 200
    setting(TRUSTED_USER_HEADER="X-User", TRUSTED_PROXY_SECRET="Ku8sYv2mWq0bTz6e")
    assert status(nobody) == 401


def test_its_person_sees_their_own_workspaces_alone(client: TestClient, setting: Any) -> None:
    setting(API_KEY="an-admin-of-the-environment")
    with db.transaction(everywhere=True) as session:
        db.execute(session, "INSERT INTO workspace (id, name) VALUES ('ws_there', 'There')")
    with workspace.bound("ws_there"):
        document = add_document()
    user = person("Anna")
    with actor.bound(by(user, "analyst", "ws_default", "ws_there")), workspace.bound("ws_there"):
        link = f"/{api_links.link(f'documents/{document}/original')}"
    assert "in_workspace=ws_there&signed=" in link
    assert client.get(link).status_code == 404
    with db.transaction(everywhere=True) as session:
        people.add_member(session, "ws_there", user)
    assert client.get(link).status_code == 200
