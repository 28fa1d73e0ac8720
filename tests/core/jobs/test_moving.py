"""What waits goes on with another model or in another lane: nothing is asked twice, and everything is booked right."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from core.answers import derive
from core.batch import steps
from core.calls import breaker, breaker_by_hand
from core.errors import CairnError, Conflict, InvalidInput
from core.jobs import control, launch, moving, report, resend
from core.jobs.launch import Fallback, JobSpec
from core.live import lane as live_lane
from core.live.lane import LiveLane
from core.requests import expansion, reuse
from core.runtime import correlation, db
from core.upkeep import takeover, tick
from tests.batch_provider import BatchProvider
from tests.local_provider import Asked, LocalProvider, Reply, error
from tests.pipeline import (
    PATIENCE_S,
    WAITS_FOR_A_LOCK,
    add_document,
    answer,
    batch_rows,
    change,
    make_job,
    pump,
    ready_documents,
    rows,
    run_batches,
    run_job,
    states,
    until,
    until_now,
    with_lane,
)

pytestmark = pytest.mark.usefixtures("database")
MODEL, OTHER = "gpt-5-mini", "claude-haiku-4-5"
SMALL = "gpt-4"
LONG = "".join(
    f"Plant {n} lost output. " + "Its pump failed in winter and was replaced. " * 10 + "\n\n" for n in range(80)
)


@pytest.fixture(autouse=True)
def _both(openai: LocalProvider, setting: Any) -> None:
    setting(ANTHROPIC_API_KEY="test", ANTHROPIC_BASE_URL=openai.anthropic_url)


def live_job(count: int, **spec: Any) -> str:
    job = make_job(ready_documents(count), "summarize", **{"provider": "openai", "model": MODEL, **spec})
    expansion.expand_job(job)
    return job


def whom(asked: Asked) -> str:
    """Which model a call was for; its body must fit the provider that got it."""
    assert ("system" in asked.body) == asked.body["model"].startswith("claude")
    return str(asked.body["model"])


def asked_of(openai: LocalProvider) -> Counter[str]:
    return Counter(whom(asked) for asked in openai.asked)


def answers(job: str) -> Counter[str]:
    """How many final answers each document has."""
    found = rows(
        "SELECT document_id AS d FROM request WHERE job_id = :j AND state = 'succeeded' AND custom_id = document_id",
        j=job,
    )
    return Counter(row["d"] for row in found)


def booked(job: str) -> set[tuple[str, str, str]]:
    found = rows("SELECT DISTINCT provider, model, status FROM usage_record WHERE job_id = :job", job=job)
    return {(row["provider"], row["model"], row["status"]) for row in found}


def told(job: str, kind: str = "model") -> list[str]:
    found = rows("SELECT message FROM job_event WHERE job_id = :job AND kind = :kind ORDER BY id", job=job, kind=kind)
    return [row["message"] for row in found]


def test_what_waits_goes_on_with_another_providers_model(openai: LocalProvider) -> None:
    breaker_by_hand.open_by_hand("openai", MODEL)
    job = live_job(4)
    pump(job)
    assert report.get(job).waits_for
    assert moving.to_model(job, "anthropic", OTHER) == 4
    assert (report.get(job).pending, report.get(job).waits_for) == (4, None)
    run_job(job)
    assert asked_of(openai) == {OTHER: 4}
    assert set(answers(job).values()) == {1}
    assert booked(job) == {("anthropic", OTHER, "ok")}
    row = report.get(job)
    assert (row.provider, row.model, row.state, row.error, row.total) == ("anthropic", OTHER, "completed", None, 4)
    assert [(one["provider"], one["model"]) for one in row.former] == [("openai", MODEL)]
    assert told(job) == [f"Goes on with anthropic/{OTHER} instead of openai/{MODEL}: 4 documents that waited."]


def test_what_it_answers_then_is_known_to_the_model_that_gave_it(openai: LocalProvider) -> None:
    job = live_job(2)
    moving.to_model(job, "anthropic", OTHER)
    run_job(job)
    ids = [row["id"] for row in rows("SELECT id FROM document")]
    run_job(make_job(ids, "summarize", provider="anthropic", model=OTHER))
    assert asked_of(openai) == {OTHER: 2}
    run_job(make_job(ids, "summarize", provider="openai", model=MODEL))
    assert asked_of(openai) == {OTHER: 2, MODEL: 2}
    assert reuse.count(reuse.Which(model=MODEL)) == 2


def test_what_is_under_way_stays_there_and_is_kept(openai: LocalProvider) -> None:
    job = live_job(5)
    openai.held = True

    async def work(lane: LiveLane) -> None:
        pumping = asyncio.create_task(lane.pump(job))
        await until(lambda: states(job).get("in_flight") == 2)
        breaker.trip("openai", MODEL, 3, 600)
        assert await asyncio.to_thread(moving.to_model, job, "anthropic", OTHER) == 3
        await asyncio.to_thread(expansion.expand_job, job)
        openai.held = False
        await pumping
        await answer(lane, job)

    with_lane(work, 2)
    assert asked_of(openai) == {MODEL: 2, OTHER: 3}
    assert set(openai.calls_by_document().values()) == {1}
    assert set(answers(job).values()) == {1}
    assert booked(job) == {("openai", MODEL, "ok"), ("anthropic", OTHER, "ok")}
    assert "2 requests are still under way" in told(job)[0]
    assert [reuse.count(reuse.Which(model=one)) for one in (MODEL, OTHER)] == [2, 3]


def test_a_call_that_comes_back_without_an_answer_is_asked_of_the_new_model(openai: LocalProvider) -> None:
    job = live_job(3)
    openai.plan = lambda asked: Reply(wire="reset") if whom(asked) == MODEL else Reply()
    openai.held = True

    async def work(lane: LiveLane) -> None:
        pumping = asyncio.create_task(lane.pump(job))
        await until(lambda: states(job).get("in_flight") == 2)
        breaker.trip("openai", MODEL, 3, 600)
        breaker.view.failed("openai", MODEL, 1)
        await asyncio.to_thread(moving.to_model, job, "anthropic", OTHER)
        openai.held = False
        await pumping
        # What the clock does.
        await asyncio.to_thread(tick.tick, datetime.now(UTC))
        await asyncio.to_thread(expansion.expand_job, job)
        await answer(lane, job)

    with_lane(work, 2)
    assert asked_of(openai) == {MODEL: 2, OTHER: 3}
    assert states(job) == {"succeeded": 3}
    assert set(answers(job).values()) == {1}


def test_the_clock_makes_anew_what_comes_back_later() -> None:
    job = live_job(2)
    change("UPDATE request SET state = 'in_flight' WHERE document_id = 'doc_0000'")
    moving.to_model(job, "anthropic", OTHER)
    expansion.expand_job(job)
    change("UPDATE request SET state = 'pending' WHERE state = 'in_flight'")
    change("DELETE FROM procrastinate_jobs")
    tick.tick(datetime.now(UTC))
    assert {"task_name": "expand_job"} in rows("SELECT task_name FROM procrastinate_jobs")
    expansion.expand_job(job)
    bodies = rows("SELECT body ->> 'model' AS model FROM request_body")
    assert [row["model"] for row in bodies] == [OTHER, OTHER]


def test_one_whose_worker_died_is_booked_on_the_model_that_it_was_asked_of(openai: LocalProvider, setting: Any) -> None:
    setting(WORKER_LEASE_SECONDS=1)
    job = live_job(2)
    change("UPDATE request SET state = 'in_flight', worker_id = 4711, attempts = 1 WHERE document_id = 'doc_0000'")
    moving.to_model(job, "anthropic", "claude-sonnet-5")
    moving.to_model(job, "anthropic", OTHER)
    change("UPDATE worker SET last_seen = now() - interval '1 h'")
    takeover.take_over(datetime.now(UTC))
    run_job(job)
    assert booked(job) == {("openai", MODEL, "unheard"), ("anthropic", OTHER, "ok")}
    assert states(job) == {"succeeded": 2}
    assert asked_of(openai) == {OTHER: 2}


def test_a_failed_one_that_is_sent_again_goes_to_the_new_model(openai: LocalProvider) -> None:
    openai.plan = lambda asked: (
        error(400) if asked.document.startswith("doc_0000") and whom(asked) == MODEL else Reply()
    )
    job = live_job(3)
    change("UPDATE request SET lane = 'batch' WHERE document_id = 'doc_0002'")
    pump(job)
    derive.derive_chunk()
    assert states(job) == {"failed": 1, "succeeded": 1, "pending": 1}
    assert moving.to_model(job, "anthropic", OTHER) == 1
    expansion.expand_job(job)
    assert resend.retry(job) == 1
    run_job(job)
    assert asked_of(openai) == {MODEL: 2, OTHER: 2}
    assert states(job) == {"succeeded": 3}


def test_an_answer_that_broke_its_schema_is_not_repaired_by_another_model(openai: LocalProvider) -> None:
    openai.plan = lambda asked: Reply("{}") if whom(asked) == MODEL else Reply()
    job = live_job(1)

    async def work(lane: LiveLane) -> None:
        claimed = await lane.claim_and_call(job, set())
        assert len(claimed.calls) == 1
        await until(lambda: states(job) == {"pending": 1})

    with_lane(work, 1)
    assert moving.to_model(job, "anthropic", OTHER) == 1
    run_job(job)
    assert asked_of(openai) == {MODEL: 1, OTHER: 1}
    assert len(openai.asked[-1].body["messages"]) == 1
    # Billed, and nothing of it is left to be found by any model.
    assert booked(job) == {("openai", MODEL, "unusable"), ("anthropic", OTHER, "ok")}
    assert rows("SELECT 1 FROM response s WHERE NOT EXISTS (SELECT 1 FROM request r WHERE r.id = s.request_id)") == []


def test_of_a_long_document_the_answered_parts_are_set_aside_and_one_model_answers_it(openai: LocalProvider) -> None:
    document = add_document(LONG)
    job = make_job([document], "summarize", provider="openai", model=SMALL)
    expansion.expand_job(job)
    parts = states(job)["pending"]
    assert parts > 1

    async def one(lane: LiveLane) -> None:
        await lane.claim_and_call(job, set())
        await until(lambda: states(job).get("succeeded") == 1)

    with_lane(one, 1)
    assert moving.estimate(job, datetime.now(UTC), "anthropic", OTHER).documents == 1
    assert moving.to_model(job, "anthropic", OTHER) == 1
    assert "1 answers of parts are set aside" in told(job)[0]
    run_job(job)
    assert asked_of(openai) == {SMALL: 1, OTHER: 1}
    assert answers(job) == {document: 1}
    assert states(job) == {"succeeded": 2}
    assert rows("SELECT 1 FROM request WHERE merge_id NOT IN (SELECT id FROM request)") == []
    # Back: what was answered there is known.
    again = make_job([document], "summarize", provider="openai", model=SMALL)
    run_job(again)
    assert answers(again) == {document: 1}
    assert asked_of(openai)[SMALL] == parts + 1


def test_a_long_document_whose_parts_are_under_way_is_made_anew_when_they_are_through(openai: LocalProvider) -> None:
    document = add_document(LONG)
    job = make_job([document], "summarize", provider="openai", model=SMALL)
    expansion.expand_job(job)
    openai.held = True

    async def work(lane: LiveLane) -> None:
        pumping = asyncio.create_task(lane.pump(job))
        await until(lambda: states(job).get("in_flight") == 1)
        assert await asyncio.to_thread(moving.to_model, job, "anthropic", OTHER) == 0
        openai.held = False
        await pumping
        await until(lambda: "in_flight" not in states(job) and "answered" not in states(job))
        await asyncio.to_thread(expansion.expand_job, job)
        await answer(lane, job)

    with_lane(work, 1)
    assert asked_of(openai) == {SMALL: 1, OTHER: 1}
    assert answers(job) == {document: 1}


def test_the_last_part_does_not_send_a_merge_to_a_model_that_was_not_asked(openai: LocalProvider) -> None:
    document = add_document(LONG)
    job = make_job([document], "summarize", provider="openai", model=SMALL)
    expansion.expand_job(job)
    parts = states(job)["pending"]
    openai.held = True

    async def work(lane: LiveLane) -> None:
        pumping = asyncio.create_task(lane.pump(job))
        await until(lambda: states(job).get("in_flight") == parts)
        await asyncio.to_thread(moving.to_model, job, "anthropic", OTHER)
        openai.held = False
        await pumping
        await until(lambda: states(job) == {"succeeded": parts, "held": 1})
        await asyncio.to_thread(expansion.expand_job, job)
        await answer(lane, job)

    with_lane(work, parts)
    assert asked_of(openai) == {SMALL: parts, OTHER: 1}
    assert answers(job) == {document: 1}
    assert states(job) == {"succeeded": parts + 1}


def test_what_a_canary_holds_goes_on_with_the_new_model_and_is_held_again(openai: LocalProvider) -> None:
    breaker_by_hand.open_by_hand("openai", MODEL)
    job = live_job(5, canary=2)
    assert states(job) == {"pending": 2, "held": 3}
    assert moving.to_model(job, "anthropic", OTHER) == 5
    expansion.expand_job(job)
    assert states(job) == {"pending": 2, "held": 3}
    pump(job)
    expansion.expand_job(job)
    assert report.get(job).state == "paused"
    with pytest.raises(Conflict, match="Release the rest"):
        moving.to_model(job, "openai", MODEL)
    control.resume(job)
    run_job(job)
    assert asked_of(openai) == {OTHER: 5}


def test_a_job_that_was_not_taken_up_yet_goes_on_too(openai: LocalProvider) -> None:
    job = make_job(ready_documents(2), "summarize", provider="openai", model=MODEL)
    assert moving.to_model(job, "anthropic", OTHER) == 0
    run_job(job)
    assert asked_of(openai) == {OTHER: 2}


def test_there_and_back_again(openai: LocalProvider) -> None:
    job = live_job(3)
    for provider, model in (("anthropic", OTHER), ("openai", "gpt-5-nano"), ("openai", MODEL)):
        moving.to_model(job, provider, model)
        expansion.expand_job(job)
    run_job(job)
    assert asked_of(openai) == {MODEL: 3}
    assert len(report.get(job).former) == 3


@pytest.mark.parametrize("work", [expansion.expand_job, lambda job: live_lane.claim(job, 1, 9)])
def test_who_makes_or_claims_requests_waits_for_the_move(work: Callable[[str], object]) -> None:
    """Else the former model's bodies would go to the new one's provider, or the other way round."""
    job = make_job(ready_documents(2), "summarize", provider="openai", model=MODEL)
    change("UPDATE job SET state = 'running'")
    with ThreadPoolExecutor(1) as thread:
        with db.transaction() as session:
            locked = control.locked(session, job, whole=True)
            done = thread.submit(work, job)
            until_now(lambda: rows(WAITS_FOR_A_LOCK) != [])
            moving._to_model(session, locked, "anthropic", OTHER)
        done.result(PATIENCE_S)
    expansion.expand_job(job)
    assert rows("SELECT DISTINCT body ->> 'model' AS model FROM request_body") == [{"model": OTHER}]


@pytest.mark.parametrize("late", [True, False])
def test_a_batch_that_is_at_its_provider_is_kept_as_that_providers(
    late: bool, batch_server: BatchProvider, setting: Any
) -> None:
    setting(BATCH_MAX_REQUESTS=2)
    job = make_job(ready_documents(4), "summarize", provider="openai", model=MODEL, lane="batch")
    run_batches(job, rounds=1)
    assert states(job).get("in_flight", 0) > 0
    before = states(job)["in_flight"]
    moving.to_model(job, "anthropic", OTHER)
    if late:
        expansion.expand_job(job)
    run_batches(job)
    assert states(job) == {"succeeded": 4}
    assert set(answers(job).values()) == {1}
    assert len(batch_rows(job)) >= 1
    there = rows("SELECT count(*) AS n FROM usage_record WHERE provider = 'openai' AND job_id = :job", job=job)
    assert there == [{"n": before}]


def test_what_is_packed_but_not_handed_over_goes_on_too(openai: LocalProvider) -> None:
    job = live_job(3, lane="batch")
    assert steps.pack_job(job) == 1
    change("UPDATE job SET waits = 3, waits_until = now() + interval '1 h'")
    assert states(job) == {"in_flight": 3}
    assert moving.to_model(job, "anthropic", OTHER) == 3
    assert rows("SELECT waits, waits_until FROM job") == [{"waits": 0, "waits_until": None}]


def test_what_comes_back_from_a_former_model_is_not_packed_for_the_new_one(openai: LocalProvider) -> None:
    job = live_job(3, lane="batch")
    change("UPDATE request SET state = 'in_flight' WHERE document_id = 'doc_0000'")
    moving.to_model(job, "anthropic", OTHER)
    change("UPDATE request SET state = 'pending'")
    assert steps.pack_job(job) == 0
    change("UPDATE request SET state = 'in_flight'")
    expansion.expand_job(job)
    change("UPDATE request SET state = 'pending'")
    assert steps.pack_job(job) == 1
    assert states(job) == {"in_flight": 2, "pending": 1}
    expansion.expand_job(job)
    assert steps.pack_job(job) == 1
    assert states(job) == {"in_flight": 3}


@pytest.mark.parametrize(
    "move", [lambda job: moving.to_lane(job, "batch"), lambda job: moving.to_model(job, "anthropic")]
)
def test_what_it_sends_from_then_on_is_the_doing_of_who_moved_it(move: Callable[[str], object]) -> None:
    job = live_job(1)
    with correlation.bound("click-1"):
        move(job)
    assert rows("SELECT correlation_id AS id FROM job") == [{"id": "click-1"}]


def own_requests() -> str:
    job = launch.create(JobSpec(template=None, provider="openai", model=MODEL), datetime.now(UTC), start=False)
    change("UPDATE job SET state = 'running'")
    change(
        "INSERT INTO request (job_id, custom_id, fingerprint, lane, input_tokens) VALUES (:j, 'a', 'f', 'live', 1000)",
        j=job,
    )
    return job


def test_what_cannot_be_is_refused_in_words() -> None:
    with pytest.raises(Conflict, match="made for their model"):
        moving.to_model(own_requests(), "openai", "gpt-5-nano")
    job = live_job(1)
    with pytest.raises(InvalidInput, match="already"):
        moving.to_model(job, "openai", MODEL)
    with pytest.raises(InvalidInput, match="There is no provider"):
        moving.to_model(job, "nobody", "x")
    for state, words in (("draft", "not started"), ("completed", "nothing that could go on")):
        change("UPDATE job SET state = :state WHERE id = :job", state=state, job=job)
        with pytest.raises(Conflict, match=words):
            moving.to_model(job, "anthropic", OTHER)
        with pytest.raises(Conflict, match=words):
            moving.estimate(job, datetime.now(UTC), "anthropic", OTHER)


def test_the_estimate_is_of_what_waits_with_either_model() -> None:
    job = live_job(4)
    change("UPDATE request SET state = 'in_flight' WHERE document_id = 'doc_0000'")
    here = moving.estimate(job, datetime.now(UTC))
    there = moving.estimate(job, datetime.now(UTC), "anthropic", OTHER)
    assert (here.documents, there.documents) == (3, 3)
    assert here.cost_live
    assert here.cost_batch
    assert there.cost_live
    assert here.cost_batch * 2 == here.cost_live != there.cost_live
    own = moving.estimate(own_requests(), datetime.now(UTC))
    assert own.requests == 1
    assert own.cost_live
    assert own.cost_batch == own.cost_live / 2


def shut_for(seconds: int) -> None:
    breaker_by_hand.open_by_hand("openai", MODEL)
    change("UPDATE breaker SET opened_at = now() - make_interval(secs => :s)", s=seconds)
    change("UPDATE job SET started_at = now() - interval '1 h'")


def follow() -> None:
    moving.follow_rules(datetime.now(UTC))


def test_by_its_rule_a_job_goes_to_the_batch_lane_once_and_not_before() -> None:
    job = live_job(2, fallback=Fallback(lane="batch", after_s=60))
    follow()
    shut_for(50)
    follow()
    assert report.get(job).lane == "live"
    shut_for(70)
    follow()
    assert report.get(job).lane == "batch"
    assert "has kept the job waiting for longer than 60 s. Moved to the batch lane: 2" in told(job, "moved")[0]
    moving.to_lane(job, "live")
    follow()
    assert report.get(job).lane == "live"


def test_by_its_rule_a_job_goes_on_with_another_model(openai: LocalProvider) -> None:
    job = live_job(2, fallback=Fallback(provider="anthropic", after_s=0))
    shut_for(1)
    breaker_by_hand.open_by_hand("anthropic", OTHER)
    follow()
    assert report.get(job).model == MODEL
    breaker_by_hand.close_by_hand("anthropic", OTHER)
    follow()
    assert report.get(job).model == OTHER
    breaker_by_hand.close_by_hand("openai", MODEL)
    breaker_by_hand.open_by_hand("anthropic", OTHER)
    follow()
    assert report.get(job).model == OTHER
    breaker_by_hand.close_by_hand("anthropic", OTHER)
    run_job(job)
    assert asked_of(openai) == {OTHER: 2}


def test_a_rule_waits_for_a_probe_and_for_a_job_that_began_later() -> None:
    job = live_job(1, fallback=Fallback(lane="batch", after_s=60))
    shut_for(600)
    change("UPDATE job SET started_at = now()")
    follow()
    change("UPDATE job SET started_at = now() - interval '1 h'")
    change("UPDATE breaker SET state = 'half_open'")
    follow()
    assert report.get(job).lane == "live"


@pytest.mark.parametrize(
    "spec",
    [
        {"fallback": Fallback()},
        {"fallback": Fallback(lane="batch", provider="anthropic")},
        {"fallback": Fallback(lane="batch", after_s=-1)},
        {"fallback": Fallback(lane="batch"), "lane": "batch"},
        {"fallback": Fallback(provider="nobody")},
        {"fallback": Fallback(provider="openai", model=MODEL)},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(CairnError):
        live_job(1, **spec)
