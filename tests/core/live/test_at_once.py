"""Calls at once of a provider, as they are set on its row, over all jobs; and its context."""

import asyncio
from typing import Any

import pytest

from core.calls import clients
from core.live import single_text
from core.requests import expansion
from core.settings import learned_contexts, provider_changes
from core.settings.provider_changes import Change
from tests.local_provider import LocalProvider, Reply, error
from tests.pipeline import add_document, make_job, ready_documents, rows, run_job, states, with_lane

pytestmark = pytest.mark.usefixtures("database")


def test_no_more_calls_are_under_way_than_its_row_says(
    openai: LocalProvider,
) -> None:
    openai.plan = lambda _asked: Reply(delay=0.02)
    provider_changes.add("Serial", "openai", Change(base_url=openai.openai_url, concurrency=2, prices="free"))
    documents = ready_documents(6)
    first, second = (
        make_job(documents[:4], template, provider="Serial", model="m") for template in ("summarize", "questions")
    )

    async def both(lane: Any) -> None:
        for job in (first, second):
            await asyncio.to_thread(expansion.expand_job, job)
        while any(states(job).get("succeeded") != 4 for job in (first, second)):
            await asyncio.gather(lane.pump(first), lane.pump(second))

    with_lane(both)
    assert openai.most_in_flight == 2
    openai.most_in_flight = 0
    provider_changes.change("Serial", Change(concurrency=None))
    openai.plan = lambda _asked: Reply(delay=0.2)
    run_job(make_job(documents, "key_points", provider="Serial", model="m"))
    assert openai.most_in_flight > 2


def test_a_single_text_waits_for_others_of_its_kind_alone(openai: LocalProvider) -> None:
    provider_changes.add("Serial", "openai", Change(base_url=openai.openai_url, concurrency=1))
    openai.plan = lambda _asked: Reply(delay=0.05)

    async def several() -> None:
        texts = (f"The text of number {number}." for number in range(3))
        await asyncio.gather(*(single_text.process("summarize", text, {}, "Serial", "m") for text in texts))
        await clients.close()

    asyncio.run(several())
    assert (openai.most_in_flight, len(openai.asked)) == (1, 3)


def test_a_context_that_is_set_goes_before_what_is_known_and_learned(openai: LocalProvider) -> None:
    provider_changes.change("openai", Change(context_tokens=8_000))
    learned_contexts.learn("openai", openai.openai_url, "gpt-5.4-mini", "maximum context length is 4096 tokens")
    assert learned_contexts.of("openai", openai.openai_url, "gpt-5.4-mini") == 8_000
    text = " ".join(f"Sentence {number} of a long document stands here alone." for number in range(1_500))
    job = make_job([add_document(text)], "summarize", provider="openai", model="gpt-5.4-mini")
    run_job(job)
    asked = rows("SELECT max(input_tokens) AS most, count(*) AS parts FROM request WHERE input_tokens > 0")[0]
    assert asked["parts"] > 2
    assert asked["most"] < 8_000
    provider_changes.change("openai", Change(context_tokens=None))
    assert learned_contexts.of("openai", openai.openai_url, "gpt-5.4-mini") == 4_096


def test_a_refusal_that_names_less_than_is_set_says_where_to_correct_it(openai: LocalProvider) -> None:
    provider_changes.change("openai", Change(context_tokens=8_000))
    openai.plan = lambda _asked: error(400, "context_length_exceeded", "This model's maximum context length is 4096.")
    run_job(make_job(ready_documents(1), "summarize", provider="openai", model="gpt-5.4-mini"))
    (failed,) = rows("SELECT error_message FROM request")
    assert "takes 4,096 tokens, and 8,000 are set on the Settings page" in failed["error_message"]
