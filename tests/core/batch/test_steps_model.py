"""Whatever happens in whatever order, no answer is paid for twice, no request is lost, and the figures add up.

Random sequences of jobs, rounds, crashes, faults and the provider's moods run against the real machine; the provider's
own bill is the model. A crash is a worker that is cut off in the middle of a call and never seen again.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.batch import steps
from core.batch.steps import Batches
from core.calls import clients
from core.jobs import control, resend
from core.jobs.launch import Leftovers
from core.money import pricing
from core.providers.usage import Usage
from core.requests import expansion
from core.runtime import db, worker_lease
from tests import batch_provider, emptying, pipeline
from tests.batch_provider import AskedLine, BatchProvider, Line
from tests.pipeline import make_job, open_batches, ready_documents, rows, run_batches, states

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-haiku-4-5"}
BROKEN = '{"wrong": true}'
# What becomes of every other request while the provider is in this mood.
MOODS: dict[str, Line] = {
    "well": Line(),
    "failing": Line(status=500),
    "refusing": Line(status=400),
    "losing": Line(missing=True, billed=False),
    "expiring": Line(outcome="expired"),
    "stammering": Line(duplicate=True),
    "babbling": Line(content=BROKEN),
}
CRASHES = (
    "upload.before",
    "upload.after",
    "create.before",
    "create.after",
    "retrieve.after",
    "content.before",
    "list.after",
)


class Overnight(RuleBasedStateMachine):
    def __init__(self, url: str, setting: Callable[..., None]):
        super().__init__()
        self.url = url
        self.open = contextlib.ExitStack()
        self.server: BatchProvider = self.open.enter_context(batch_provider.running())
        self.server.auto = False
        self.server.line_plan = self.plan
        self.mood = "well"
        self.unusable: Counter[str] = Counter()
        self.jobs: list[str] = []
        setting(
            OPENAI_API_KEY="test",
            OPENAI_BASE_URL=self.server.openai_url,
            ANTHROPIC_API_KEY="test",
            ANTHROPIC_BASE_URL=self.server.anthropic_url,
            RETRY_ATTEMPTS=0,
            BATCH_POLL_SECONDS=0.2,
            BATCH_SETTLE_SECONDS=0,
        )

    def plan(self, asked: AskedLine) -> Line:
        odd = hash(asked.document.split()[0][-1]) % 2 if asked.document else 0
        line = MOODS[self.mood] if odd else Line()
        if line.content == BROKEN:
            self.unusable[key(asked.body["model"], asked.document)] += 1
        return line

    @initialize()
    def documents(self) -> None:
        self.ids = ready_documents(4)

    @rule(
        provider=st.sampled_from(sorted(MODELS)),
        first=st.integers(0, 3),
        count=st.integers(1, 4),
        canary=st.sampled_from([0, 0, 1]),
        leftovers=st.sampled_from([None, Leftovers(1, then_live=True), Leftovers(0)]),
        unheard=st.sampled_from([None, "before", "after"]),
    )
    @precondition(lambda self: len(self.jobs) < 3)
    def submit(
        self, provider: str, first: int, count: int, canary: int, leftovers: Leftovers | None, unheard: str | None
    ) -> None:
        chosen = self.ids[first : first + count]
        spec = {"provider": provider, "model": MODELS[provider], "canary": canary, "leftovers": leftovers}
        self.jobs.append(make_job(chosen, "summarize", lane="batch", **spec))
        if unheard:
            self.server.fail_next("create", 500, after=unheard == "after")

    @rule(times=st.integers(1, 3))
    def work(self, times: int) -> None:
        for job in self.jobs:
            run_batches(job, rounds=times)

    @rule(mood=st.sampled_from(sorted(MOODS)))
    def turn(self, mood: str) -> None:
        self.mood = mood

    @rule(how=st.sampled_from(["finish", "expire", "cancelled"]), done=st.integers(0, 2))
    def end_a_batch(self, how: str, done: int) -> None:
        for batch in self.server.batches:
            if not batch.ended:
                limit = min(done, len(batch.requests))
                self.server.finish(batch.id) if how == "finish" else getattr(self.server, how)(batch.id, done=limit)
                return

    @rule(
        route=st.sampled_from(["create", "create", "upload", "list", "retrieve"]),
        after=st.booleans(),
        reset=st.booleans(),
    )
    def fail(self, route: Any, after: bool, reset: bool) -> None:
        self.server.fail_next(route, 500, after=after, reset=reset)

    @rule(point=st.sampled_from(CRASHES))
    def crash(self, point: str) -> None:
        for job in self.jobs:
            expansion.expand_job(job)
            steps.pack_job(job)
            for batch_id in open_batches(job):
                self.server.hold(point)
                asyncio.run(self._die_in(batch_id, point))
                self.server.release(point)

    async def _die_in(self, batch_id: str, point: str) -> None:
        worker_id = worker_lease.register("mortal")
        working = Batches(worker_id)
        step = asyncio.create_task(working.advance(batch_id, due_only=False))
        while not step.done():
            with contextlib.suppress(TimeoutError):
                await asyncio.to_thread(self.server.reached, point, 0.02)
                working.running[batch_id].cancel()
                break
        await asyncio.wait({step})
        with db.transaction() as session:
            db.execute(session, "DELETE FROM worker WHERE id = :id", id=worker_id)
        clients.forget()

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 2), how=st.sampled_from(["cancel", "pause", "resume", "retry", "live"]))
    def steer(self, number: int, how: str) -> None:
        job = self.jobs[number % len(self.jobs)]
        (row,) = rows("SELECT state FROM job WHERE id = :job", job=job)
        if how == "cancel":
            control.cancel(job)
        elif how == "pause" and row["state"] in ("queued", "running"):
            control.pause(job)
        elif how == "resume" and row["state"] == "paused":
            control.resume(job)
        elif how in ("retry", "live"):
            resend.retry(job, "live" if how == "live" else None)

    @invariant()
    def nothing_is_paid_for_twice(self) -> None:
        for name, times in self.paid().items():
            assert times <= 1 + self.unusable[name], f"{name} was answered {times} times"

    @invariant()
    def nothing_is_booked_that_was_not_billed(self) -> None:
        assert len(rows("SELECT 1 FROM usage_record WHERE NOT reused")) <= sum(self.paid().values())

    def paid(self) -> Counter[str]:
        """Answers that the provider charges for, of both lanes."""
        batch = Counter(key(billed.model, billed.document) for billed in self.server.bill)
        return batch + Counter(key(asked.body["model"], asked.document) for asked in self.server.asked)

    def teardown(self) -> None:
        try:
            self.morning()
        finally:
            self.open.close()
            clients.forget()
            emptying.empty(self.url)

    def morning(self) -> None:
        """Everything ends well in the end, and the books are the bill's."""
        self.mood = "well"
        self.server.fail_no_more()
        rounds = 0
        while unfinished := [job for job in self.jobs if not pipeline.ended(job)]:
            rounds += 1
            assert rounds < 40, [(states(job), pipeline.batch_rows(job)) for job in unfinished]
            for job in unfinished:
                (row,) = rows("SELECT state FROM job WHERE id = :job", job=job)
                if row["state"] == "paused":
                    control.resume(job)
                run_batches(job, rounds=2)
            for batch in self.server.batches:
                if not batch.ended:
                    self.server.finish(batch.id)
        for job in self.jobs:
            assert set(states(job)) <= {"succeeded", "failed", "cancelled"}
            (row,) = rows("SELECT count(*) AS n FROM job_document WHERE job_id = :job AND NOT expanded", job=job)
            assert row["n"] == 0
        self.nothing_is_paid_for_twice()
        booked = rows("SELECT lane, input_tokens, output_tokens, cost_usd FROM usage_record WHERE NOT reused")
        assert len(booked) == sum(self.paid().values())
        in_batches = [row for row in booked if row["lane"] == "batch"]
        assert sum(row["input_tokens"] for row in in_batches) == self.server.billed_total().input
        assert sum(row["cost_usd"] for row in in_batches) == sum(
            (cost(billed) for billed in self.server.bill), Decimal(0)
        )


def key(model: str, document: str) -> str:
    return f"{model}: {document}"


def cost(billed: Any) -> Decimal:
    provider = next(name for name, model in MODELS.items() if model == billed.model)
    used = Usage(input_tokens=billed.used.input, output_tokens=billed.used.output)
    price = pricing.price(provider, billed.model, used, "batch", db_now())
    assert price.cost is not None
    return price.cost


def db_now() -> Any:
    with db.transaction() as session:
        return db.now(session)


@pytest.mark.timeout(150)
def test_no_answer_is_paid_for_twice_and_none_is_lost(database: str, setting: Callable[..., None]) -> None:
    run_state_machine_as_test(
        cast(Any, partial(Overnight, database, setting)), settings=settings(max_examples=20, stateful_step_count=12)
    )
