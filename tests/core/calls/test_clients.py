"""Clients change with what they are made of, end what they began, and are closed where they were used."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from core.calls import clients, resilience
from core.errors import InvalidInput
from core.requests import expansion
from core.settings import credentials
from tests.local_provider import Asked, LocalProvider, Reply, error
from tests.pipeline import add_document, make_job, rows, run_job, states, until, with_lane

pytestmark = pytest.mark.usefixtures("database")
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(autouse=True)
def _set_up(openai: LocalProvider, setting: Any) -> None:
    setting(SECRET_KEY="s" * 32)


def key(asked: Asked) -> str:
    (value,) = (value for name, value in asked.headers.items() if name.lower() == "authorization")
    return value.removeprefix("Bearer ")


def keys(openai: LocalProvider) -> list[str]:
    return [key(asked) for asked in openai.asked]


def in_loop(run: Callable[[], Any]) -> None:
    async def whole() -> None:
        try:
            await run()
        finally:
            await clients.close()

    asyncio.run(whole())


async def call() -> Any:
    async with clients.lent("openai") as provider:
        await provider.call(BODY)
        return provider._client  # type: ignore[attr-defined]


async def change(key: str) -> None:
    """As the page does it: in a thread that is not the loop's."""
    await asyncio.to_thread(credentials.change, "openai", "", key)


def test_the_next_call_has_the_new_key_and_an_idle_client_is_closed(openai: LocalProvider) -> None:
    async def run() -> None:
        before = await call()
        await change("sk-new")
        after = await call()
        assert keys(openai) == ["test", "sk-new"]
        await until(before.is_closed)
        assert not after.is_closed()

    in_loop(run)


def test_a_call_in_flight_ends_on_the_client_it_began_with_which_is_closed_after_it(openai: LocalProvider) -> None:
    held = True

    async def run() -> None:
        nonlocal held
        openai.plan = lambda asked: Reply(held=lambda: held and key(asked) == "test")
        first, second = asyncio.create_task(call()), asyncio.create_task(call())
        await until(lambda: openai.in_flight == 2)
        before = clients.provider("openai")._client  # type: ignore[attr-defined]
        await change("sk-new")
        after = await call()
        assert not before.is_closed()
        held = False
        assert await first is await second is before
        assert before.is_closed()
        assert not after.is_closed()

    in_loop(run)
    assert sorted(keys(openai)) == ["sk-new", "test", "test"]


def test_what_changes_nothing_about_a_provider_leaves_its_client() -> None:
    async def run() -> None:
        before = await call()
        await asyncio.to_thread(resilience.change, {"preset": "production"})
        await asyncio.to_thread(credentials.change, "anthropic", "", "sk-other")
        assert await call() is before
        assert "anthropic" in clients.configured()

    in_loop(run)


def test_many_callers_while_keys_change_are_all_answered_and_leave_no_client_open() -> None:
    used = set()
    changed = asyncio.Event()

    async def caller() -> None:
        while not changed.is_set():
            used.add(await call())

    async def run() -> None:
        callers = [asyncio.create_task(caller()) for _ in range(8)]
        for number in range(10):
            await change(f"sk-{number}")
            used.add(await call())
        changed.set()
        await asyncio.gather(*callers)
        current = clients.provider("openai")._client  # type: ignore[attr-defined]
        await until(lambda: all(one.is_closed() for one in used - {current}))

    in_loop(run)
    assert len(used) >= 10


def test_a_client_that_is_closed_is_not_lent_again() -> None:
    async def run() -> None:
        client = clients.Client("as it is made", clients.provider("offline"))
        assert client.begin()
        client.retire()
        assert client.begin()
        await client.end()
        await client.end()
        assert not client.begin()

    in_loop(run)


def test_a_call_that_is_tried_again_has_the_new_key(openai: LocalProvider, setting: Any) -> None:
    setting(RETRY_ATTEMPTS=10, OPENAI_API_KEY="sk-old")

    def plan(asked: Asked) -> Reply:
        if key(asked) == "sk-new":
            return Reply()
        if len(openai.asked) == 3:
            credentials.change("openai", "", "sk-new")
        return error(409, retry_after="0.05")

    openai.plan = plan
    job = make_job([add_document(f"{n} is a text.", f"{n}.txt") for n in range(2)], provider="openai")
    run_job(job)
    assert states(job) == {"succeeded": 2}


def test_a_provider_that_was_taken_away_makes_its_requests_wait(openai: LocalProvider, setting: Any) -> None:
    credentials.change("openai", "", "sk-here")
    setting(OPENAI_API_KEY="", OPENAI_BASE_URL="", RETRY_ATTEMPTS=10)
    credentials.change("openai", openai.openai_url, "sk-here")

    def plan(_asked: Asked) -> Reply:
        credentials.remove_key("openai")
        credentials.change("openai", "")
        return error(409, retry_after="0.05")

    openai.plan = plan
    job = make_job([add_document()], provider="openai")
    expansion.expand_job(job)
    with_lane(lambda lane: lane.pump(job))
    assert states(job) == {"pending": 1}
    (found,) = rows("SELECT state, waits_for, error FROM job")
    assert found["state"] == "running"
    assert (found["waits_for"]["kind"], found["error"]) == ("not_set_up", None)
    told: list[Any] = []

    def answers(_asked: Asked) -> Reply:
        told.extend(rows("SELECT waits_for FROM job"))
        return Reply()

    openai.plan = answers
    credentials.change("openai", openai.openai_url, "sk-again")
    run_job(job)
    assert states(job) == {"succeeded": 1}
    assert told == [{"waits_for": None}]


def test_a_provider_that_is_not_set_up_is_told(setting: Any) -> None:
    setting(OPENAI_API_KEY="", OPENAI_BASE_URL="")
    with pytest.raises(InvalidInput, match="Settings page, or OPENAI_API_KEY"):
        clients.provider("openai")
    with pytest.raises(InvalidInput, match="no provider 'nobody'"):
        clients.provider("nobody")
