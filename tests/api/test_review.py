"""Pairs over HTTP: what may be the same, and what is said of it."""

import pytest
from starlette.testclient import TestClient

from core.insight_base import writing
from core.insight_base.writing import Finding, Source
from core.insights import comparing
from core.runtime import db
from tests.pipeline import ready_documents

pytestmark = pytest.mark.usefixtures("database")
API = "/api/v1"
CHEAP, DEAR = "The pump costs 300 euros.", "The pump costs 500 euros."
ONE, OTHER = "The turbine manifold cracked at the weld.", "At its weld the manifold of the turbine has cracked."


def said(*statements: str) -> None:
    with db.transaction() as session:
        for document, statement in zip(ready_documents(len(statements)), statements, strict=True):
            found = Finding(statement, (f"{document} was replaced.",), {})
            writing.write(session, [(Source(document, 1, "key_points"), found)])
    while comparing.compare_some():
        pass


def only(client: TestClient, query: str = "") -> dict:
    (item,) = client.get(f"{API}/review{query}").json()["items"]
    return item


def test_a_conflict_is_shown_with_both_sides_and_settled_once(client: TestClient) -> None:
    said(CHEAP, DEAR)
    item = only(client, "?kind=conflict")
    assert {item["a"]["statement"], item["b"]["statement"]} == {CHEAP, DEAR}
    assert item["differs"] == [{"class": "figure", "a": "300 euros", "b": "500 euros"}]
    assert (item["state"], item["verdict"], item["user"], item["found_by"]) == ("open", None, None, "shape")
    assert [item[side]["confidence"] for side in "ab"] == [0.25, 0.25]
    refused = client.post(f"{API}/review/{item['id']}", json={"verdict": "same"})
    assert (refused.status_code, refused.json()["error"]) == (409, "MERGE_BLOCKED")
    settled = client.post(f"{API}/review/{item['id']}", json={"verdict": "conflict"}).json()
    assert (settled["verdict"], settled["user"], settled["a"]["confidence"]) == ("conflict", "HTTP API", 0.5)
    assert settled["a"]["against"] == 1
    again = client.post(f"{API}/review/{item['id']}", json={"verdict": "conflict"})
    assert (again.status_code, again.json()) == (200, settled)
    other = client.post(f"{API}/review/{item['id']}", json={"verdict": "different"})
    assert (other.status_code, other.json()["error"]) == (409, "ALREADY_SETTLED")
    assert client.get(f"{API}/review").json()["items"] == []
    assert only(client, "?state=settled")["id"] == item["id"]
    entry = client.get(f"{API}/insights/{item['a']['id']}/history").json()["items"][0]
    assert (entry["action"], entry["after"]["verdict"]) == ("review", "conflict")
    opened = client.post(f"{API}/review/{item['id']}/reopen").json()
    assert (opened["state"], opened["verdict"], opened["a"]["confidence"]) == ("open", None, 0.25)
    assert client.post(f"{API}/review/pair_none/reopen").status_code == 404


def test_same_merges_into_the_wording_that_is_kept(client: TestClient) -> None:
    said(ONE, OTHER)
    item = only(client)
    kept = item["b"]["id"]
    assert client.post(f"{API}/review/{item['id']}", json={"verdict": "same", "keep": "ins_x"}).status_code == 422
    client.post(f"{API}/review/{item['id']}", json={"verdict": "same", "keep": kept})
    head = client.get(f"{API}/insights/{kept}").json()
    assert (head["support"], [one["id"] for one in head["merged"]]) == (2, [item["a"]["id"]])


def test_similar_and_what_looks_like_a_dismissed_one(client: TestClient) -> None:
    said(ONE, OTHER, "Seven bridges were painted green.")
    item = only(client)
    client.patch(f"{API}/insights/{item['a']['id']}", json={"state": "dismissed"})
    assert client.get(f"{API}/insights/{item['b']['id']}").json()["looks_like_dismissed"] == [item["a"]["id"]]
    found = client.get(f"{API}/insights/{item['b']['id']}/similar?limit=5").json()["items"]
    assert [(one["insight"]["id"], one["found_by"]) for one in found] == [(item["a"]["id"], "words")]
    assert found[0]["score"] > 0.9
    assert client.get(f"{API}/insights/ins_none/similar").status_code == 404


@pytest.mark.parametrize("query", ["?kind=none", "?state=merged", "?limit=0", "?cursor=insights-newest~0~x"])
def test_what_is_not_known_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"{API}/review{query}").status_code == 422


def test_a_pair_that_is_not_there(client: TestClient) -> None:
    assert client.post(f"{API}/review/pair_none", json={"verdict": "same"}).status_code == 404
    assert client.post(f"{API}/review/pair_none", json={"verdict": "perhaps"}).status_code == 422
