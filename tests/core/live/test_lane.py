"""The live lane against a provider on this machine: what is asked, kept, billed and derived."""

import asyncio
import json
import math
import random
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.documents import deletion, upload
from core.jobs import control, resend
from core.live.lane import LiveLane
from core.providers.forms import Form
from core.requests import expansion, single_flight
from core.runtime import db, worker_lease
from core.settings import learned_forms
from core.upkeep import tick
from tests import local_provider
from tests.core.live.loopback_jobs import claimed, job_state, kept, live_job, many, requests, usage
from tests.databases import IN_THIS_DATABASE
from tests.local_provider import LocalProvider, Reply, error, in_turn
from tests.pipeline import (
    TEXT,
    add_document,
    answer,
    rows,
    run_job,
    states,
    until,
    with_lane,
)

pytestmark = pytest.mark.usefixtures("database")

PRICE_OF_ONE = Decimal("0.000045000000")  # 100 tokens in and 10 out with gpt-5-mini: 0.25 and 2 USD per million


def test_an_answer_is_kept_billed_and_derived(openai: LocalProvider) -> None:
    job = live_job([add_document()])
    run_job(job)
    assert states(job) == {"succeeded": 1}
    assert job_state() == "completed"
    assert usage() == [
        {
            "status": "ok",
            "input_tokens": 100,
            "output_tokens": 10,
            "cost_usd": PRICE_OF_ONE,
            "reused": False,
            "attempt": 1,
        }
    ]
    (evidence,) = rows('SELECT quote, supported, start, "end" FROM evidence')
    assert evidence["supported"]
    assert TEXT[evidence["start"] : evidence["end"]] == evidence["quote"]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_calls_are_in_flight_than_there_are_slots_and_all_slots_are_used(
    concurrency: int, openai: LocalProvider
) -> None:
    openai.plan = lambda _: Reply(delay=0.05)
    run_job(live_job(many(9)), concurrency)
    assert openai.most_in_flight == concurrency
    assert len(openai.asked) == 9


