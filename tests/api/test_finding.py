"""What is found by facets, what a job changed, and saved views, over HTTP."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from core.asking import templates
from core.fields import FieldSpec
from core.insight_base import renewal, writing
from core.insight_base.writing import Finding, Source
from core.insights import changes_report, life, merging, order_report
from core.insights.life import Set
from core.jobs import deletion
from core.runtime import db
from tests.api.elsewhere import elsewhere
from tests.core.insights.world import contradict, id_of
from tests.pages import made
from tests.pipeline import change, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")
AT = "/api/v1/insights"
QUOTE = "It works again."
KINDS = {
    "collections": "collection",
    "templates": "template",
    "tags": "tag",
    "states": "state",
    "languages": "language",
    "support": "min_support",
}


def say(
    document: str, *found: str, response: int = 1, template: str = "key_points", language: str = "en", **of: Any
) -> None:
    with db.transaction() as session:
        source = Source(document, response, template, language)
        writing.write(session, [(source, Finding(one, (QUOTE,), of)) for one in found])


def total(client: TestClient, given: dict[str, Any]) -> int:
    return int(client.get(AT, params=given | {"limit": 1}).json()["total"]["count"])


@pytest.fixture
def documents(database: str) -> list[str]:
    """Statements of four documents in two collections, with a template of choices, in two languages."""
    choices = [
        FieldSpec("risk", "choice", choices=("high", "low")),
        FieldSpec("open", "boolean"),
        FieldSpec("who", "string"),
    ]
    own = templates.create("Risks", "Find risks.", choices, True).id
    found = ready_documents(4)
    while renewal.renew():
        pass
    change("INSERT INTO collection (id, workspace_id, name) VALUES ('col_2', 'ws_default', 'second')")
    change("UPDATE document SET collection_id = 'col_2' WHERE id = ANY(:ids)", ids=found[2:])
    for number, document in enumerate(found):
        say(document, *(f"Pump {n} leaked oil." for n in range(number, 6)))
        risk = ("high", "low")[number % 2]
        say(document, f"Valve {number} froze.", template=own, risk=risk, open=number < 3, who="Ann")
    say(found[0], "Die Pumpen leckten.", "Die Ventile froren ein.", language="de")
    life.bulk([id_of("Pump 1 leaked oil.")], Set("confirmed", add_tags=["seen", "oil"]))
    life.bulk([id_of(f"Valve {n} froze.") for n in range(4)], Set(add_tags=["seen"]))
    merging.merge(id_of("Pump 5 leaked oil."), [id_of("Valve 3 froze.")], force=True)
    return found


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"q": "pump"},
        {"q": "oil -5 or valve"},
        {"collection": "second", "state": "new"},
        {"min_support": 2, "tag": "seen", "language": "en"},
        {"field": ["risk:high", "open:true"]},
        {"field": ["risk:low"], "evidence": "supported"},
    ],
)
def test_a_facets_count_is_what_its_click_shows(client: TestClient, given: dict[str, Any]) -> None:
    facets = client.get(f"{AT}/facets", params=given).json()
    assert not facets["sampled"]
    clicks = [(given | {own: one["value"]}, one["count"]) for kind, own in KINDS.items() for one in facets[kind]]
    for name, values in facets["fields"].items():
        rest = [one for one in given.get("field", []) if not one.startswith(f"{name}:")]
        clicks += [(given | {"field": [*rest, f"{name}:{one['value']}"]}, one["count"]) for one in values]
    clicks += [(given | {"q": f"{given.get('q', '')} {one['value']}".strip()}, one["count"]) for one in facets["words"]]
    assert len(clicks) > 5
    assert [(click, total(client, click)) for click, _ in clicks] == clicks


def test_every_value_is_there_and_none_of_a_string(client: TestClient, documents: list[str]) -> None:
    facets = client.get(f"{AT}/facets").json()
    assert [(one["value"], one["count"]) for one in facets["collections"]] == [("default", 10), ("second", 5)]
    assert facets["states"] == [{"value": "new", "count": 10}, {"value": "confirmed", "count": 1}]
    assert [one["value"] for one in facets["tags"]] == ["seen", "oil"]
    assert [(one["value"], one["count"]) for one in facets["support"]] == [("1", 11), ("2", 5), ("3", 4)]
    assert set(facets["fields"]) == {"risk", "open"}
    assert {one["value"] for one in facets["fields"]["open"]} == {"true", "false"}
    assert {one["value"] for one in facets["words"]} >= {"pump", "leaked", "oil"}
    assert "die" not in {one["value"] for one in facets["words"]}
    with elsewhere(client):
        empty = client.get(f"{AT}/facets").json()
    assert not any(empty.values())
    assert client.get(f"{AT}/facets?nonsense=1").status_code == 422
    assert client.get(f"{AT}?field=risk").status_code == client.get(f"{AT}/facets?field=:x").status_code == 422


@pytest.mark.usefixtures("documents")
def test_many_are_counted_on_a_sample(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_report, "MOST_COUNTED", 4)
    facets = client.get(f"{AT}/facets?q=pump or valve").json()
    assert facets["sampled"]
    assert sum(one["count"] for one in facets["states"]) == 4
    assert not client.get(f"{AT}/facets?q=froren").json()["sampled"]


def changes(client: TestClient, **given: str) -> tuple[list[int], set[tuple[str, str, int, int]]]:
    told = client.get(f"{AT}/changes", params=given).json()
    items = {
        (one["insight"]["statement"], one["what"], one["support"]["before"], one["support"]["after"])
        for one in told["items"]
    }
    return [told[kind] for kind in ("new", "strengthened", "contradicted", "dismissed_again")], items


def ask(document: str, response: int, *said: str) -> str:
    """A job whose one answer says this of the document."""
    job = made.job("completed", lane="live")
    made.requests(job, "succeeded", document_id=document, response_id=response)
    say(document, *said, response=response)
    return job


def test_changes_of_a_job_are_what_it_brought_whatever_came_later(client: TestClient) -> None:
    one, other, third = ready_documents(3)
    while renewal.renew():
        pass
    first = ask(one, 1, "Ann works.", "Ben works.", "Cid works.", "Dan works.")
    (moment,) = rows("SELECT now()::text AS at")
    client.patch(f"{AT}/{id_of('Ben works.')}", json={"state": "dismissed"})
    second = ask(other, 2, "Ann works.", "Ben works.", "Eve works.")
    contradict(id_of("Cid works."), id_of("Eve works."))
    ask(third, 3, "Ann works.", "Eve works.")
    # Said once more of the same document: nothing came of it.
    again = ask(one, 4, "Ann works.", "Ben works.")
    # Dismissed after the job: that it was new then stays so.
    client.patch(f"{AT}/{id_of('Dan works.')}", json={"state": "dismissed"})
    assert changes(client, job=first) == (
        [4, 0, 0, 0],
        {(f"{name} works.", "new", 0, 1) for name in ("Ann", "Ben", "Cid", "Dan")},
    )
    told = {
        ("Ann works.", "strengthened", 1, 2),
        ("Ben works.", "dismissed_again", 1, 2),
        ("Cid works.", "contradicted", 1, 1),
        ("Eve works.", "new", 0, 1),
    }
    assert changes(client, job=second) == ([1, 1, 1, 1], told)
    assert changes(client, job=again) == ([0, 0, 0, 1], {("Ben works.", "dismissed_again", 2, 2)})
    since = moment["at"].replace(" ", "T") + ":00"
    assert changes(client, since=since)[0] == [1, 1, 1, 1]
    assert ("Ann works.", "strengthened", 1, 3) in changes(client, since=since)[1]
    # The list of a job has what its answers say, for the first time or again, as long as there is the job.
    assert [total(client, {"job": one}) for one in (first, second, again, "job_none")] == [4, 3, 2, 0]
    assert total(client, {"job": second, "q": "eve"}) == 1
    deletion.delete(again)
    assert total(client, {"job": again}) == 0
    # In pages, and never past the wall.
    page = client.get(f"{AT}/changes?job={second}&limit=1").json()
    seen = [one["insight"]["statement"] for one in page["items"]]
    while page["next_cursor"]:
        page = client.get(f"{AT}/changes?job={second}&limit=1&cursor={page['next_cursor']}").json()
        seen += [one["insight"]["statement"] for one in page["items"]]
    assert sorted(seen) == ["Ann works.", "Ben works.", "Cid works.", "Eve works."]
    with elsewhere(client):
        assert client.get(f"{AT}/changes?job={first}").status_code == 404
        assert changes(client, since=since) == ([0, 0, 0, 0], set())
    for wrong in ("", f"?job={first}&since={since}", f"?job={first}&cursor=changes~x"):
        assert client.get(f"{AT}/changes{wrong}").status_code == 422


def test_changes_since_a_moment_are_told_up_to_another_where_they_are_many(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = ready_documents(2)
    (moment,) = rows("SELECT now()::text AS at")
    ask(one, 1, "Ann works.", "Ben works.", "Cid works.")
    ask(other, 2, "Ann works.")
    ask(one, 3, "Ann works.")  # a further sighting of what was there
    ask(other, 4, "Dan works.")
    monkeypatch.setattr(changes_report, "MOST_TOLD", 2)
    since, told = moment["at"].replace(" ", "T") + ":00", []
    while since:
        found = client.get(f"{AT}/changes", params={"since": since}).json()
        told.append({(one["insight"]["statement"], one["what"], one["support"]["after"]) for one in found["items"]})
        since = found["until"]
    new = {(f"{name} works.", "new", 1) for name in ("Ann", "Ben", "Cid")}
    assert told == [new, {("Ann works.", "strengthened", 2), ("Dan works.", "new", 1)}]


def test_a_saved_view_tells_what_is_new_since_it_was_looked_at(client: TestClient) -> None:
    one, other = ready_documents(2)
    say(one, "Pump 1 leaked.", "Valve 1 froze.")
    body = {"name": " Pumps ", "query": {"q": "pump", "evidence": "supported", "sort": "support"}}
    view = client.post("/api/v1/views", json=body).json()
    assert (view["name"], view["query"], view["new"]) == ("Pumps", body["query"], 0)
    say(other, "Pump 1 leaked.", "Pump 2 leaked.", "Valve 2 froze.")
    (listed,) = client.get("/api/v1/views").json()["items"]
    assert (listed["id"], listed["new"], listed["new_capped"]) == (view["id"], 1, False)
    assert client.get(AT, params=listed["query"]).json()["total"]["count"] == 2
    assert client.post(f"/api/v1/views/{view['id']}/look").json()["new"] == 0
    assert client.post("/api/v1/views", json=body).status_code == 409
    for wrong in ({"name": " "}, {"query": {"nonsense": 1}}, {"query": {"q": "x" * 2_000}}):
        assert client.post("/api/v1/views", json=body | wrong).status_code == 422
    with elsewhere(client):
        assert client.get("/api/v1/views").json()["items"] == []
        assert client.post(f"/api/v1/views/{view['id']}/look").status_code == 404
        assert client.delete(f"/api/v1/views/{view['id']}").status_code == 404
        assert client.post("/api/v1/views", json=body).status_code == 201
    assert client.delete(f"/api/v1/views/{view['id']}").status_code == 204
    assert client.get("/api/v1/views").json()["items"] == []
