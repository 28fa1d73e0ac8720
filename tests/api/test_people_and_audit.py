"""People, keys, workspaces, members and the audit over HTTP."""

import csv
import hashlib
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.access import people
from core.runtime import db, shared_clock
from tests.api.people import key_of, person
from tests.pipeline import add_document, make_job, rows, run_job

pytestmark = pytest.mark.usefixtures("database")
API = "/api/v1"


@pytest.fixture
def admin() -> dict[str, str]:
    return key_of(person("Root", "admin"))[1]


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_people_are_invited_changed_and_forgotten(client: TestClient, admin: dict[str, str], setting: Any) -> None:
    setting(ADMIN_EMAILS="boss@example.com")
    client.headers.update(admin)
    made = client.post(f"{API}/users", json={"email": "Anna@example.com", "workspaces": ["ws_default"]})
    assert made.status_code == 201
    anna = made.json()
    assert {name: anna[name] for name in ("email", "name", "role", "state", "source", "last_seen")} == {
        "email": "Anna@example.com",
        "name": "",
        "role": "analyst",
        "state": "invited",
        "source": "api",
        "last_seen": None,
    }
    assert anna["workspaces"] == [{"id": "ws_default", "name": "default"}]
    at = f"{API}/users/{anna['id']}"
    assert refused(client.post(f"{API}/users", json={"email": "ANNA@example.com"})) == (409, "CONFLICT")
    assert refused(client.post(f"{API}/users", json={"email": "anna"})) == (422, "VALIDATION_ERROR")
    assert client.post(f"{API}/users", json={"email": "b@example.com", "workspaces": ["ws_x"]}).status_code == 404
    changed = client.put(at, json={"name": "Anna B", "role": "manager"}).json()
    assert (changed["name"], changed["role"], changed["email"]) == ("Anna B", "manager", "Anna@example.com")
    assert [one["id"] for one in client.get(f"{API}/users?role=manager&q=anna&state=invited").json()["items"]] == [
        anna["id"]
    ]
    assert client.get(f"{API}/users?role=boss").status_code == client.get(f"{API}/users?name=x").status_code == 422
    boss = client.post(f"{API}/users", json={"email": "boss@example.com"}).json()
    assert boss["role"] == "admin"
    assert refused(client.put(f"{API}/users/{boss['id']}", json={"role": "analyst"})) == (409, "SET_BY_ENVIRONMENT")
    assert client.post(f"{at}/deactivate").json()["state"] == "deactivated"
    assert client.post(f"{at}/activate").json()["state"] == "invited"
    gone = client.post(f"{at}/forget").json()
    assert (gone["email"], gone["name"], gone["state"]) == (None, "", "deactivated")
    assert refused(client.post(f"{at}/activate")) == (409, "CONFLICT")
    root = client.get(f"{API}/users/me").json()["id"]
    client.post(f"{API}/users/{boss['id']}/deactivate")
    for last in (f"{root}/deactivate", f"{root}/forget"):
        assert refused(client.post(f"{API}/users/{last}")) == (409, "LAST_ADMIN")
    assert refused(client.put(f"{API}/users/{root}", json={"role": "manager"})) == (409, "LAST_ADMIN")
    assert client.get(f"{API}/users/user_nobody").status_code == 404


