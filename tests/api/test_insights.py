"""Insights over HTTP: what programs change of them, and how it is undone."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from core.insight_base import writing
from core.insight_base.writing import Finding, Source
from core.runtime import db
from tests.pipeline import change, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")
AT = "/api/v1/insights"


@pytest.fixture
def ids() -> list[str]:
    """Of four statements, the first and second of which differ in nothing that matters."""
    documents = ready_documents(2)
    said = "Pumps failed often.", "The pumps often failed.", "Pumps failed in 2024.", "Ann has left."
    with db.transaction() as session:
        for document in documents:
            found = [Finding(one, ("It works again.",), {}) for one in said]
            writing.write(session, [(Source(document, 1, "key_points"), one) for one in found])
    by_statement = {row["statement"]: row["id"] for row in rows("SELECT id, statement FROM insight")}
    return [by_statement[one] for one in said]


def post(client: TestClient, path: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = client.post(f"{AT}/{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_an_insight_is_changed_and_its_history_says_by_whom(client: TestClient, ids: list[str]) -> None:
    body = {"state": "dismissed", "reason": "Old.", "tags": ["Pump"], "shown": "It failed.", "pinned": True}
    changed = client.patch(f"{AT}/{ids[0]}", json=body | {"version": 1}).json()
    assert {name: changed[name] for name in body} == body
    assert (changed["version"], changed["confidence"]) == (2, 0)
    # What is not there stays, and null takes back.
    changed = client.patch(f"{AT}/{ids[0]}", json={"shown": None}).json()
    assert (changed["shown"], changed["reason"], changed["tags"]) == (None, "Old.", ["Pump"])
    items = client.get(f"{AT}/{ids[0]}/history").json()["items"]
    assert [(one["user"], one["action"], one["before"], one["after"]) for one in items] == [
        ("HTTP API", "change", {"shown": "It failed."}, {"shown": None}),
        (
            "HTTP API",
            "change",
            {"state": "new", "reason": None, "shown": None, "tags": [], "pinned": False},
            body,
        ),
    ]
    first = client.get(f"{AT}/{ids[0]}/history?limit=1").json()
    rest = client.get(f"{AT}/{ids[0]}/history?cursor={first['next_cursor']}").json()
    assert [*first["items"], *rest["items"]] == items
    assert client.get(f"{AT}/x/history").status_code == client.patch(f"{AT}/x", json={}).status_code == 404


def test_an_old_version_and_a_merged_insight_are_refused(client: TestClient, ids: list[str]) -> None:
    client.patch(f"{AT}/{ids[0]}", json={"pinned": True})
    answer = client.patch(f"{AT}/{ids[0]}", json={"pinned": False, "version": 1})
    assert (answer.status_code, answer.json()["error"], answer.json()["detail"]) == (409, "STALE", {"version": 2})
    post(client, "merge", {"into": ids[0], "ids": [ids[1]]})
    answer = client.patch(f"{AT}/{ids[1]}", json={"pinned": True})
    assert (answer.status_code, answer.json()["error"], answer.json()["detail"]) == (409, "MERGED", {"head": ids[0]})


def test_many_are_changed_and_undone_at_once(client: TestClient, ids: list[str]) -> None:
    done = post(client, "bulk", {"ids": ids[:2], "set": {"state": "confirmed", "add_tags": ["seen"]}})
    assert done["changed"] == 2
    every = post(client, "bulk", {"filter": {"tag": "seen"}, "set": {"remove_tags": ["SEEN"], "add_tags": ["later"]}})
    assert client.get(f"{AT}?tag=later&state=confirmed").json()["total"]["count"] == every["changed"] == 2
    assert post(client, "bulk", {"filter": {"q": "left"}, "set": {"pinned": False}}) == {"change": None, "changed": 0}
    assert post(client, "bulk/undo", {"change": done["change"]}) == {"changed": 0, "skipped": 2}
    for expected in ({"changed": 2, "skipped": 0}, {"changed": 0, "skipped": 0}):
        assert post(client, "bulk/undo", {"change": every["change"]}) == expected
    assert rows("SELECT DISTINCT door, action FROM audit_entry ORDER BY action") == [
        {"door": "api", "action": "insight.change"},
        {"door": "api", "action": "insight.confirm"},
        {"door": "api", "action": "insight.undo"},
    ]
    post(client, "bulk/undo", {"change": "chg_x"}, 404)
    for wrong in ({"set": {}}, {"ids": [], "filter": {}, "set": {}}, {"filter": {"nonsense": 1}, "set": {}}):
        post(client, "bulk", wrong, 422)


def test_a_merge_is_tried_made_listed_and_undone(client: TestClient, ids: list[str]) -> None:
    before = [client.get(f"{AT}/{one}").json() for one in ids[:2]]
    body = {"into": ids[0], "ids": [ids[1]]}
    tried = post(client, "merge", body | {"dry_run": True})
    assert (tried["merge"], tried["support"]) == (None, {"before": 2, "after": 2})
    assert rows("SELECT 1 FROM merge") == rows("SELECT 1 FROM insight WHERE head_id IS NOT NULL") == []
    made = post(client, "merge", body)
    assert made["insight"]["merged"] == [{"id": ids[1], "statement": "The pumps often failed."}]
    assert client.get(f"{AT}/{ids[1]}").json()["merged_into"] == ids[0]
    assert [one["id"] for one in client.get(f"{AT}?q=often").json()["items"]] == [ids[0]]
    (listed,) = client.get(f"{AT}/merges?insight={ids[1]}&undone=false").json()["items"]
    assert (listed["id"], listed["head"], listed["members"]) == (made["merge"], ids[0], [ids[1]])
    assert (listed["user"], listed["found_by"], listed["undone_at"]) == ("HTTP API", "person", None)
    undone = post(client, "unmerge", {"merge": made["merge"]})
    assert (undone["restored"], undone["already"]) == ([before[1]], False)
    assert [client.get(f"{AT}/{one}").json() for one in ids[:2]] == before
    assert post(client, "unmerge", {"id": ids[1]}) == {"restored": [], "already": True}
    assert client.get(f"{AT}/merges?undone=false").json()["items"] == []
    assert len(client.get(f"{AT}/merges?insight={ids[0]}&undone=true").json()["items"]) == 1
    post(client, "unmerge", {"merge": "mrg_x"}, 404)
    post(client, "unmerge", {}, 422)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_merge_of_what_differs_in_a_figure_has_to_be_forced(
    client: TestClient, ids: list[str], dry_run: bool
) -> None:
    body = {"into": ids[0], "ids": [ids[1], ids[2]], "dry_run": dry_run}
    refused = post(client, "merge", body, 409)
    assert refused["error"] == "MERGE_BLOCKED"
    (detail,) = refused["detail"]
    assert detail["id"] == ids[2]
    assert {one["b"] for one in detail["differs"] if one["class"] == "date"} == {"in 2024"}
    assert rows("SELECT 1 FROM merge") == []
    assert bool(post(client, "merge", body | {"force": True})["merge"]) is not dry_run


def test_answers_to_two_questions_are_never_merged(client: TestClient, ids: list[str]) -> None:
    change("UPDATE insight SET question = 'Why?' WHERE id = :id", id=ids[1])
    refused = post(client, "merge", {"into": ids[0], "ids": [ids[1]], "force": True}, 422)
    assert "different questions" in refused["message"]
