"""Limits that are set while Cairn runs, where each of them is kept to."""

import asyncio
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.documents import upload
from core.errors import InvalidInput, NotConfirmed
from core.jobs import launch, own_requests
from core.jobs.launch import JobSpec
from core.live.lane import LiveLane, Slots
from core.requests import expansion
from core.runtime import db, worker_lease
from core.settings import limits, store
from tests.local_provider import LocalProvider, Reply
from tests.pipeline import (
    PATIENCE_S,
    add_document,
    make_job,
    ready_documents,
    rows,
    run_batches,
    states,
    until,
    with_lane,
)

pytestmark = pytest.mark.usefixtures("database")
MODEL = "gpt-5-mini"


def put(name: str, value: str) -> None:
    limits.change(name, Decimal(value))


def test_what_is_set_here_goes_before_the_environment_and_that_before_ours(setting: Any) -> None:
    assert limits.of("max_upload_mb") == (200, "default")
    setting(MAX_UPLOAD_MB=300)
    assert limits.of("max_upload_mb") == (300, "environment")
    put("max_upload_mb", "7")
    assert limits.of("max_upload_mb") == (7, "here")
    assert limits.upload_mb() == 7
    limits.change("max_upload_mb", None)
    assert limits.of("max_upload_mb") == (300, "environment")
    assert (
        limits.live_calls(),
        limits.batches(),
        limits.batch_tokens(),
        limits.batch_usd(),
        limits.confirm_usd(),
    ) == (
        32,
        50,
        200_000_000,
        1000,
        None,
    )


