"""Documents, jobs and sums of usage as files: what the list has, in its order, where no cell computes."""

import csv
import io
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.api.elsewhere import elsewhere
from tests.pipeline import add_document, change, make_job, rows, run_job

pytestmark = pytest.mark.usefixtures("database")


def table(client: TestClient, path: str, **given: Any) -> list[dict[str, str]]:
    answer = client.get(f"/api/v1/{path}/export", params={"format": "csv", **given})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_documents_jobs_and_costs_leave_as_their_lists_have_them(client: TestClient) -> None:
    first, second = add_document(name="=a.txt", collection="roofs"), add_document("Nothing is said.", "b.txt")
    change("UPDATE document SET warnings = NULL WHERE id = :id", id=second)
    run_job(one := make_job([first]))
    run_job(other := make_job([first, second], name="@other"))
    change("UPDATE usage_record SET cost_usd = 0.25 WHERE job_id = :id", id=one)
    change("UPDATE usage_record SET priced = false WHERE job_id = :id AND NOT reused", id=other)

    found = table(client, "documents")
    assert [row["id"] for row in found] == [row["id"] for row in client.get("/api/v1/documents").json()["items"]]
    assert [(row["name"], row["not_in_the_text"]) for row in found] == [("b.txt", "not known"), ("'=a.txt", "")]
    assert [row["id"] for row in table(client, "documents", collection="roofs", state="ready")] == [first]
    assert [row["id"] for row in table(client, "documents", name="B.T", warnings="unknown")] == [second]

    found = table(client, "jobs")
    assert [row["id"] for row in found] == [other, one]
    assert (found[0]["name"], found[0]["total"], found[0]["cost_usd"], found[1]["cost_usd"]) == (
        "'@other",
        "2",
        "",
        "0.25",
    )
    assert [table(client, "jobs", **given) for given in ({"state": "failed"}, {"lane": "batch"}, {"q": "none"})] == [
        []
    ] * 3
    assert [row["id"] for row in table(client, "jobs", state=["failed", "completed"], q="OTHER")] == [other]

    (sums,) = table(client, "usage", by="lane")
    (listed,) = client.get("/api/v1/usage?by=lane").json()["items"]
    assert (sums["lane"], sums["calls"], sums["cost_usd"]) == ("live", str(listed["calls"]), "0.25")
    assert table(client, "usage", stop="2020-01-01T00:00:00Z") == []

    assert [
        row["subject"] for row in rows("SELECT DISTINCT subject FROM audit_entry WHERE action = 'export' ORDER BY 1")
    ] == [*("costs", "documents", "jobs")]
    with elsewhere(client):
        assert [table(client, path) for path in ("documents", "jobs", "usage")] == [[], [], []]


def test_an_archive_is_left_out_of_what_is_ready_where_the_page_leaves_it_out(client: TestClient) -> None:
    archive = add_document()
    change("UPDATE document SET state = 'unpacked' WHERE id = :id", id=archive)
    assert [row["id"] for row in table(client, "documents", state="ready")] == [archive]
    assert table(client, "documents", state="ready", archives=False) == []
    assert [row["state"] for row in table(client, "documents", state="unpacked")] == ["unpacked"]
