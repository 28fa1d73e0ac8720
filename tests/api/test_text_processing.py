"""POST /text_processing/process: one text now, answered, priced and reused as a job's are."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.runtime import engines
from tests.local_provider import Asked, LocalProvider, Reply, error, in_turn
from tests.pipeline import TEXT, add_document, make_job, rows, run_job, states

pytestmark = pytest.mark.usefixtures("database")
PATH = "/api/v1/text_processing/process"
BODY = {"operation": "summarize", "text": TEXT, "options": {"length": "short"}, "provider": "openai"}


def records(client: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/v1/usage/records").json()["items"]
    return found


def test_the_first_provider_that_is_set_up_answers(client: TestClient, openai: LocalProvider) -> None:
    answer = client.post(PATH, json={**BODY, "provider": None, "model": "gpt-5-mini"})
    assert answer.status_code == 200
    assert answer.json()["usage"] == {"input_tokens": 100, "cached_input_tokens": 0, "output_tokens": 10}
    (record,) = records(client)
    assert (record["provider"], record["request"]) == ("openai", answer.json()["request_id"])
    assert answer.json()["cost_usd"] == record["cost_usd"] is not None
    assert record["job"] is None


def test_a_model_without_a_known_price_costs_null(client: TestClient, openai: LocalProvider) -> None:
    answer = client.post(PATH, json={**BODY, "model": "house-model-1"})
    assert (answer.status_code, answer.json()["cost_usd"]) == (200, None)
    (total,) = client.get("/api/v1/usage?by=model").json()["items"]
    assert (total["cost_usd"], total["unpriced"]) == (None, 1)
    stats = client.get("/api/v1/jobs/stats/overview").json()
    assert (stats["cost_usd"], stats["by_day"][0]["cost_usd"]) == (None, None)


def test_a_job_without_known_prices_costs_null(client: TestClient, openai: LocalProvider) -> None:
    job_id = make_job([add_document()], "summarize", provider="openai", model="house-model-1")
    run_job(job_id)
    job = client.get(f"/api/v1/jobs/{job_id}").json()
    assert (job["state"], job["cost_usd"], job["unpriced"], job["estimate_usd"]) == ("completed", None, 1, None)


def test_a_broken_schema_is_asked_again_once_and_both_are_paid(client: TestClient, openai: LocalProvider) -> None:
    openai.plan = in_turn(Reply(content="no json"), Reply())
    answer = client.post(PATH, json=BODY)
    assert answer.status_code == 200
    assert "no json" in str(openai.asked[1].body)
    assert answer.json()["usage"]["input_tokens"] == 200
    assert [r["status"] for r in records(client)] == ["ok", "unusable"]


def test_a_schema_that_stays_broken_fails_and_is_not_reused(client: TestClient, openai: LocalProvider) -> None:
    openai.plan = lambda _asked: Reply(content="no json")
    answer = client.post(PATH, json=BODY)
    assert (answer.status_code, answer.json()["error"]) == (502, "SCHEMA")
    assert len(openai.asked) == len(records(client)) == 2
    openai.plan = lambda _asked: Reply()
    again = client.post(PATH, json=BODY).json()
    assert (again["reused"], len(openai.asked)) == (False, 3)


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (error(429), 429, "RATE_LIMITED"),
        (error(503), 503, "OVERLOADED"),
        (error(500), 502, "SERVER_ERROR"),
        (error(401), 502, "AUTH"),
        (error(400, "context_length_exceeded"), 422, "CONTEXT_TOO_LONG"),
        (Reply(refusal="I will not."), 502, "REFUSAL"),
    ],
)
def test_what_the_provider_answers_says_what_to_do(
    client: TestClient, openai: LocalProvider, reply: Reply, status: int, code: str
) -> None:
    openai.plan = lambda _asked: reply
    answer = client.post(PATH, json=BODY)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert [r["state"] for r in rows("SELECT state FROM request")] == ["failed"]


def test_a_call_that_is_never_heard_is_booked(client: TestClient, openai: LocalProvider) -> None:
    openai.plan = lambda _asked: Reply(wire="cut")
    assert client.post(PATH, json=BODY).status_code in (502, 503, 504)
    assert [r["status"] for r in records(client)] == ["unheard"]


def test_a_database_that_is_away_for_a_moment_loses_no_answer(
    client: TestClient, openai: LocalProvider, database: str
) -> None:
    def meanwhile(_asked: Asked) -> Reply:
        engines.configure(database.replace("/cairn", "/not_there"))
        threading.Timer(0.8, engines.configure, [database]).start()
        return Reply()

    openai.plan = meanwhile
    assert client.post(PATH, json=BODY).status_code == 200
    assert len(openai.asked) == len(records(client)) == 1


def test_two_equal_texts_at_once_are_asked_once(client: TestClient, openai: LocalProvider) -> None:
    openai.plan = lambda _asked: Reply(delay=0.3)
    with ThreadPoolExecutor(4) as threads:
        answers = [a.json() for a in threads.map(lambda _: client.post(PATH, json=BODY), range(4))]
    assert len(openai.asked) == 1
    assert sorted(a["reused"] for a in answers) == [False, True, True, True]
    assert len({a["request_id"] for a in answers}) == 4


def test_a_jobs_answer_is_reused_and_the_other_way_round(client: TestClient) -> None:
    run_job(make_job([add_document()], "summarize", params={"length": "short"}))
    assert client.post(PATH, json={**BODY, "provider": "offline"}).json()["reused"] is True
    other = "Nothing new was said about the pumps today."
    client.post(PATH, json={**BODY, "provider": "offline", "text": other})
    job_id = make_job([add_document(other, "other.txt")], "summarize", params={"length": "short"})
    run_job(job_id)
    assert client.get(f"/api/v1/jobs/{job_id}").json()["counts"]["reused"] == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"text": " \n "}, "empty"),
        ({"text": ""}, "text"),
        ({"text": "word " * 150_000, "model": "gpt-4o"}, "larger context"),
        ({"operation": "qa", "options": {}}, "question"),
        ({"options": {"length": "endless"}}, "length"),
        ({"provider": "anthropic"}, "ANTHROPIC_API_KEY"),
        ({"provider": "nobody"}, "provider"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_a_call(
    client: TestClient, openai: LocalProvider, change: dict[str, Any], says: str
) -> None:
    answer = client.post(PATH, json={**BODY, **change})
    assert (answer.status_code, answer.json()["error"]) == (422, "VALIDATION_ERROR")
    assert says in answer.json()["message"]
    assert openai.asked == rows("SELECT 1 FROM request") == []


def test_sending_again_sends_what_failed_and_then_nothing(client: TestClient, openai: LocalProvider) -> None:
    openai.plan = lambda asked: Reply(refusal="No.") if "fails" in asked.document else Reply()
    ids = [add_document("This one fails.", "a.txt"), add_document("This one is good.", "b.txt")]
    job_id = make_job(ids, "summarize", provider="openai")
    path = f"/api/v1/jobs/{job_id}"
    run_job(job_id)
    bad, good = sorted(client.get(f"{path}/responses").json()["items"], key=lambda r: r["result"] is not None)
    assert (bad["result"], bad["document"]) == (None, ids[0])
    assert good["document"] == ids[1]
    (failed,) = client.get(f"{path}/requests?state=failed").json()["items"]
    assert (failed["error"]["code"], failed["attempts"]) == ("refusal", 1)
    openai.plan = lambda _asked: Reply()
    again = client.post(f"{path}/retry", json={"lane": "live"}).json()
    assert (again["state"], again["counts"]["pending"], again["counts"]["succeeded"]) == ("running", 1, 1)
    assert client.post(f"{path}/retry").json()["counts"] == again["counts"]
    run_job(job_id)
    assert len(openai.asked) == 3
    done = client.post(f"{path}/retry").json()
    assert (done["state"], done["counts"]["succeeded"]) == ("completed", 2)
    assert client.post(f"{path}/retry", json={"lane": "tape"}).status_code == 422
    assert states(job_id) == {"succeeded": 2}


def test_an_answer_that_repeats_the_mark_of_its_instructions_is_billed_and_not_given(
    client: TestClient, openai: LocalProvider
) -> None:
    """As it was sent: whatever the mark is."""

    def repeated(asked: Asked) -> Reply:
        return Reply(content=json.dumps({"summary": asked.body["messages"][0]["content"]}))

    openai.plan = repeated
    answer = client.post(PATH, json=BODY)
    assert (answer.status_code, answer.json()["error"]) == (502, "INSTRUCTIONS_REPEATED")
    assert [(r["status"], r["priced"]) for r in records(client)] == [("unusable", True)]
    assert len(openai.asked) == 1