def test_every_limit_is_a_setting_within_its_bounds() -> None:
    for name, bounds in limits.LIMITS.items():
        value, _ = limits.of(name)
        assert value is None or limits.checked(name, value) == value
        assert limits.checked(name, bounds.most) == bounds.most


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("max_upload_mb", "0", "MAX_UPLOAD_MB is a whole number from 1 to 2,000"),
        ("max_upload_mb", "2001", "from 1 to 2,000"),
        ("live_concurrency", "1.5", "a whole number from 1 to 512"),
        ("batch_usd_in_flight", "NaN", "a number from 0.01"),
        ("batch_usd_in_flight", "Infinity", "a number from 0.01"),
        ("rate_limit", "1", "There is no limit"),
    ],
)
def test_a_limit_that_cannot_be_set(name: str, value: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        put(name, value)
    assert store.history() == []


@pytest.mark.parametrize("value", [{}, {"value": "0"}, {"value": "many"}, {"value": None}])
def test_a_stored_limit_that_cannot_be_read_does_not_count(value: dict[str, Any]) -> None:
    with db.transaction() as session:
        store.put(session, "ceiling:live_concurrency", value)
    store.load()
    assert limits.of("live_concurrency") == (32, "default")


def test_the_largest_upload_holds_at_once() -> None:
    put("max_upload_mb", "1")
    with pytest.raises(InvalidInput, match="larger than 1 MB"):
        upload.add("large.txt", io.BytesIO(b"x" * ((1 << 20) + 1)))
    put("max_upload_mb", "2")
    upload.add("large.txt", io.BytesIO(b"x" * ((1 << 20) + 1)))


def test_more_slots_wake_those_who_wait_and_fewer_let_what_runs_end() -> None:
    most = 1

    async def work() -> None:
        nonlocal most
        slots = Slots(lambda: most)
        looking = asyncio.create_task(slots.look_forever())
        assert await slots.take() == 1
        waiting = asyncio.create_task(slots.take())
        await asyncio.sleep(0)
        assert not waiting.done()
        most = 3
        assert await asyncio.wait_for(waiting, PATIENCE_S) == 2
        most = 1
        slots.give_back(2)
        last = asyncio.create_task(slots.take())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not last.done()
        slots.give_back(1)
        assert await asyncio.wait_for(last, PATIENCE_S) == 1
        looking.cancel()

    asyncio.run(work())


def test_live_calls_at_once_follow_the_limit_while_a_job_runs(openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(delay=0.05)
    job = make_job(ready_documents(60), "summarize", provider="openai", model=MODEL)
    put("live_concurrency", "2")

    async def work(_: LiveLane) -> None:
        lane = LiveLane(await asyncio.to_thread(worker_lease.register, "other"), limits.live_calls)
        await lane.open()
        await asyncio.to_thread(expansion.expand_job, job)
        pumping = asyncio.create_task(lane.pump(job))
        await until(lambda: states(job).get("succeeded", 0) >= 6)
        assert openai.most_in_flight == 2
        await asyncio.to_thread(put, "live_concurrency", "8")
        await pumping
        assert 2 < openai.most_in_flight <= 8
        await lane.close(5)

    with_lane(work)


def test_batches_in_flight_are_capped_by_what_is_set_here(batch_server: object) -> None:
    put("batches_in_flight", "1")
    documents_ = ready_documents(4)
    first, second = (
        make_job(documents_[n : n + 2], "summarize", provider="openai", model=MODEL, lane="batch") for n in (0, 2)
    )
    for job in (first, second):
        run_batches(job, rounds=1)
    assert [states(job) for job in (first, second)] == [{"in_flight": 2}, {"pending": 2}]
    put("batches_in_flight", "2")
    run_batches(second, rounds=1)
    assert states(second) == {"in_flight": 2}


class TestConfirming:
    def spec(self, **changes: Any) -> JobSpec:
        chosen = {"template": "summarize", "provider": "openai", "model": MODEL, **changes}
        return JobSpec(documents=(add_document(),), **chosen)

    def create(self, start: bool = True, **changes: Any) -> str:
        return launch.create(self.spec(**changes), datetime.now(UTC), start=start)

    def test_any_job_starts_unless_a_limit_is_set(self, openai: LocalProvider) -> None:
        assert self.create()

    def test_a_job_above_it_starts_only_when_that_is_confirmed(self, openai: LocalProvider) -> None:
        put("confirm_job_usd", "0")
        with pytest.raises(NotConfirmed, match="is estimated at"):
            self.create()
        assert rows("SELECT 1 FROM job") == []
        assert self.create(confirmed=True)
        put("confirm_job_usd", "1")
        assert self.create()

    def test_what_has_no_price_is_not_free(self, openai: LocalProvider) -> None:
        put("confirm_job_usd", "1")
        with pytest.raises(NotConfirmed, match="has no known price"):
            self.create(model="house-model-1")

    def test_what_documents_cost_that_are_not_read_yet_nobody_knows(self, openai: LocalProvider) -> None:
        put("confirm_job_usd", "1000")
        unread = upload.add("new.txt", io.BytesIO(b"New.")).document.id
        with pytest.raises(NotConfirmed, match="not read yet"):
            launch.create(JobSpec("summarize", "openai", documents=(unread,)), datetime.now(UTC))
        assert launch.create(JobSpec("summarize", "openai", documents=(unread,), confirmed=True), datetime.now(UTC))

    def test_the_offline_engine_costs_nothing(self) -> None:
        put("confirm_job_usd", "0")
        assert self.create(provider="offline", model=None)
        unread = upload.add("new.txt", io.BytesIO(b"New.")).document.id
        assert launch.create(JobSpec("summarize", "offline", documents=(unread,)), datetime.now(UTC))

    def test_a_draft_is_confirmed_when_it_is_started(self, openai: LocalProvider) -> None:
        put("confirm_job_usd", "0")
        draft = self.create(start=False)
        with pytest.raises(NotConfirmed):
            launch.start(draft)
        assert rows("SELECT state FROM job") == [{"state": "draft"}]
        launch.start(draft, confirmed=True)
        # Started already: nothing is asked and nothing is done.
        launch.start(draft)

    def test_own_requests_are_confirmed_when_they_are_started(self, openai: LocalProvider) -> None:
        put("confirm_job_usd", "0")
        job = launch.create(JobSpec(None, "openai", model=MODEL), datetime.now(UTC), start=False)
        own_requests.add_requests(
            job, [b'{"custom_id": "1", "body": {"messages": [{"role": "user", "content": "Hi"}]}}'], datetime.now(UTC)
        )
        with pytest.raises(NotConfirmed, match="is estimated at"):
            launch.start(job)
        launch.start(job, confirmed=True)
        assert rows("SELECT state FROM job") == [{"state": "queued"}]


def test_a_job_in_a_language_does_not_fall_back_to_an_engine_that_cannot_translate(openai: LocalProvider) -> None:
    back = launch.Fallback(provider="offline")
    with pytest.raises(InvalidInput, match="cannot translate"):
        make_job([add_document()], "summarize", provider="openai", params={"language": "German"}, fallback=back)
    assert make_job([add_document()], "summarize", provider="openai", fallback=back)