def test_the_slots_are_shared_by_all_jobs_of_a_worker(openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(delay=0.05)
    ids = many(4)
    both = [live_job(ids, "summarize"), live_job(ids, "questions")]
    for job in both:
        expansion.expand_job(job)

    async def work(lane: LiveLane) -> None:
        await asyncio.gather(*(answer(lane, job) for job in both))

    with_lane(work, concurrency=2)
    assert openai.most_in_flight == 2
    assert len(openai.asked) == 8


@pytest.mark.parametrize(
    ("reply", "code", "says", "billed"),
    [
        (error(400, "invalid_value", "Bad thing."), "invalid_request", "Bad thing.", []),
        (error(401, "invalid_api_key"), "auth", "API key", []),
        (error(429, "insufficient_quota"), "spend_limit", "no money", []),
        (error(500), "server_error", "500", []),
        (Reply(finish="length"), "length", "cut off", ["unusable"]),
        (Reply(finish="content_filter"), "content_filter", "content filter", ["unusable"]),
        (Reply(refusal="I cannot."), "refusal", "refused", ["unusable"]),
        (Reply(content=""), "empty", "empty", ["unusable"]),
        (Reply(body=b"<html>"), "bad_response", "not a chat completion", []),
        (Reply(body=b'{"choices": []}'), "bad_response", "not a chat completion", []),
        (Reply(body=b'{"error": {"message": "Out of it.", "code": 400}}'), "invalid_request", "Out of it.", []),
        (Reply(body=b'{"choices": ['), "bad_response", "not a chat completion", ["unheard"]),
        (Reply(wire="cut"), "connection", "broke", ["unheard"]),
        (Reply(wire="reset"), "connection", "broke", ["unheard"]),
    ],
)
def test_what_goes_wrong_fails_its_request_with_the_reason_and_no_other(
    reply: Reply, code: str, says: str, billed: list[str], openai: LocalProvider
) -> None:
    bad, good = add_document("Bad. Really."), add_document("Good. Really.")
    openai.plan = lambda asked: reply if asked.document.startswith("Bad") else Reply()
    job = live_job([bad, good])
    run_job(job)
    assert job_state() == "completed"
    assert states(job) == {"failed": 1, "succeeded": 1}
    (failed,) = [row for row in requests() if row["state"] == "failed"]
    assert failed["error_code"] == code
    assert says in failed["error_message"]
    assert sorted(row["status"] for row in usage()) == sorted([*billed, "ok"])


@pytest.mark.parametrize(
    ("reported", "why"),
    [
        (None, "no_usage"),
        ({}, "no_usage"),
        ("many", "odd_usage"),
        ({"prompt_tokens": True, "completion_tokens": 9}, "odd_usage"),
        ({"prompt_tokens": "1000", "completion_tokens": 9}, "odd_usage"),
        ({"prompt_tokens": math.nan, "completion_tokens": 9}, "odd_usage"),
        ({"prompt_tokens": 50_000, "completion_tokens": 9}, "odd_usage"),
    ],
)
def test_an_answer_whose_cost_nobody_knows_is_kept_after_one_call_and_has_no_price(
    reported: Any, why: str, openai: LocalProvider
) -> None:
    content = 'So it is:\n```json\n{"points": [{"statement": "A pump failed.", "quote": "Pump 0 failed."}]}\n```'
    message = {"role": "assistant", "content": content}
    choice = {"message": message, "finish_reason": "eos_token"}
    openai.plan = lambda _: Reply(
        body=json.dumps({"model": "gpt-5-mini", "choices": [choice], "usage": reported}).encode()
    )
    job = live_job(many(1))
    run_job(job)
    assert states(job) == {"succeeded": 1}
    assert len(openai.asked) == 1
    assert [(row["status"], row["input_tokens"], row["cost_usd"]) for row in usage()] == [("ok", 0, None)]
    assert rows("SELECT priced, unpriced_reason FROM usage_record") == [{"priced": False, "unpriced_reason": why}]
    assert rows("SELECT 1 FROM breaker") == []


def test_a_record_tells_what_its_answer_does(openai: LocalProvider) -> None:
    told = int(time.time()) - 2
    message = {"role": "assistant", "content": '{"points": []}'}
    details = {"cached_tokens": 20, "cache_write_tokens": 30}
    used = {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": details}
    body = {
        "model": "gpt-5.6-luna",
        "created": told,
        "service_tier": "flex",
        "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": {**used, "completion_tokens_details": {"reasoning_tokens": 4}},
    }
    openai.plan = lambda _: Reply(body=json.dumps(body).encode())
    run_job(live_job(many(1)))
    (record,) = rows("SELECT * FROM usage_record")
    assert (record["tier"], record["reasoning_tokens"], record["cache_write_tokens"]) == ("flex", 4, 30)
    assert (record["time"].timestamp(), record["collection"]) == (told, "default")
    # 0.1 x 50 + 0.01 x 20 + 0.125 x 30 + 0.6 x 10 millionths of a dollar; twice as much at the standard tier.
    assert (record["cost_usd"], record["list_usd"]) == (Decimal("0.00001495"), Decimal("0.0000299"))
    assert (record["price"]["source"], record["price"]["rates"]["cache_write"]) == ("snapshot", "0.125")


def test_a_refusal_that_names_a_parameter_is_asked_once_in_another_form_which_is_remembered(
    openai: LocalProvider,
) -> None:
    def plan(asked: local_provider.Asked) -> Reply:
        if "max_completion_tokens" in asked.body:
            return error(400, "unsupported_parameter", "Unsupported parameter: 'max_completion_tokens'.")
        if asked.body["response_format"]["type"] == "json_schema":
            return error(422, "", "Model does not support structured output")
        assert '"quote"' in asked.body["messages"][0]["content"]
        return Reply(content='{"points": []}')

    openai.plan = plan
    run_job(job := live_job(many(1)))
    assert states(job) == {"succeeded": 1}
    assert len(openai.asked) == 3
    assert [row["status"] for row in usage()] == ["ok"]
    (learned,) = learned_forms.known("openai", openai.openai_url)
    assert (learned.form, learned.model) == (Form(answers="json_object", limit="max_tokens"), "gpt-5-mini")
    assert learned_forms.known("openai", "http://elsewhere/v1") == []
    # The next question is asked in that form at once; once it is forgotten, as it was built.
    run_job(live_job([add_document("Another text.", "other.txt")]))
    assert len(openai.asked) == 4
    learned_forms.forget("openai", "gpt-5-mini")
    run_job(live_job([add_document("A third text.", "third.txt")]))
    assert len(openai.asked) == 7


def test_only_what_failed_is_sent_again(openai: LocalProvider) -> None:
    openai.plan = lambda asked: error(500) if asked.document.startswith("Pump 1") and asked.nth == 1 else Reply()
    job = live_job(many(3))
    run_job(job)
    assert states(job) == {"failed": 1, "succeeded": 2}
    assert resend.retry(job) == 1
    run_job(job)
    assert states(job) == {"succeeded": 3}
    assert job_state() == "completed"
    assert sorted(openai.calls_by_document().values()) == [1, 1, 2]


def test_passing_errors_are_tried_again_as_often_as_set(openai: LocalProvider, setting: Any) -> None:
    setting(RETRY_ATTEMPTS=2)
    openai.plan = in_turn(error(429, retry_after="0"), error(503, retry_after="0"), Reply())
    job = live_job([add_document()])
    run_job(job)
    assert states(job) == {"succeeded": 1}
    assert len(openai.asked) == 3
    assert [row["status"] for row in usage()] == ["ok"]


def test_a_broken_schema_is_asked_again_once_with_what_was_wrong(openai: LocalProvider) -> None:
    openai.plan = in_turn(Reply(content='{"points": "none"}'), Reply())
    job = live_job([add_document()])
    run_job(job)
    assert states(job) == {"succeeded": 1}
    assert [row["status"] for row in usage()] == ["unusable", "ok"]
    first, second = (asked.body["messages"] for asked in openai.asked)
    assert second[: len(first)] == first
    assert second[-2] == {"role": "assistant", "content": '{"points": "none"}'}
    assert "$.points" in second[-1]["content"]


def test_a_schema_broken_twice_fails_and_both_calls_are_billed(openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(content='{"points": "none"}')
    job = live_job([add_document()])
    run_job(job)
    assert len(openai.asked) == 2
    (request,) = requests()
    assert (request["state"], request["error_code"], request["asked_again"]) == ("failed", "schema", True)
    assert [(row["status"], row["cost_usd"]) for row in usage()] == [("unusable", PRICE_OF_ONE)] * 2
    assert rows("SELECT 1 FROM insight") == []


def test_an_unheard_call_is_booked_with_its_estimate(openai: LocalProvider, setting: Any) -> None:
    setting(PROVIDER_TIMEOUT_SECONDS=0.2)
    openai.plan = lambda _: Reply(delay=2)
    job = live_job([add_document()])
    run_job(job)
    (request,) = requests()
    assert (request["state"], request["error_code"]) == ("failed", "timeout")
    (booked,) = usage()
    (expected,) = rows("SELECT input_tokens FROM request")
    assert booked["status"] == "unheard"
    assert booked["input_tokens"] == expected["input_tokens"] > 0
    assert booked["output_tokens"] == 450
    assert booked["cost_usd"] == booked["input_tokens"] * Decimal("0.25e-6") + 450 * Decimal("2e-6")


def test_every_attempt_that_was_not_heard_is_booked(openai: LocalProvider, setting: Any) -> None:
    setting(RETRY_ATTEMPTS=1)
    openai.plan = in_turn(Reply(wire="cut"), Reply())
    run_job(live_job([add_document()]))
    assert [row["status"] for row in usage()] == ["unheard", "ok"]


def test_equal_texts_are_asked_once_and_the_others_cost_nothing(openai: LocalProvider) -> None:
    ids = [add_document(TEXT, f"{n}.txt", f"collection {n}") for n in range(3)]
    job = live_job(ids)
    run_job(job)
    assert len(openai.asked) == 1
    assert sorted(row["reused"] for row in requests()) == [False, True, True]
    assert sorted((row["reused"], row["cost_usd"]) for row in usage()) == [
        (False, PRICE_OF_ONE),
        (True, 0),
        (True, 0),
    ]
    assert rows("SELECT support, documents FROM insight") == [{"support": 1, "documents": 3}]


def test_without_reuse_every_document_is_asked(openai: LocalProvider) -> None:
    ids = [add_document(TEXT, f"{n}.txt", f"collection {n}") for n in range(3)]
    run_job(live_job(ids))
    run_job(live_job(ids, reuse=False))
    assert len(openai.asked) == 1 + 3
    assert sum(row["cost_usd"] for row in usage()) == 4 * PRICE_OF_ONE


def test_an_unusable_answer_is_not_reused(openai: LocalProvider) -> None:
    openai.plan = in_turn(Reply(refusal="No."), Reply())
    document = add_document()
    run_job(live_job([document]))
    run_job(live_job([document]))
    assert len(openai.asked) == 2
    assert [row["state"] for row in requests()] == ["failed", "succeeded"]


def test_what_is_in_flight_when_a_job_is_cancelled_is_heard_and_billed(openai: LocalProvider) -> None:
    openai.held = True
    job = live_job(many(5))
    expansion.expand_job(job)

    async def work(lane: LiveLane) -> None:
        pumping = asyncio.create_task(lane.pump(job))
        await until(lambda: openai.in_flight == 2)
        await asyncio.to_thread(control.cancel, job)
        openai.held = False
        await pumping
        await answer(lane, job)

    with_lane(work, concurrency=2)
    assert job_state() == "cancelled"
    assert states(job) == {"succeeded": 2, "cancelled": 3}
    assert len(openai.asked) == len(usage()) == 2


def test_a_cancelled_job_asks_nothing_again_and_ends(openai: LocalProvider) -> None:
    openai.plan, openai.held = lambda _: Reply(content="{}"), True
    job = live_job([add_document()])
    expansion.expand_job(job)

    async def work(lane: LiveLane) -> None:
        pumping = asyncio.create_task(lane.pump(job))
        await until(lambda: openai.in_flight == 1)
        await asyncio.to_thread(control.cancel, job)
        openai.held = False
        await pumping
        await answer(lane, job)

    with_lane(work)
    assert job_state() == "cancelled"
    assert states(job) == {"cancelled": 1}
    assert len(openai.asked) == 1


def test_a_cancelled_job_ends_also_when_its_worker_stops(openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(delay=3)
    job = live_job([add_document()])
    expansion.expand_job(job)

    async def work(lane: LiveLane) -> None:
        pumping = asyncio.create_task(lane.pump(job))
        await until(lambda: openai.in_flight == 1)
        await asyncio.to_thread(control.cancel, job)
        await lane.close(0)
        await pumping

    with_lane(work)
    tick.tick(datetime.now(UTC))
    assert job_state() == "cancelled"
    assert [row["status"] for row in usage()] == ["unheard"]


def test_a_document_deleted_in_flight_is_still_billed(openai: LocalProvider) -> None:
    openai.held = True
    document = add_document()
    job = live_job([document])
    expansion.expand_job(job)

    async def work(lane: LiveLane) -> None:
        pumping = asyncio.create_task(lane.pump(job))
        await until(lambda: openai.in_flight == 1)
        await asyncio.to_thread(deletion.delete, document)
        openai.held = False
        await pumping
        await answer(lane, job)

    with_lane(work)
    assert states(job) == {"cancelled": 1}
    assert job_state() == "completed"
    assert [(row["status"], row["cost_usd"]) for row in usage()] == [("ok", PRICE_OF_ONE)]
    assert rows("SELECT 1 FROM response UNION ALL SELECT 1 FROM evidence") == []


def test_a_quote_that_is_not_in_the_document_is_marked(openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(
        content='{"points": [{"statement": "Pumps fly.", "quote": "The pumps flew away."},'
        '{"statement": "Pumps failed.", "quote": "two pumps  failed"}]}'
    )
    run_job(live_job([add_document()]))
    found = rows(
        """SELECT i.statement, i.support, e.supported, e.start FROM evidence e JOIN insight i ON i.id = e.insight_id
           ORDER BY i.statement"""
    )
    assert found == [
        {"statement": "Pumps failed.", "support": 1, "supported": True, "start": TEXT.index("two pumps failed")},
        {"statement": "Pumps fly.", "support": 0, "supported": False, "start": None},
    ]


def test_the_same_statement_from_two_documents_is_one_insight(openai: LocalProvider) -> None:
    def plan(asked: local_provider.Asked) -> Reply:
        told = "The pumps failed." if asked.document.startswith("One") else "the pumps   failed"
        return Reply(content=f'{{"points": [{{"statement": "{told}", "quote": "The pumps failed"}}]}}')

    openai.plan = plan
    run_job(live_job([add_document(f"{n}. The pumps failed.", f"{n}.txt") for n in ("One", "Two")]))
    assert rows("SELECT support, confidence FROM insight") == [{"support": 2, "confidence": 0.75}]
    assert len(rows("SELECT 1 FROM evidence WHERE supported")) == 2


def test_a_job_whose_documents_all_failed_extraction_completes(openai: LocalProvider) -> None:
    ids = [add_document("\x00\x01\x02\x03" * 50, f"{n}.pdf") for n in range(2)]
    assert {row["state"] for row in rows("SELECT state FROM document")} == {"failed"}
    job = live_job(ids)
    run_job(job)
    assert job_state() == "completed"
    assert (requests(), openai.asked) == ([], [])
    (event,) = rows("SELECT message FROM job_event WHERE kind = 'left_out'")
    assert "0.pdf" in event["message"]


def test_a_job_waits_for_documents_that_are_still_extracted(openai: LocalProvider) -> None:
    import io
    import threading

    from core.documents import extract

    late = upload.add("late.txt", io.BytesIO(b"Late. But here."), "default").document.id
    job = live_job([add_document(), late])
    expansion.expand_job(job)

    async def pump(lane: LiveLane) -> None:
        await lane.pump(job)
        await until(lambda: states(job) == {"succeeded": 1})

    with_lane(pump)
    tick.tick(datetime.now(UTC))
    assert job_state() == "running"
    extract.extract_document(late, worker_lease.register("test"), threading.Event())
    assert "expand_job" in {row["task_name"] for row in rows("SELECT task_name FROM procrastinate_jobs")}
    run_job(job)
    assert states(job) == {"succeeded": 2}
    assert job_state() == "completed"


def test_one_answer_that_cannot_be_stored_keeps_no_other_from_it(openai: LocalProvider) -> None:
    job = live_job(many(3))
    expansion.expand_job(job)

    async def work(lane: LiveLane) -> None:
        one, bad, two = await asyncio.to_thread(claimed, job, lane.worker_id)
        await lane.until_stored([kept(one), kept(bad, raw="{broken"), kept(two)])
        await answer(lane, job)

    with_lane(work)
    assert job_state() == "completed"
    assert states(job) == {"succeeded": 2, "failed": 1}
    (failed,) = [row for row in requests() if row["state"] == "failed"]
    assert failed["error_code"] == "not_storable"
    assert sorted((row["status"], row["cost_usd"]) for row in usage()) == [
        ("ok", PRICE_OF_ONE),
        ("ok", PRICE_OF_ONE),
        ("unusable", PRICE_OF_ONE),
    ]
    assert rows("SELECT raw FROM response WHERE verdict = 'not_storable'") == [{"raw": "{broken"}]


def test_an_answer_that_cannot_be_stored_is_counted_as_a_call_that_was_answered(openai: LocalProvider) -> None:
    job = live_job([add_document()])
    expansion.expand_job(job)

    async def work(lane: LiveLane) -> None:
        (bad,) = await asyncio.to_thread(claimed, job, lane.worker_id)
        await lane.until_stored([kept(bad, raw="{broken")])

    with_lane(work)
    assert rows("SELECT provider, model, answered, failed FROM call_minute") == [
        {"provider": "openai", "model": "gpt-5-mini", "answered": 1, "failed": 0}
    ]


@pytest.mark.parametrize(
    "reported",
    [
        {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 50}},
        {"prompt_tokens": -5, "completion_tokens": 1},
        {"prompt_tokens": 10**30, "completion_tokens": 1},
    ],
)
def test_senseless_token_counts_lose_no_answer(reported: dict[str, Any], openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(usage=reported)
    job = live_job([add_document()])
    run_job(job)
    assert states(job) == {"succeeded": 1}
    (booked,) = rows("SELECT status, cost_usd, priced, price, unpriced_reason FROM usage_record")
    assert booked == {"status": "ok", "cost_usd": None, "priced": False, "price": None, "unpriced_reason": "odd_usage"}


@pytest.mark.parametrize(
    "statement",
    [
        "A path like C:\\\\u0000 is kept.",
        "A \\u0000 is not text.",
        " ".join(f"{random.Random(1).getrandbits(64):x}{n}" for n in range(600)),
    ],
    ids=["backslash u0000", "NUL", "longer than an index entry"],
)
def test_odd_statements_become_insights(statement: str, openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(content=f'{{"points": [{{"statement": "{statement}", "quote": "No such."}}]}}')
    job = live_job([add_document()])
    run_job(job)
    run_job(live_job([add_document(f"{TEXT} And other text.", "other.txt")]))
    assert states(job) == {"succeeded": 1}
    assert len(rows("SELECT 1 FROM insight")) == 1


def test_a_model_name_with_a_nul_is_stored(openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(model="gpt\x00-5-mini")
    job = live_job([add_document()])
    run_job(job)
    assert states(job) == {"succeeded": 1}


def test_content_that_is_no_text_is_no_answer(openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(
        body=b'{"model": "m", "choices": [{"message": {"content": [1]}, "finish_reason": "stop"}]}'
    )
    job = live_job([add_document()])
    run_job(job)
    assert requests()[0]["error_code"] == "bad_response"


def test_closing_hears_what_comes_within_the_grace_and_books_the_rest(openai: LocalProvider) -> None:
    openai.plan = lambda asked: Reply(delay=0.2 if asked.document.startswith("Pump 0") else 5)
    job = live_job(many(3))
    expansion.expand_job(job)

    async def work(lane: LiveLane) -> None:
        pumping = asyncio.create_task(lane.pump(job))
        await until(lambda: openai.in_flight == 2)
        await lane.close(0.6)
        await pumping

    with_lane(work, concurrency=2)
    assert states(job) == {"answered": 1, "pending": 2} or states(job) == {"succeeded": 1, "pending": 2}
    assert sorted(row["status"] for row in usage()) == ["ok", "unheard"]
    assert len(openai.asked) == 2


def test_a_cancelled_pump_strands_no_request(openai: LocalProvider) -> None:
    """The queue's worker cancels its tasks when it loses its connection; the worker itself lives on."""
    job = live_job(many(20))
    expansion.expand_job(job)

    async def work(lane: LiveLane) -> None:
        for _ in range(20):
            pumping = asyncio.create_task(lane.pump(job))
            await asyncio.sleep(0.002)
            pumping.cancel()
            await asyncio.wait({pumping})
        await answer(lane, job)

    with_lane(work, concurrency=2)
    assert states(job) == {"succeeded": 20}
    assert set(openai.calls_by_document().values()) == {1}


def test_what_is_claimed_while_the_worker_stops_goes_back_unsent(openai: LocalProvider) -> None:
    job = live_job(many(3))
    expansion.expand_job(job)

    async def work(lane: LiveLane) -> None:
        with db.transaction() as session:
            single_flight.take_turn(session)
            pumping = asyncio.create_task(lane.pump(job))
            await until(lambda: rows(WAITING_FOR_A_LOCK) != [])
            closing = asyncio.create_task(lane.close(5))
            await asyncio.sleep(0.05)
        await closing
        await pumping

    with_lane(work)
    assert openai.asked == []
    assert usage() == []
    assert states(job) == {"pending": 3}


WAITING_FOR_A_LOCK = f"SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND {IN_THIS_DATABASE}"
