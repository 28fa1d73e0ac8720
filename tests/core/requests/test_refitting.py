"""What turns out too long for a model's context is split within its job, in both lanes, and nothing is paid twice."""

import asyncio
from collections.abc import Callable

import pytest

from core.live import lane
from core.requests import expansion, refitting
from core.runtime import worker_lease
from core.settings import learned_contexts
from tests import local_provider
from tests.batch_provider.lines import AskedLine, Line
from tests.batch_provider.server import BatchProvider
from tests.core.live.loopback_jobs import live_job, requests, usage
from tests.local_provider import Asked, LocalProvider, Reply
from tests.pipeline import add_document, make_job, rows, run_batches, run_job, states, with_lane

pytestmark = pytest.mark.usefixtures("database")

SENTENCES = [f"Pump {n} failed in week {n % 50} and was repaired. " for n in range(1_000)]
LONG = "".join(SENTENCES)
WORDS = "This model's maximum context length is {context} tokens. However, you requested 15024 tokens."
MODEL = "llama-3"


def size(asked: Asked | AskedLine) -> int:
    return sum(len(str(message["content"])) for message in asked.body["messages"])


def refusing(characters: int, context: int = 8_192, content: str = '{"points": []}') -> Callable[[Asked], Reply]:
    def plan(asked: Asked) -> Reply:
        if size(asked) > characters:
            return local_provider.error(400, "context_length_exceeded", WORDS.format(context=context))
        return Reply(content=content)

    return plan


def test_a_document_is_asked_in_parts_once_its_refusal_names_the_context(openai: LocalProvider) -> None:
    openai.plan = refusing(40_000)
    first, second = add_document(LONG, "a.txt"), add_document(LONG.replace("Pump", "Fan"), "b.txt")
    job = live_job([first, second], model=MODEL)
    run_job(job, concurrency=1)
    refused = [one for one in openai.asked if size(one) > 40_000]
    # The first was refused; the second was not sent as a whole, as the context was known by then.
    assert len(refused) == 1
    assert learned_contexts.of("openai", openai.openai_url, MODEL) == 8_192
    assert learned_contexts.of("openai", "http://elsewhere/v1", MODEL) > 100_000
    assert set(states(job)) == {"succeeded"}
    assert len(usage()) == len(openai.asked) - 1 == states(job)["succeeded"]
    whole, *parts = rows("SELECT custom_id, merge_id, id FROM request WHERE document_id = :id ORDER BY id", id=first)
    assert (whole["custom_id"], whole["merge_id"], parts[0]["custom_id"]) == (first, None, f"{first}.1")
    assert None not in {part["merge_id"] for part in parts}
    assert "asked in parts: a.txt, b.txt" in str(rows("SELECT message FROM job_event WHERE kind = 'split'"))
    # The merged answer is the document's, and known from now on.
    before = len(openai.asked)
    run_job(live_job([first, second], model=MODEL))
    assert len(openai.asked) == before


def test_a_server_that_counts_more_tokens_than_we_do_gets_smaller_parts(openai: LocalProvider) -> None:
    # By our count what it refuses would fit: 40,000 characters are some 13,000 tokens.
    openai.plan = refusing(12_000, context=100_000)
    job = live_job([add_document(LONG)], model=MODEL)
    run_job(job)
    assert set(states(job)) == {"succeeded"}
    answered = [one.document for one in openai.asked if one.document and size(one) <= 12_000]
    assert sum(len(text) for text in answered) == pytest.approx(len(LONG), abs=50)
    assert len(usage()) == sum(size(one) <= 12_000 for one in openai.asked)


def test_answers_that_are_too_many_for_one_merge_are_merged_by_some(openai: LocalProvider) -> None:
    whole = refusing(40_000, context=8_192, content='{"summary": "Short."}')

    def too_many(asked: Asked) -> bool:
        return asked.body["messages"][1]["content"].count('{"part":') > 2

    def plan(asked: Asked) -> Reply:
        return whole(asked) if not too_many(asked) else local_provider.error(400, message=WORDS.format(context=8_192))

    openai.plan = plan
    text = LONG + LONG.replace("Pump", "Fan")
    job = live_job([document := add_document(text)], "summarize", model=MODEL)
    run_job(job)
    assert any(too_many(asked) for asked in openai.asked)
    assert set(states(job)) == {"succeeded"}
    refused = sum(too_many(asked) or size(asked) > 40_000 for asked in openai.asked)
    assert len(usage()) == len(openai.asked) - refused == states(job)["succeeded"]
    # Each answer goes into one merge, and those in the order of the document.
    found = rows("SELECT id, custom_id, merge_id FROM request ORDER BY id")
    assert [row["custom_id"] for row in found if row["merge_id"] is None] == [document]
    parts = [row["merge_id"] for row in found if row["custom_id"].rpartition(".")[2].isdigit()]
    assert parts == sorted(parts)
    assert any(".merge0-" in row["custom_id"] for row in found)


def test_what_cannot_be_split_fails_in_the_server_s_words(openai: LocalProvider) -> None:
    openai.plan = refusing(0)
    job = live_job([add_document("A pump failed.")], model=MODEL)
    run_job(job)
    assert states(job) == {"failed": 1}
    assert "maximum context length is 8192" in requests()[0]["error_message"]
    assert (len(openai.asked), usage()) == (1, [])
    assert rows("SELECT refit FROM job") == [{"refit": False}]


def test_a_worker_that_dies_between_refusal_and_split_loses_nothing(openai: LocalProvider) -> None:
    openai.plan = refusing(40_000)
    job = live_job([document := add_document(LONG)], model=MODEL)
    expansion.expand_job(job)

    async def refused_only(live: lane.LiveLane) -> None:
        mine: set[asyncio.Task[None]] = set()
        await live.claim_and_call(job, mine)
        await asyncio.wait(mine)

    with_lane(refused_only)
    assert rows("SELECT refit, state FROM job") == [{"refit": True, "state": "running"}]
    assert [(row["state"], row["error_code"]) for row in requests()] == [("pending", "context_too_long")]
    # Whoever comes next splits it before anything is claimed; a second time there is nothing to split.
    claimed = lane.claim(job, worker_lease.register("test"), 1)
    assert [call.input_tokens < 8_192 for call in claimed.calls] == [True]
    there = rows("SELECT custom_id FROM request ORDER BY id")
    refitting.refit(job)
    assert rows("SELECT custom_id FROM request ORDER BY id") == there
    assert there[0] == {"custom_id": document}


def test_lines_of_a_batch_that_are_too_long_go_again_in_parts(batch_server: BatchProvider) -> None:
    def plan(asked: AskedLine) -> Line:
        if size(asked) > 40_000:
            return Line(status=400, code="context_length_exceeded", message=WORDS.format(context=8_192))
        return Line(content='{"summary": "Short."}')

    batch_server.line_plan = plan
    job = make_job([add_document(LONG)], "summarize", provider="openai", model=MODEL, lane="batch")
    run_batches(job)
    assert set(states(job)) == {"succeeded"}
    sizes = [row["requests"] for row in rows("SELECT requests FROM provider_batch ORDER BY created_at")]
    assert (sizes[0], sizes[-1], len(sizes)) == (1, 1, 3)
    assert len(usage()) == sizes[1] + 1 == states(job)["succeeded"]
