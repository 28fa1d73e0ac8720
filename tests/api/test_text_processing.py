"""One text now: asked once, kept before it is judged, and priced whatever comes of it."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.calls import clients
from core.calls.outcomes import Kept
from core.health import report, sampling
from core.live import claims, single_text
from core.money.pricing import Price
from core.providers.usage import Usage
from core.runtime import db, worker_lease
from core.upkeep import tick
from tests.local_provider import Asked, LocalProvider, Reply, error, in_turn
from tests.pipeline import TEXT, add_document, make_job, rows, run_job, states, until

pytestmark = pytest.mark.usefixtures("database")
PATH = "/api/v1/text_processing/process"
BODY = {"operation": "summarize", "text": TEXT, "options": {"length": "short"}, "provider": "openai"}


@pytest.fixture(autouse=True)
def _one_loop() -> Iterator[None]:
    yield
    clients.forget()


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


def test_an_answer_that_no_database_takes_is_kept_and_paid(openai: LocalProvider) -> None:
    prepared = single_text._prepare("summarize", TEXT, {}, "openai", None)
    assert prepared is not None
    bad = Kept(
        call=prepared.call,
        at=datetime.now(UTC),
        model="m",
        raw="{broken",
        text="",
        finish_reason="stop",
        usage=Usage(100, 0, 0, 10),
        price=Price(Decimal("0.01"), True),
        latency_ms=1,
        provider_request_id=None,
    )
    single_text._keep_now([bad])
    assert [(r["state"], r["error_code"]) for r in rows("SELECT * FROM request")] == [("failed", "not_storable")]
    assert [r["cost_usd"] for r in rows("SELECT cost_usd FROM usage_record")] == [Decimal("0.01")]
    assert [r["raw"] for r in rows("SELECT raw FROM response")] == ["{broken"]


def test_a_database_that_is_away_for_a_moment_loses_no_answer(
    client: TestClient, openai: LocalProvider, database: str
) -> None:
    def meanwhile(_asked: Asked) -> Reply:
        db.configure(database.replace("/cairn", "/not_there"))
        threading.Timer(0.8, db.configure, [database]).start()
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


def test_a_call_that_is_broken_off_is_booked_and_its_twins_go_on(openai: LocalProvider) -> None:
    arrived = threading.Event()

    def slow(_asked: Asked) -> Reply:
        arrived.set()
        return Reply(delay=5)

    openai.plan = slow

    async def run() -> None:
        asking = asyncio.create_task(single_text.process("summarize", TEXT, {}, "openai", None))
        await until(arrived.is_set)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(run())
    assert [r["status"] for r in rows("SELECT status FROM usage_record")] == ["unheard"]
    assert [r["error_code"] for r in rows("SELECT error_code FROM request WHERE state = 'failed'")] == ["interrupted"]


def test_a_fault_of_ours_holds_up_no_twin(openai: LocalProvider) -> None:
    ask = ("summarize", TEXT, {}, "openai", "gpt-5-mini")
    prepared = single_text._prepare(*ask)
    assert prepared is not None
    with pytest.raises(TypeError):
        asyncio.run(single_text._ask(replace(prepared.call, template_id=["no id"])))  # type: ignore[arg-type]
    assert single_text._prepare(*ask) is not None


SINGLE = "INSERT INTO request (custom_id, fingerprint, lane, state, attempts, claimed_at, worker_id) VALUES "


def test_the_tick_leaves_a_single_text_alone_until_it_is_abandoned() -> None:
    web = worker_lease.register("web", "web")
    with db.transaction() as session:
        db.execute(session, f"{SINGLE}('young', 'f1', 'live', 'in_flight', 1, now() - interval '50 minutes', {web})")
        db.execute(session, f"{SINGLE}('old', 'f2', 'live', 'in_flight', 1, now() - interval '61 minutes', {web})")
        db.execute(session, f"{SINGLE}('torn', 'f3', 'live', 'answered', 1, now() - interval '61 minutes', {web})")
        db.execute(session, f"{SINGLE}('dead', 'f4', 'live', 'answered', 1, now(), {web + 1})")
        assert claims.release_dead(session, 15) == []
    found = {r["custom_id"]: r["state"] for r in rows("SELECT custom_id, state FROM request")}
    assert found == {"young": "in_flight", "old": "failed", "torn": "failed", "dead": "failed"}


def take_over() -> None:
    """As if what is in flight were of a process that is gone."""
    with db.transaction() as session:
        db.execute(session, "UPDATE request SET worker_id = -1 WHERE worker_id IS NOT NULL")
    tick.tick(datetime.now(UTC))


@pytest.fixture
def short_lease(setting: Any) -> None:
    setting(WORKER_LEASE_SECONDS=1)


@pytest.mark.usefixtures("short_lease")
def test_what_a_dead_web_process_asked_is_booked_ended_and_asked_by_the_next(openai: LocalProvider) -> None:
    ask = ("summarize", TEXT, {}, "openai", "gpt-5-mini")
    with single_text.seen():
        prepared = single_text._prepare(*ask)
        assert prepared is not None
        tick.tick(datetime.now(UTC))
        assert single_text._prepare(*ask) is None
        take_over()
    (record,) = rows("SELECT * FROM usage_record")
    assert (record["status"], record["priced"]) == ("unheard", True)
    for name in ("template_id", "provider", "model", "lane", "input_tokens", "output_tokens"):
        assert record[name] == getattr(prepared.call, name), name
    assert [r["error_code"] for r in rows("SELECT error_code FROM request")] == ["interrupted"]
    assert asyncio.run(single_text.process(*ask)).reused is False


@pytest.mark.usefixtures("short_lease")
def test_an_answer_that_its_dead_process_made_nothing_of_is_booked_once_and_holds_up_no_twin(
    openai: LocalProvider,
) -> None:
    ask = ("summarize", TEXT, {}, "openai", "gpt-5-mini")
    with single_text.seen():
        prepared = single_text._prepare(*ask)
        assert prepared is not None
        asyncio.run(single_text._ask(prepared.call))
        assert single_text._prepare(*ask) is None
        take_over()
    assert [r["status"] for r in rows("SELECT status FROM usage_record")] == ["ok"]
    assert single_text._prepare(*ask) is not None


@pytest.mark.usefixtures("short_lease")
def test_a_web_process_that_was_taken_for_dead_gives_its_answer_all_the_same(openai: LocalProvider) -> None:
    def late(_asked: Asked) -> Reply:
        take_over()
        return Reply()

    openai.plan = late
    with single_text.seen():
        answer = asyncio.run(single_text.process("summarize", TEXT, {}, "openai", "gpt-5-mini"))
    assert answer.reused is False
    assert [r["status"] for r in rows("SELECT status FROM usage_record")] == ["ok"]
    assert rows("SELECT state, error_code FROM request") == [{"state": "succeeded", "error_code": None}]


def test_an_answered_text_is_its_process_s_no_longer(openai: LocalProvider) -> None:
    def held(_asked: Asked) -> Reply:
        assert rows("SELECT 1 FROM request r JOIN worker w ON w.id = r.worker_id WHERE w.kind = 'web'")
        return Reply()

    openai.plan = held
    with single_text.seen():
        asyncio.run(single_text.process("summarize", TEXT, {}, "openai", "gpt-5-mini"))
    assert rows("SELECT state, worker_id FROM request") == [{"state": "succeeded", "worker_id": None}]


def test_web_is_no_worker_of_the_jobs() -> None:
    with single_text.seen():
        assert len(rows("SELECT 1 FROM worker")) == 1
        assert report.workers() == []
        sampling.take(datetime.now(UTC), well=True)
        (sample,) = [sample for sample in report.latest_samples() if sample.component == "workers"]
        assert not sample.healthy
    assert rows("SELECT 1 FROM worker") == []


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