def test_lists_go_on_where_the_cursor_says(client: TestClient, admin: dict[str, str]) -> None:
    for number in range(4):
        person(f"p{number}")
    seen: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"{API}/users?limit=2{cursor}", headers=admin).json()
        seen += [one["email"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor'].replace('+', '%2B')}"
    assert seen == [*(f"p{number}@example.com" for number in (3, 2, 1, 0)), "Root@example.com"]
    assert client.get(f"{API}/users?cursor=keys~x", headers=admin).status_code == 422
    assert client.get(f"{API}/users?limit=501", headers=admin).status_code == 422


def test_a_key_is_made_for_no_more_than_one_may(client: TestClient, admin: dict[str, str], setting: Any) -> None:
    anna = person("Anna", "manager")
    own, headers = key_of(anna)
    with db.transaction() as session:
        db.execute(session, "INSERT INTO workspace (id, name) VALUES ('ws_b', 'B')")

    def make(headers: dict[str, str] = headers, **given: Any) -> Any:
        return client.post(f"{API}/api-keys", headers=headers, json={"name": "k", **given})

    made = make(role="analyst", workspace="ws_default", expires_in_days=1)
    assert made.status_code == 201
    key = made.json()
    assert key["secret"].startswith(key["prefix"])
    assert (len(key["secret"]), len(key["prefix"]), key["secret"][:6]) == (6 + 43, 10, "cairn_")
    assert (key["user"], key["role"], key["workspace"], key["state"]) == (anna, "analyst", "ws_default", "active")
    at = f"{API}/api-keys/{key['id']}"
    assert "secret" not in client.get(at, headers=headers).json()
    assert refused(make(role="admin")) == (403, "FORBIDDEN")
    # A key makes none that may do more than itself.
    less = {"Authorization": f"Bearer {make(role='analyst').json()['secret']}"}
    assert refused(make(less, role="manager")) == (403, "FORBIDDEN")
    assert client.post(f"{API}/api-keys/{make(less).json()['id']}/revoke", headers=headers).json()["role"] == "analyst"
    assert refused(make(workspace="ws_b")) == (404, "NOT_FOUND")
    assert refused(make(expires_at=None)) == (403, "FORBIDDEN")
    assert refused(make(expires_in_days=100)) == (403, "FORBIDDEN")
    assert refused(make(user=people.everybody(q="root")[0].id)) == (403, "FORBIDDEN")
    for wrong in (
        {"expires_in_days": 0},
        {"expires_in_days": 366},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "9999-12-31T23:59:59-23:59"},
        {"expires_at": "2099-01-01T00:00:00Z", "expires_in_days": 2},
        {"name": " "},
    ):
        assert refused(make(**wrong)) == (422, "VALIDATION_ERROR")
    # A personal key makes none for others, an admin's either; a key of the environment does.
    assert refused(make(admin, user=anna)) == (403, "FORBIDDEN")
    setting(API_KEY="a-key-of-the-environment")
    environment = {"X-API-Key": "a-key-of-the-environment"}
    assert refused(make(environment)) == (422, "VALIDATION_ERROR")
    never = make(environment, user=anna, expires_at=None)
    assert (never.status_code, never.json()["expires_at"]) == (201, None)
    assert client.put(at, headers=headers, json={"name": "other"}).json()["name"] == "other"
    ids = [one["id"] for one in client.get(f"{API}/api-keys", headers=headers).json()["items"]]
    assert (ids[0], ids[-2:], len(ids)) == (never.json()["id"], [key["id"], own.id], 5)
    other, others = key_of(person("Ben"))
    assert client.get(at, headers=others).status_code == 404
    assert client.post(f"{at}/revoke", headers=others).status_code == 404
    assert [one["id"] for one in client.get(f"{API}/api-keys?user={anna}", headers=others).json()["items"]] == []
    revoked = client.post(f"{at}/revoke", headers=headers).json()
    assert revoked["state"] == "revoked"
    assert client.post(f"{at}/revoke", headers=headers).json() == revoked
    assert client.get(f"{API}/api-keys?user={anna}&state=revoked", headers=admin).json()["items"][-1] == revoked
    with db.transaction() as session:
        copy = """INSERT INTO api_key (id, person_id, name, prefix, sha256, role, expires_at)
                  SELECT 'key_' || n, person_id, name, prefix, n, role, :at FROM api_key, generate_series(1, 50) n
                  WHERE id = :id"""
        db.execute(session, copy, id=other.id, at=shared_clock.now() + timedelta(days=1))
    assert refused(make(others)) == (409, "TOO_MANY")


def test_workspaces_their_members_and_what_is_in_them(client: TestClient, admin: dict[str, str]) -> None:
    client.headers.update(admin)
    run_job(make_job([add_document()]))
    made = client.post(f"{API}/workspaces", json={"name": "  Legal   team ", "description": "contracts"})
    assert made.status_code == 201
    legal = made.json()
    assert {name: legal[name] for name in legal.keys() - {"id", "created_at"}} == {
        "name": "Legal team",
        "description": "contracts",
        "members": 0,
        "documents": 0,
        "jobs": 0,
        "insights": 0,
        "cost_usd": "0",
    }
    at = f"{API}/workspaces/{legal['id']}"
    assert refused(client.post(f"{API}/workspaces", json={"name": "LEGAL TEAM"})) == (409, "CONFLICT")
    for name in ("", " ", "x" * 101):
        assert refused(client.post(f"{API}/workspaces", json={"name": name})) == (422, "VALIDATION_ERROR")
    assert client.put(at, json={"name": "Law"}).json()["name"] == "Law"
    anna = person("Anna")
    member = client.put(f"{at}/members/{anna}", json={})
    assert member.status_code == 200
    assert member.json()["user"] == {"id": anna, "name": "Anna", "email": "Anna@example.com", "role": "analyst"}
    assert client.put(f"{at}/members/{anna}").json() == member.json()
    assert client.put(f"{at}/members/user_nobody").status_code == 404
    assert client.get(f"{at}/members").json()["items"] == [member.json()]
    headers = key_of(anna)[1]
    assert [one["name"] for one in client.get(f"{API}/workspaces", headers=headers).json()["items"]] == [
        "Law",
        "default",
    ]
    # Each call sees its workspace alone.
    file = {"files": ("a.txt", b"of the law")}
    there = {**headers, "X-Workspace": "Law"}
    (document,) = client.post(f"{API}/documents", files=file, headers=there).json()["items"]
    assert document["workspace"] == legal["id"]
    assert client.get(f"{API}/documents/{document['id']}", headers=headers).status_code == 404
    full = client.delete(at)
    assert refused(full) == (409, "NOT_EMPTY")
    assert full.json()["detail"] == {"documents": 1}
    by = client.get(f"{API}/usage?by=workspace").json()
    assert [(one["key"], one["calls"]) for one in by["items"]] == [("ws_default", 1)]
    assert client.delete(f"{API}/documents/{document['id']}", headers=there).status_code == 204
    assert client.delete(f"{at}/members/{anna}").status_code == 204
    assert client.delete(f"{at}/members/{anna}").status_code == 404
    assert client.get(f"{API}/documents", headers=there).status_code == 404
    assert client.delete(at).status_code == 204
    assert client.get(at).status_code == 404
    assert refused(client.delete(f"{API}/workspaces/ws_default")) == (409, "CONFLICT")
    (default,) = client.get(f"{API}/workspaces").json()["items"]
    assert (default["id"], default["documents"], default["jobs"], default["members"]) == ("ws_default", 1, 1, 2)


def test_every_object_tells_its_workspace(client: TestClient) -> None:
    run_job(make_job([add_document()]))
    own = {"name": "Own", "prompt": "What is it?", "fields": [{"name": "it", "type": "string"}]}
    assert client.post(f"{API}/templates", json=own).json()["workspace"] == "ws_default"
    for path in ("documents", "jobs/", "insights", "usage/records"):
        found = client.get(f"{API}/{path}").json()["items"]
        assert {one["workspace"] for one in found} == {"ws_default"}, path
    templates = client.get(f"{API}/templates").json()["items"]
    assert {one["workspace"] for one in templates if one["built_in"]} == {None}


def test_costs_by_workspace_are_those_of_ones_own_and_analysts_see_what_they_used(
    client: TestClient, admin: dict[str, str]
) -> None:
    with db.transaction() as session:
        db.execute(session, "INSERT INTO workspace (id, name) VALUES ('ws_b', 'B'), ('ws_c', 'C')")
    anna, ben = person("Anna", "analyst", "ws_default", "ws_b"), person("Ben", "manager", "ws_default", "ws_c")
    with db.transaction(everywhere=True) as session:
        sql = """INSERT INTO usage_record (workspace_id, "user", time, provider, model, lane, cost_usd, priced, status)
                 VALUES (:of, :by, now(), 'openai', 'm', 'live', :cost, true, 'ok')"""
        for of, by, cost in (("ws_default", anna, 1), ("ws_b", anna, 2), ("ws_b", ben, 4), ("ws_c", ben, 8)):
            db.execute(session, sql, of=of, by=by, cost=cost)
    annas, bens = key_of(anna)[1], key_of(ben)[1]

    def sums(headers: dict[str, str], query: str = "by=workspace") -> Any:
        found = client.get(f"{API}/usage?{query}", headers=headers).json()
        total = found["total"]["cost_usd"]
        return [(*one["keys"], one["cost_usd"]) for one in found["items"]], total

    assert sums(admin) == ([("ws_c", "8"), ("ws_b", "6"), ("ws_default", "1")], "15")
    assert sums(admin, "by=workspace&limit=1&cursor=sums~1") == ([("ws_b", "6")], "15")
    assert sums(admin, "by=user&by=workspace")[1] == "15"
    assert sums(bens) == ([("ws_c", "8"), ("ws_default", "1")], "9")
    assert sums(annas) == ([("ws_b", "2"), ("ws_default", "1")], "3")
    assert sums(annas, "by=user") == ([(anna, "1")], "1")
    assert sums({**annas, "X-Workspace": "ws_b"}, "by=user") == ([(anna, "2")], "2")
    table = client.get(f"{API}/usage/export?format=csv&by=workspace", headers=bens).text
    assert [row[:2] + row[-3:-2] for row in csv.reader(io.StringIO(table))] == [
        ["workspace", "workspace_name", "cost_usd"],
        ["ws_c", "C", "8"],
        ["ws_default", "default", "1"],
    ]
    assert client.get(f"{API}/usage?user={ben}", headers=annas).status_code == 403
    assert client.get(f"{API}/usage/forecast", headers=annas).status_code == 403
    assert client.get(f"{API}/usage/forecast", headers=bens).status_code == 200
    records = client.get(f"{API}/usage/records", headers={**annas, "X-Workspace": "ws_b"}).json()["items"]
    assert [(one["user"], one["workspace"]) for one in records] == [(anna, "ws_b")]


def test_the_audit_is_read_by_managers_of_theirs_and_by_admins_whole(client: TestClient, admin: dict[str, str]) -> None:
    with db.transaction() as session:
        db.execute(session, "INSERT INTO workspace (id, name) VALUES ('ws_b', 'B')")
    ben = person("Ben", "manager", "ws_b")
    bens, annas = key_of(ben)[1], key_of(person("Anna"))[1]
    here = client.get(f"{API}/documents/export?format=csv", headers=admin)
    there = client.get(f"{API}/insights/export?format=csv", headers=bens)
    assert here.status_code == there.status_code == 200
    assert client.get(f"{API}/audit", headers=annas).status_code == 403
    seen = client.get(f"{API}/audit", headers=bens).json()["items"]
    assert {entry["workspace"] for entry in seen} == {"ws_b"}
    assert client.get(f"{API}/audit?workspace=ws_default", headers=bens).json()["items"] == []
    whole = client.get(f"{API}/audit?limit=500", headers=admin).json()["items"]
    assert [int(entry["id"]) for entry in whole] == list(range(len(whole), 0, -1))
    (hidden,) = [entry for entry in whole if entry["object"]["kind"] == "documents"]
    assert client.get(f"{API}/audit/{hidden['id']}", headers=bens).status_code == 404
    assert client.get(f"{API}/audit/{hidden['id']}", headers=admin).json() == hidden
    for wrong in ("0", "x", "9" * 30):
        assert client.get(f"{API}/audit/{wrong}", headers=admin).status_code == 404
    # The hash is that of the entry as it is read here.
    for older, newer in zip(whole[1:], whole, strict=False):
        assert newer["previous_hash"] == older["hash"]
        fields = {name: value for name, value in newer.items() if name != "hash"}
        told = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(f"{older['hash']}\n{told}".encode()).hexdigest() == newer["hash"]
    found = client.get(f"{API}/audit/verify", headers=admin).json()
    assert found == {"valid": True, "entries": len(whole), "first_broken": None, "head": whole[0]["hash"]}
    assert client.get(f"{API}/audit/verify", headers=bens).status_code == 403

    def matching(**given: str) -> int:
        return len(client.get(f"{API}/audit", params=given, headers=admin).json()["items"])

    assert matching(user=ben, action="export") == matching(object="insights") == matching(user=ben, door="api") - 1 == 1
    assert matching(action="export", door="api") == 2
    assert matching(object=f"user:{ben}") == matching(object=ben, action="user.create") == 1
    assert matching(**{"from": hidden["time"], "to": hidden["time"]}) == 0
    assert matching(**{"from": hidden["time"], "action": "export"}) == 2
    assert matching(to="2020-01-01") == matching(**{"from": "2100-01-01"}) == 0
    assert client.get(f"{API}/audit?since=x", headers=admin).status_code == 422
    assert client.get(f"{API}/audit?from=9999-12-31T23:59:59-23:59", headers=admin).status_code == 422


def test_an_export_of_the_audit_is_an_entry_itself_and_no_cell_of_it_computes(
    client: TestClient, admin: dict[str, str]
) -> None:
    with db.transaction() as session:
        db.execute(session, "INSERT INTO workspace (id, name) VALUES ('ws_b', 'B')")
    person("=1+1")
    bens = key_of(person("Ben", "manager", "ws_b"))[1]
    whole = client.get(f"{API}/audit?limit=500", headers=admin).json()["items"]
    lines = client.get(f"{API}/audit/export?format=jsonl", headers=admin)
    assert lines.headers["content-type"] == "application/jsonl"
    entries = [json.loads(line) for line in lines.text.splitlines()]
    assert entries[:-1] == whole[::-1]
    assert (entries[-1]["action"], entries[-1]["after"]) == ("audit.export", {"format": "jsonl"})
    table = list(csv.reader(io.StringIO(client.get(f"{API}/audit/export?format=csv", headers=admin).text)))
    assert table[0] == list(entries[0])
    assert not [cell for row in table[1:] for cell in row if cell[:1] in tuple("=+-@\t\r")]
    own = client.get(f"{API}/audit/export?format=jsonl", headers=bens).text.splitlines()
    assert [(json.loads(line)["action"], json.loads(line)["workspace"]) for line in own] == [("audit.export", "ws_b")]
    assert client.get(f"{API}/audit/export?format=xlsx", headers=admin).status_code == 422
    assert len(rows("SELECT 1 FROM audit_entry WHERE action = 'audit.export'")) == 3
