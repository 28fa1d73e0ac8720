"""A server that works through a queue of its own is waited for; one that is silent, or passes a call by, is not."""

import asyncio
import itertools
from typing import Any

import pytest

from core.errors import ProviderError
from core.providers.patience import Patience
from tests.local_provider import LocalProvider, Reply
from tests.pipeline import add_document, make_job, rows, run_job, states

AT_ONCE = 24
# Seconds between two answers, and how many of them a timeout lasts. With as much for the connection, the last call
# takes twice as long.
QUIET_S, SLOWER = 0.25, 6


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("maker", "model"), [("openai", "gpt-5-mini"), ("anthropic", "claude-haiku-4-5")])
def test_a_server_that_answers_one_at_a_time_loses_no_call(
    openai: LocalProvider, setting: Any, maker: str, model: str
) -> None:
    setting(
        ANTHROPIC_API_KEY="test", ANTHROPIC_BASE_URL=openai.anthropic_url, PROVIDER_TIMEOUT_SECONDS=QUIET_S * SLOWER
    )
    turns = itertools.count(1)
    openai.plan = lambda _: Reply(delay=QUIET_S * next(turns))
    documents = [add_document(f"Pump {number} failed.", f"{number}.txt") for number in range(AT_ONCE)]
    job = make_job(documents, provider=maker, model=model)
    run_job(job, AT_ONCE)
    assert states(job) == {"succeeded": AT_ONCE}
    assert len(openai.asked) == AT_ONCE
    assert openai.most_in_flight > 2 * SLOWER
    assert rows("SELECT DISTINCT status FROM usage_record") == [{"status": "ok"}]
    assert rows("SELECT 1 FROM breaker WHERE state <> 'closed'") == []


def test_a_call_that_the_server_passes_by_is_given_up() -> None:
    """Answers to calls that were sent later say nothing of it."""

    async def run() -> None:
        patience = Patience("openai", 0.2)

        async def others() -> None:
            while True:
                await patience.answer(asyncio.sleep(0.02))

        never = asyncio.create_task(patience.answer(asyncio.sleep(3600)))
        await asyncio.sleep(0)
        busy = asyncio.create_task(others())
        with pytest.raises(ProviderError) as caught:
            await never
        busy.cancel()
        assert (caught.value.code, caught.value.heard) == ("timeout", False)

    asyncio.run(run())


def test_a_call_that_is_cancelled_is_ended_at_the_server_too() -> None:
    ended: list[str] = []

    async def call() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def run() -> None:
        task = asyncio.create_task(Patience("openai", 60).answer(call()))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})
        await asyncio.sleep(0)

    asyncio.run(run())
    assert ended == ["cancelled"]
