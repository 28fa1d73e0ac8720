"""Circuit breakers: when they open, what waits meanwhile, and who may try again."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from core.calls import breaker, breaker_by_hand
from core.calls.breaker import BreakerOpen
from core.errors import ProviderError
from core.jobs import launch, moving, own_requests
from core.jobs.launch import JobSpec
from core.live import single_text
from core.live.lane import LiveLane
from core.requests import expansion
from core.runtime import db
from core.tables.jobs import WAITS_FOR, WaitsFor
from tests.local_provider import Asked, LocalProvider, Reply, error, in_turn
from tests.pipeline import add_document, answer, make_job, pump, ready_documents, rows, run_job, states, with_lane

pytestmark = pytest.mark.usefixtures("database")
MODEL = "gpt-5-mini"


@pytest.fixture(autouse=True)
def _threshold(openai: LocalProvider, setting: Any) -> None:
    setting(RESILIENCE_CUSTOM_CONFIG='{"circuit_breaker_threshold": 3, "recovery_timeout_s": 60}')


def live_job(count: int, **spec: Any) -> str:
    job = make_job(ready_documents(count), **{"provider": "openai", "model": MODEL, **spec})
    expansion.expand_job(job)
    return job


def standing() -> dict[str, Any]:
    (row,) = rows("SELECT state, failures, by_hand, retry_at > now() + interval '50 s' AS later FROM breaker")
    return row


def recovered() -> None:
    with db.transaction() as session:
        db.execute(session, "UPDATE breaker SET retry_at = now()")


def job_row() -> dict[str, Any]:
    (row,) = rows("SELECT state, waits_for, error FROM job")
    assert row["error"] is None
    return row


def wait() -> WaitsFor:
    return WAITS_FOR.validate_python(job_row()["waits_for"])


def waits() -> list[str]:
    return [row["message"] for row in rows("SELECT message FROM job_event WHERE kind = 'waiting'")]


@pytest.mark.parametrize("reply", [error(500), error(503), error(529), Reply(wire="reset"), Reply(wire="cut")])
def test_failures_in_a_row_open_it_and_the_rest_waits_without_failing(reply: Reply, openai: LocalProvider) -> None:
    openai.plan = lambda _: reply
    job = live_job(6)
    pump(job)
    assert len(openai.asked) == 3
    assert standing() == {"state": "open", "failures": 3, "by_hand": False, "later": True}
    # The two before the last had used up their attempts.
    assert states(job) == {"failed": 2, "pending": 4}
    pump(job)
    assert len(openai.asked) == 3
    assert wait() == WaitsFor("breaker", "openai", MODEL, until=wait().until, failures=3)
    assert wait().until is not None
    assert waits() == ["Live requests are on hold: openai/gpt-5-mini does not answer."]


@pytest.mark.parametrize("reply", [error(400), error(401), error(404), error(422), error(429)])
def test_what_says_nothing_about_the_provider_opens_nothing(reply: Reply, openai: LocalProvider) -> None:
    openai.plan = lambda _: reply
    job = live_job(6)
    run_job(job)
    assert states(job) == {"failed": 6}
    assert rows("SELECT 1 FROM breaker") == []


def test_an_answer_in_between_begins_the_count_anew(openai: LocalProvider) -> None:
    openai.plan = lambda asked: Reply() if asked.document.startswith("doc_0002") else error(500)
    job = live_job(5)
    run_job(job, concurrency=1)
    assert states(job) == {"failed": 4, "succeeded": 1}
    assert rows("SELECT 1 FROM breaker") == []


def test_a_call_that_is_tried_again_while_it_opens_goes_back(openai: LocalProvider, setting: Any) -> None:
    setting(RETRY_ATTEMPTS=5)
    openai.plan = lambda _: error(500, retry_after="0")
    job = live_job(1)
    pump(job)
    assert len(openai.asked) == 3
    assert states(job) == {"pending": 1}


def test_a_call_does_not_wait_where_it_may_not_be_tried_again(openai: LocalProvider, setting: Any) -> None:
    setting(RETRY_ATTEMPTS=5, RESILIENCE_CUSTOM_CONFIG='{"circuit_breaker_threshold": 1}')
    openai.plan = lambda _: error(500, retry_after="250")
    job = live_job(1)
    pump(job)
    assert states(job) == {"pending": 1}


def test_what_was_closed_elsewhere_is_closed_here(openai: LocalProvider) -> None:
    openai.plan = lambda _: error(500)
    job = live_job(4)
    pump(job)
    with db.transaction() as session:
        db.execute(session, "UPDATE breaker SET state = 'closed'")
    pump(job)
    assert states(job) == {"failed": 4}


def test_failures_do_not_reopen_what_a_person_stopped(openai: LocalProvider) -> None:
    breaker_by_hand.open_by_hand("openai", MODEL)
    breaker.trip("openai", MODEL, 3, 60)
    assert standing() == {"state": "open", "failures": 0, "by_hand": True, "later": None}


def test_a_call_that_waits_to_be_tried_again_sees_what_another_process_opened(
    openai: LocalProvider, setting: Any
) -> None:
    setting(RETRY_ATTEMPTS=5, RESILIENCE_CUSTOM_CONFIG='{"circuit_breaker_threshold": 50}')

    def plan(asked: Asked) -> Reply:
        # As another process does it: nothing in this one's memory.
        breaker.trip("openai", MODEL, 9, 60)
        return error(500, retry_after="0")

    openai.plan = plan
    job = live_job(1)
    pump(job)
    assert len(openai.asked) == 1
    assert states(job) == {"pending": 1}


def test_after_the_recovery_one_call_tries_and_closes_it(openai: LocalProvider) -> None:
    openai.plan = lambda _: error(500)
    job = live_job(6)
    pump(job)
    recovered()
    openai.plan, openai.held = lambda _: Reply(), True
    before, openai.most_in_flight = len(openai.asked), 0

    async def work(lane: LiveLane) -> None:
        pumping = asyncio.create_task(lane.pump(job))
        while len(openai.asked) == before:
            await asyncio.sleep(0.01)
        assert await asyncio.to_thread(states, job) == {"failed": 2, "pending": 3, "in_flight": 1}
        assert (await asyncio.to_thread(standing))["state"] == "half_open"
        openai.held = False
        await pumping
        await answer(lane, job)

    with_lane(work, 4)
    assert states(job) == {"failed": 2, "succeeded": 4}
    assert standing()["state"] == "closed"
    assert job_row() == {"state": "completed", "waits_for": None, "error": None}


def test_a_probe_that_fails_opens_it_again_and_another_request_is_the_next(openai: LocalProvider) -> None:
    openai.plan = lambda _: error(500)
    job = live_job(5)
    pump(job)
    tried = []
    for failures in (4, 5):
        recovered()
        pump(job)
        tried.append(openai.asked[-1].document)
        assert standing() == {"state": "open", "failures": failures, "by_hand": False, "later": True}
    assert len(openai.asked) == 5
    assert len(set(tried)) == 2
    assert states(job) == {"failed": 2, "pending": 3}


def test_a_refused_probe_shows_that_the_provider_answers(openai: LocalProvider) -> None:
    openai.plan = lambda _: error(500)
    job = live_job(3)
    pump(job)
    recovered()
    openai.plan = lambda _: error(400)
    pump(job)
    assert standing()["state"] == "closed"
    assert states(job) == {"failed": 3}


def test_a_probe_whose_worker_is_gone_makes_room_for_another(openai: LocalProvider) -> None:
    openai.plan = lambda _: error(500)
    job = live_job(3)
    pump(job)
    with db.transaction() as session:
        db.execute(
            session,
            "UPDATE breaker SET state = 'half_open', probe_worker_id = 4711, probe_until = now() + interval '1 h'",
        )
    openai.plan = lambda _: Reply()
    pump(job)
    assert standing()["state"] == "closed"


def test_a_probe_under_way_keeps_all_others_waiting(openai: LocalProvider) -> None:
    job = live_job(1)
    breaker.trip("openai", MODEL, 3, 60)
    with db.transaction() as session:
        worker = db.scalar(session, "INSERT INTO worker (name) VALUES ('other') RETURNING id")
        db.execute(
            session,
            "UPDATE breaker SET state = 'half_open', probe_worker_id = :id, probe_until = now() + interval '1 h'",
            id=worker,
        )
    pump(job)
    assert openai.asked == []
    assert wait() == WaitsFor("breaker", "openai", MODEL, failures=3, probing=True)


def test_by_hand_it_stays_open_until_a_person_closes_it(openai: LocalProvider) -> None:
    job = live_job(2)
    assert breaker_by_hand.open_by_hand("openai", MODEL).state == "open"
    pump(job)
    assert openai.asked == []
    assert wait() == WaitsFor("breaker", "openai", MODEL, by_hand=True)
    assert breaker_by_hand.close_by_hand("openai", MODEL).state == "closed"
    run_job(job)
    assert states(job) == {"succeeded": 2}
    audited = rows("SELECT action, subject, before, after FROM audit_entry ORDER BY id")
    assert [(row["action"], row["after"]) for row in audited] == [
        ("breaker.open", {"state": "open"}),
        ("breaker.close", {"state": "closed"}),
    ]


def test_other_models_go_on(openai: LocalProvider) -> None:
    breaker.trip("openai", "another-model", 3, 60)
    job = live_job(2)
    run_job(job)
    assert states(job) == {"succeeded": 2}


def test_of_a_job_with_several_models_only_the_open_one_waits(openai: LocalProvider) -> None:
    job = live_job(4)
    with db.transaction() as session:
        db.execute(session, "UPDATE request SET model = 'model-a' WHERE id % 2 = 0")
        db.execute(session, "UPDATE job SET template_id = NULL")
    breaker.trip("openai", "model-a", 3, 60)
    pump(job)
    assert states(job) in ({"pending": 2, "answered": 2}, {"pending": 2, "succeeded": 2})
    assert wait().model == "model-a"


def test_own_requests_wait_for_their_own_model_and_one_of_them_tries_it(openai: LocalProvider) -> None:
    """No request of the job's model is there: the breaker's model stands in their bodies alone."""
    job = launch.create(JobSpec(template=None, provider="openai", model="gpt-5.4"), datetime.now(UTC), start=False)
    asked = {"messages": [{"role": "user", "content": "Hello."}], "model": MODEL}
    given = [{"custom_id": str(number), "body": {**asked, "seed": number}} for number in range(5)]
    own_requests.add_requests(job, [json.dumps(one).encode() for one in given], datetime.now(UTC))
    launch.start(job)
    expansion.expand_job(job)
    openai.plan = lambda _: error(500)
    pump(job)
    assert states(job) == {"failed": 2, "pending": 3}
    assert (wait().kind, wait().model, wait().failures) == ("breaker", MODEL, 3)
    openai.plan = lambda _: Reply()
    recovered()
    pump(job)
    assert states(job) == {"failed": 2, "succeeded": 3}
    assert job_row()["waits_for"] is None


def test_what_waits_may_move_to_the_batch_lane(openai: LocalProvider) -> None:
    breaker.trip("openai", MODEL, 3, 60)
    job = live_job(3)
    pump(job)
    assert moving.to_lane(job, "batch") == 3
    assert rows("SELECT DISTINCT lane FROM request") == [{"lane": "batch"}]
    assert rows("SELECT lane, waits_for FROM job") == [{"lane": "batch", "waits_for": None}]


def ask_single() -> Any:
    return asyncio.run(single_text.process("summarize", "Two pumps failed.", {}, "openai", MODEL))


def test_a_single_text_is_told_when_to_ask_again(openai: LocalProvider) -> None:
    breaker.trip("openai", MODEL, 3, 60)
    with pytest.raises(BreakerOpen, match="Ask again then") as told:
        ask_single()
    assert told.value.detail["retry_at"]
    assert openai.asked == []
    assert rows("SELECT 1 FROM request") == []


def test_a_single_text_may_be_the_probe(openai: LocalProvider) -> None:
    breaker.trip("openai", MODEL, 3, 60)
    recovered()
    ask_single()
    assert standing()["state"] == "closed"


def test_a_single_text_that_fails_as_the_probe_ends(openai: LocalProvider) -> None:
    openai.plan = lambda _: error(500)
    breaker.trip("openai", MODEL, 3, 60)
    recovered()
    with pytest.raises(ProviderError):
        ask_single()
    assert standing() == {"state": "open", "failures": 4, "by_hand": False, "later": True}
    assert rows("SELECT state FROM request") == [{"state": "failed"}]


def test_a_probe_is_not_tried_again_at_once(openai: LocalProvider, setting: Any) -> None:
    setting(RETRY_ATTEMPTS=5)
    openai.plan = in_turn(error(500, retry_after="0"), Reply())
    breaker.trip("openai", MODEL, 3, 60)
    recovered()
    job = live_job(1)
    pump(job)
    assert len(openai.asked) == 1


def test_answers_and_failed_attempts_are_counted_by_the_minute(openai: LocalProvider, setting: Any) -> None:
    setting(RETRY_ATTEMPTS=1)
    openai.plan = lambda asked: error(500, retry_after="0") if asked.nth == 1 else Reply()
    run_job(live_job(3), concurrency=1)
    openai.plan = lambda _: error(400)
    run_job(make_job([add_document()], provider="openai", model=MODEL))
    counted = rows("SELECT provider, model, answered, failed, latencies FROM call_minute")
    assert {(row["provider"], row["model"]) for row in counted} == {("openai", MODEL)}
    assert sum(row["answered"] for row in counted) == 3
    assert sum(row["failed"] for row in counted) == 4
    assert sum(sum(row["latencies"]) for row in counted) == 3
