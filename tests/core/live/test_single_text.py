"""One text now: asked once, kept before it is judged, and priced whatever comes of it."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.calls import clients
from core.calls.outcomes import Kept
from core.health import report, sampling
from core.live import release, single_text
from core.money.pricing import Price
from core.providers.usage import Usage
from core.runtime import db, worker_lease
from core.upkeep import tick
from tests.local_provider import Asked, LocalProvider, Reply
from tests.pipeline import SLEPT, TEXT, are_alive, change, rows, until

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _one_loop() -> Iterator[None]:
    yield
    clients.forget()


def test_an_answer_that_no_database_takes_is_kept_and_paid(openai: LocalProvider) -> None:
    prepared = single_text.prepare("summarize", TEXT, {}, "openai", None)
    assert prepared is not None
    bad = Kept(
        call=prepared.call,
        at=datetime.now(UTC),
        model="m",
        raw="{broken",
        text="",
        finish_reason="stop",
        usage=Usage(100, 0, 0, 10),
        price=Price(Decimal("0.01")),
        latency_ms=1,
        provider_request_id=None,
    )
    single_text.keep_now([bad])
    assert [(r["state"], r["error_code"]) for r in rows("SELECT * FROM request")] == [("failed", "not_storable")]
    assert [r["cost_usd"] for r in rows("SELECT cost_usd FROM usage_record")] == [Decimal("0.01")]
    assert [r["raw"] for r in rows("SELECT raw FROM response")] == ["{broken"]
    assert rows("SELECT answered, failed FROM call_minute") == [{"answered": 1, "failed": 0}]


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
    prepared = single_text.prepare(*ask)
    assert prepared is not None
    with pytest.raises(TypeError):
        asyncio.run(single_text.ask_and_keep(replace(prepared.call, template_id=["no id"])))  # type: ignore[arg-type]
    assert single_text.prepare(*ask) is not None


SINGLE = "INSERT INTO request (custom_id, fingerprint, lane, state, attempts, claimed_at, worker_id) VALUES "


def test_the_tick_leaves_a_single_text_alone_until_it_is_abandoned() -> None:
    web = worker_lease.register("web", "web")
    with db.transaction(everywhere=True) as session:
        db.execute(session, f"{SINGLE}('young', 'f1', 'live', 'in_flight', 1, now() - interval '50 minutes', {web})")
        db.execute(session, f"{SINGLE}('old', 'f2', 'live', 'in_flight', 1, now() - interval '61 minutes', {web})")
        db.execute(session, f"{SINGLE}('torn', 'f3', 'live', 'answered', 1, now() - interval '61 minutes', {web})")
        db.execute(session, f"{SINGLE}('dead', 'f4', 'live', 'answered', 1, now(), {web + 1})")
        assert release.release_dead(session, 15) == []
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
        prepared = single_text.prepare(*ask)
        assert prepared is not None
        tick.tick(datetime.now(UTC))
        assert single_text.prepare(*ask) is None
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
        prepared = single_text.prepare(*ask)
        assert prepared is not None
        asyncio.run(single_text.ask_and_keep(prepared.call))
        assert single_text.prepare(*ask) is None
        take_over()
    assert [r["status"] for r in rows("SELECT status FROM usage_record")] == ["ok"]
    assert single_text.prepare(*ask) is not None


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


def test_who_slept_keeps_the_text_that_is_asked_on_waking(
    openai: LocalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_text, "_worker_id", worker_lease.register("slept", "web"))
    change(SLEPT)
    assert single_text.prepare("summarize", TEXT, {}, "openai", None) is not None
    assert are_alive()
