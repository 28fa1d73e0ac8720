"""Passages that give instructions, and what rests on them, over HTTP and on pages."""

import pytest
from starlette.testclient import TestClient

from tests.core.insights.test_quarantine import CLOSED, MARKED, OF_CLOSED, OF_WORTH, ORDER, WORTH, marked
from tests.core.insights.world import document, id_of, say
from tests.pages.seeing import press, show, words
from tests.pipeline import change

pytestmark = pytest.mark.usefixtures("database")
AT = "/api/v1/insights"


@pytest.fixture
def source() -> str:
    made = marked(MARKED)
    say(made, [CLOSED], OF_CLOSED)
    say(made, [WORTH], OF_WORTH)
    return made


def test_a_document_tells_its_passages_and_whether_it_was_looked_at(client: TestClient, source: str) -> None:
    start = MARKED.index(ORDER)
    passage = {"start": start, "end": len(MARKED), "reasons": ["override"], "text": ORDER}
    assert client.get(f"/api/v1/documents/{source}/instructions").json() == {"items": [passage]}
    other = document("Not looked at.", look=False)
    assert client.get(f"/api/v1/documents/{other}/instructions").json() == {"items": None}
    assert client.get("/api/v1/documents/doc_none/instructions").status_code == 404


def test_insights_in_quarantine_are_listed_with_that_word_found_by_it_and_confirmed(
    client: TestClient, source: str
) -> None:
    def found(**query: str) -> dict[str, bool]:
        return {one["statement"]: one["quarantined"] for one in client.get(AT, params=query).json()["items"]}

    assert found() == {CLOSED: False, WORTH: True}
    assert found(quarantined="true") == {WORTH: True}
    assert found(quarantined="false") == found(evidence="supported") == {CLOSED: False}
    (one,) = client.get(AT, params={"quarantined": "true"}).json()["items"]
    assert (one["support"], one["confidence"], one["evidence"][0]["quarantined"]) == (0, 0, True)
    assert client.get(f"{AT}/export", params={"format": "json", "quarantined": "true"}).status_code == 422
    changed = client.patch(f"{AT}/{one['id']}", json={"state": "confirmed"}).json()
    assert (changed["quarantined"], changed["support"]) == (False, 1)
    since = {"since": "2020-01-01T00:00:00Z"}
    assert client.get(f"{AT}/changes", params=since).json()["quarantined"] == 0


def test_pages_say_how_many_wait_show_them_and_mark_the_passages(source: str) -> None:
    at = show("insights")
    assert "1 not shown: dismissed or without a quote that supports them or in quarantine." in words(at)
    assert list(at.dataframe[0].value["Statement"]) == [CLOSED]
    assert any("1 in quarantine" in link.proto.label for link in at.get("page_link"))
    at = show("insights", quarantine="in quarantine")
    assert list(at.dataframe[0].value["Statement"]) == [WORTH]
    at = show("insight", id=id_of(WORTH))
    assert "This quote lies in a passage that gives instructions to a model." in words(at)
    at = press(at, "Confirm")
    assert "This quote lies in a passage" in words(at)
    assert "In quarantine: what it quotes" not in words(at)
    at = show("document", id=source)
    assert "This passage gives instructions to a model." in words(at)
    marks = "".join(element.proto.body for element in at.get("html"))
    assert "It tells a model to ignore what it was told" in marks
    change("UPDATE document_text SET marks = '[]'")
    assert "instructions to a model" not in words(show("document", id=source))
