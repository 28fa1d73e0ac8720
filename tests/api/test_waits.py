"""A job that waits says for what in `waits_for`, to programs and on its page, and `error` stays for errors."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.batch import steps
from core.calls import breaker, breaker_by_hand
from core.jobs import control, moving, report
from core.requests import expansion, waiting
from core.runtime import db, shared_clock
from core.tables.jobs import Job, WaitsFor
from pages.words import waits
from tests.batch_provider import BatchProvider
from tests.local_provider import LocalProvider, error
from tests.pages import made
from tests.pages.seeing import show, words
from tests.pipeline import make_job, ready_documents, rows, run_batches, run_job, states, with_lane

pytestmark = pytest.mark.usefixtures("database")
MODEL = "gpt-5-mini"


def job_of(lane: str, documents: int = 3) -> str:
    return make_job(ready_documents(documents), "summarize", provider="openai", model=MODEL, lane=lane)


def pump(job: str) -> None:
    expansion.expand_job(job)
    steps.pack_job(job)
    with_lane(lambda lane: lane.pump(job), 1)


def asked(client: TestClient, job: str) -> dict[str, Any]:
    """`waits_for` as both answers have it that show the job."""
    one = client.get(f"/api/v1/jobs/{job}").json()
    (listed,) = client.get("/api/v1/jobs/").json()["items"]
    assert (one["state"], one["error"]) == ("running", None)
    assert listed["waits_for"] == one["waits_for"]
    found: dict[str, Any] = one["waits_for"]
    assert set(found) == {"kind", "provider", "model", "until", "message"}
    assert (found["provider"], found["model"]) == ("openai", MODEL)
    return found


def seconds_left(wait: dict[str, Any]) -> float:
    return (datetime.fromisoformat(wait["until"]) - shared_clock.now()).total_seconds()


def clock_of(wait: dict[str, Any]) -> str:
    return f"{datetime.fromisoformat(wait['until']):%H:%M:%S} UTC"


def on_the_page(job: str) -> str:
    return words(show("job", id=job)).replace("\\", "")


def in_the_list() -> list[str]:
    return list(show("jobs").dataframe[0].value.get("Waits for", []))


def goes_on(client: TestClient, job: str) -> None:
    found = client.get(f"/api/v1/jobs/{job}").json()
    assert (found["waits_for"], found["error"]) == (None, None)
    assert rows("SELECT waits_for FROM job") == [{"waits_for": None}]


def test_for_a_provider_that_is_not_set_up(client: TestClient, openai: LocalProvider, setting: Any) -> None:
    job = job_of("live")
    setting(OPENAI_API_KEY="", OPENAI_BASE_URL="")
    pump(job)
    wait = asked(client, job)
    assert (wait["kind"], wait["until"]) == ("not_set_up", None)
    assert wait["message"].startswith("The job waits. In the jobs process, openai is not set up: set its key on the")
    row = report.get(job)
    assert row.waits_for is not None
    told = waits.sentence(row.waits_for, shared_clock.now())
    assert "openai is not set up: set its key on the Settings page" in told
    assert told in on_the_page(job)
    assert in_the_list() == ["the key of OpenAI, which the jobs process cannot use"]
    setting(OPENAI_API_KEY="test", OPENAI_BASE_URL=openai.openai_url)
    run_job(job)
    goes_on(client, job)


def test_for_an_open_breaker(client: TestClient, openai: LocalProvider) -> None:
    breaker.trip("openai", MODEL, 3, 600)
    job = job_of("live")
    pump(job)
    wait = asked(client, job)
    assert wait["kind"] == "breaker"
    assert 590 < seconds_left(wait) <= 600
    name = f"openai/{MODEL}"
    again = f"it is tried again at {clock_of(wait)}."
    assert wait["message"] == f"Live requests are on hold: {name} did not answer 3 times in a row; {again}"
    assert "Live requests are on hold (none have failed): OpenAI gpt-5-mini did not answer 3 times" in on_the_page(job)
    assert in_the_list() == ["gpt-5-mini: again in 9 min"]
    breaker_by_hand.open_by_hand("openai", MODEL)
    pump(job)
    wait = asked(client, job)
    assert (wait["kind"], wait["until"]) == ("breaker", None)
    assert wait["message"] == f"Live requests are on hold: {name} was stopped by hand, until someone resumes it."
    assert in_the_list() == ["gpt-5-mini: stopped by hand"]
    breaker_by_hand.close_by_hand("openai", MODEL)
    run_job(job)
    goes_on(client, job)


def test_for_room_in_a_rate_limit(client: TestClient, openai: LocalProvider) -> None:
    openai.plan = lambda _: error(429, retry_after="100")
    job = job_of("live")
    pump(job)
    wait = asked(client, job)
    assert wait["kind"] == "rate_limit"
    assert 60 < seconds_left(wait) <= 101
    assert wait["message"] == f"Waits for the rate limit of openai/{MODEL}: goes on at {clock_of(wait)}."
    assert f"Waits for the rate limit of openai/{MODEL}: goes on in 1 min" in on_the_page(job)
    assert in_the_list() == [f"the rate limit of openai/{MODEL}: goes on in 1 min"]
    assert moving.to_lane(job, "batch") == 3
    goes_on(client, job)


def test_for_the_providers_queue(client: TestClient, batch_server: BatchProvider, setting: Any) -> None:
    setting(BATCH_POLL_SECONDS=600)
    batch_server.queue_cap = 0
    job = job_of("batch")
    run_batches(job, rounds=4)
    wait = asked(client, job)
    assert wait["kind"] == "provider_queue"
    assert 540 < seconds_left(wait) <= 600
    assert wait["message"] == f"openai's queue is full. What is left goes out again at {clock_of(wait)}."
    assert "OpenAI's queue is full. What is left goes out again in 9 min: 3 requests." in on_the_page(job)
    assert in_the_list() == ["OpenAI's queue: again in 9 min"]
    control.pause(job)
    assert client.get(f"/api/v1/jobs/{job}").json()["waits_for"] is None
    control.resume(job)
    steps.pack_job(job)
    assert asked(client, job) == wait
    batch_server.queue_cap = None
    with db.transaction() as session:
        db.execute(session, "UPDATE job SET waits_until = now() WHERE id = :job", job=job)
    steps.pack_job(job)
    assert states(job) == {"in_flight": 3}
    goes_on(client, job)


def too_few_batches(_most: int) -> dict[str, object]:
    return {"BATCHES_IN_FLIGHT": 1, "BATCH_TOKENS_IN_FLIGHT": _most}


def too_few_tokens(most: int) -> dict[str, object]:
    return {"BATCHES_IN_FLIGHT": 9, "BATCH_TOKENS_IN_FLIGHT": most + 1}


@pytest.mark.parametrize("caps", [too_few_batches, too_few_tokens])
def test_for_room_under_our_own_caps(
    caps: Callable[[int], dict[str, object]], client: TestClient, batch_server: BatchProvider, setting: Any
) -> None:
    job = job_of("batch")
    expansion.expand_job(job)
    (row,) = rows("SELECT max(input_tokens) AS most FROM request")
    setting(**caps(row["most"]))
    batch_server.auto = False
    run_batches(job, rounds=3)
    assert states(job) == {"in_flight": 1, "pending": 2}
    wait = asked(client, job)
    assert (wait["kind"], wait["until"]) == ("own_caps", None)
    assert wait["message"] == "Waiting until there is room at openai under Cairn's own limits for batches."
    assert "Waiting until there is room at OpenAI: 2 requests. In flight there now: 1 of" in on_the_page(job)
    assert in_the_list() == ["room at OpenAI"]
    batch_server.auto = True
    run_batches(job)
    assert states(job) == {"succeeded": 3}
    goes_on(client, job)


def test_what_its_live_requests_wait_for_goes_before_what_its_batches_wait_for(
    client: TestClient, openai: LocalProvider, setting: Any
) -> None:
    breaker.trip("openai", MODEL, 3, 600)
    job = job_of("live")
    pump(job)
    with db.transaction() as session:
        db.execute(session, "UPDATE request SET lane = 'batch' WHERE id = (SELECT max(id) FROM request)")
    made.batch(job, "in_progress", next_at=shared_clock.now())
    setting(BATCHES_IN_FLIGHT=1)
    steps.pack_job(job)
    assert asked(client, job)["kind"] == "breaker"


def test_a_job_that_went_on_with_another_model_does_not_wait_for_the_former_one(openai: LocalProvider) -> None:
    job = job_of("live")
    expansion.expand_job(job)
    with db.transaction() as session:
        before = session.get(Job, job)
    assert before is not None
    moving.to_model(job, "openai", "gpt-5.4")
    with db.transaction() as session:
        assert not waiting.write(session, before, WaitsFor("breaker", "openai", MODEL))
    assert rows("SELECT waits_for FROM job") == [{"waits_for": None}]
