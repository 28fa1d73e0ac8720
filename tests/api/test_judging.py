"""A judge of pairs over HTTP: estimate, job, what became of it, undo."""

import pytest
from starlette.testclient import TestClient

from tests.core.judging import saying
from tests.core.judging.saying import CRACK, LAMP, whole
from tests.local_provider import LocalProvider
from tests.pipeline import run_job

pytestmark = pytest.mark.usefixtures("database")
API = "/api/v1"
ASKED = {"provider": "openai", "model": "gpt-5-mini", "lane": "live"}


def test_pairs_are_priced_asked_shown_and_taken_back(client: TestClient, openai: LocalProvider) -> None:
    saying.pairs(CRACK, LAMP)
    openai.plan = saying.plan(whole("same"))
    figures = client.post(f"{API}/review/judge/estimate", json={**ASKED, "limit": 1}).json()
    assert (figures["pairs"], figures["requests"], figures["reused"], figures["turnaround_s"]) == (1, 1, 0, None)
    assert float(figures["cost_usd"]["live"]) == 2 * float(figures["cost_usd"]["batch"]) > 0
    made = client.post(f"{API}/review/judge", json=ASKED)
    job = made.json()
    assert (made.status_code, job["template"], job["state"], job["counts"]["total"]) == (201, "judge", "queued", 1)
    at_work = client.post(f"{API}/review/judge/undo", json={"job": job["id"]})
    assert (at_work.status_code, at_work.json()["error"]) == (409, "CONFLICT")
    run_job(job["id"])
    told = client.get(f"{API}/review/judge/{job['id']}").json()["items"]
    assert [(one["became"], one["verdict"]) for one in told] == [("settled", "same")] * 2
    settled = client.get(f"{API}/review?state=settled").json()["items"][0]
    assert (settled["verdict"], settled["user"], settled["judged_in"]) == ("same", "gpt-5-mini (judge)", job["id"])
    assert settled["grounds"] == [settled["a"]["statement"], settled["b"]["statement"]]
    assert {one["found_by"] for one in client.get(f"{API}/insights/merges").json()["items"]} == {"judge"}
    assert "judge" not in {one["id"] for one in client.get(f"{API}/templates/").json()["items"]}
    table = client.get(f"{API}/jobs/{job['id']}/output?format=csv")
    assert (table.status_code, "no documents" in table.text) == (422, True)
    undone = client.post(f"{API}/review/judge/undo", json={"job": job["id"]}).json()
    assert (undone["reopened"], len(undone["restored"])) == (2, 2)
    assert len(client.get(f"{API}/review").json()["items"]) == 2
    assert client.post(f"{API}/review/judge/undo", json={"job": job["id"]}).json() == {"reopened": 0, "restored": []}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"provider": "offline"}, "cannot say what two statements mean"),
        ({"limit": 0}, "limit"),
        ({"kind": "other"}, "kind"),
        ({"documents": []}, "documents"),
        ({}, "No pair is open"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    client: TestClient, openai: LocalProvider, changed: dict[str, object], says: str
) -> None:
    refused = client.post(f"{API}/review/judge", json={**ASKED, **changed})
    assert (refused.status_code, says in refused.text) == (422, True)


def test_it_is_no_template_of_documents_and_a_job_that_is_none_is_not_found(client: TestClient) -> None:
    job = {"template": "judge", "documents": ["doc_1"], "provider": "offline"}
    assert "see Review" in client.post(f"{API}/jobs/", json=job).text
    assert client.get(f"{API}/review/judge/job_none").status_code == 404
    assert client.post(f"{API}/review/judge/undo", json={"job": "job_none"}).status_code == 404
