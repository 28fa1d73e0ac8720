"""However often a job goes on with another model, and whatever comes back in whatever order: each document ends with
one answer, no call meets another provider than its own, no answer is known under a model that did not give it.

Random sequences run against the real claims, records, expansion and moves; the calls alone are made up here.
"""

import contextlib
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.answers import derive as answers_derive
from core.asking import templates
from core.asking.request_plan import Question
from core.calls import clients
from core.calls.outcomes import Call, Failed, Kept
from core.errors import Conflict, InvalidInput
from core.jobs import control, moving
from core.live import lane
from core.money import pricing
from core.providers.usage import Usage
from core.requests import expansion, finishing
from core.runtime import db, tokens, worker_lease
from core.runtime.text import text_hash
from core.tables.jobs import Job
from tests import emptying
from tests.pipeline import keep_now, make_job, ready_documents, rows, states

# The first reads little at once: the long document is asked in parts there.
MODELS = (("openai", "gpt-4"), ("openai", "gpt-5-mini"), ("anthropic", "claude-haiku-4-5"))
LONG = "".join(
    f"Plant {n} lost output. " + "Its pump failed in winter and was replaced. " * 10 + "\n\n" for n in range(40)
)
GOOD, BROKEN = '{"summary": "All is well."}', '{"wrong": true}'


class Moving(RuleBasedStateMachine):
    def __init__(self, url: str):
        super().__init__()
        self.url = url
        self.calls: list[Call] = []
        self.lost: list[Call] = []
        self.answered: set[tuple[int, int]] = set()

    @initialize(long=st.booleans(), canary=st.sampled_from([0, 0, 1]))
    def begin(self, long: bool, canary: int) -> None:
        self.ids = ready_documents(4)
        if long:
            with db.transaction() as session:
                db.execute(session, "UPDATE document SET tokens = :n WHERE id = 'doc_0001'", n=tokens.count(LONG))
                sql = "UPDATE document_text SET text = :text, sha256 = :sha WHERE document_id = 'doc_0001'"
                db.execute(session, sql, text=LONG, sha=text_hash(LONG))
        provider, model = MODELS[0]
        self.job = make_job(self.ids, "summarize", provider=provider, model=model, canary=canary)
        self.worker = worker_lease.register("test")
        expansion.expand_job(self.job)

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        claimed = lane.claim(self.job, self.worker, limit)
        for call in claimed.calls:
            assert (call.provider, call.body["model"]) in MODELS
            assert call.body["model"] == call.model
            assert ("system" in call.body) == (call.provider == "anthropic")
        self.calls += claimed.calls

    def _take(self, which: int, calls: list[Call]) -> Call | None:
        return calls.pop(which % len(calls)) if calls else None

    @rule(which=st.integers(0, 9), text=st.sampled_from([GOOD, GOOD, BROKEN]), late=st.booleans())
    def answer(self, which: int, text: str, late: bool) -> None:
        """A late one is of a worker that was taken for dead."""
        if call := self._take(which, self.lost if late else self.calls):
            self._keep(call, text)

    def _keep(self, call: Call, text: str) -> None:
        at, usage = datetime.now(UTC), Usage(input_tokens=10, output_tokens=5)
        price = pricing.price(call.provider, call.model, usage, "live", at)
        self.answered.add((call.request_id, call.attempt))
        keep_now(Kept(call, at, call.model, "{}", text, "stop", usage, price, 1, None))

    @rule(which=st.integers(0, 9), again=st.booleans())
    def fail(self, which: int, again: bool) -> None:
        if call := self._take(which, self.calls):
            keep_now(Failed(call, "server_error", "No.", again=again))

    @rule(which=st.integers(0, 9))
    def lose(self, which: int) -> None:
        if call := self._take(which, self.calls):
            with db.transaction() as session:
                sql = "UPDATE request SET state = 'pending', worker_id = NULL WHERE id = :id AND state = 'in_flight'"
                db.execute(session, sql, id=call.request_id)
            self.lost.append(call)

    @rule(to=st.sampled_from(MODELS))
    def move(self, to: tuple[str, str]) -> None:
        with contextlib.suppress(InvalidInput, Conflict):
            moving.to_model(self.job, *to)

    @rule()
    def derive(self) -> None:
        answers_derive.derive_chunk()

    @rule()
    def look(self) -> None:
        """What the clock has done."""
        expansion.expand_job(self.job)

    @rule()
    def release(self) -> None:
        if self._state() == "paused":
            control.resume(self.job)

    def _state(self) -> str:
        return str(rows("SELECT state FROM job")[0]["state"])

    @invariant()
    def every_answer_is_known_under_the_model_that_gave_it(self) -> None:
        if not hasattr(self, "job"):
            return
        with db.transaction() as session:
            job = session.get_one(Job, self.job)
            asking = templates.asking(session, cast(str, job.template_id), job.params, job.template_version)
            hashes = [row.sha256 for row in db.rows(session, "SELECT sha256 FROM document_text")]
        whose = {
            Question(asking, clients.provider(provider), model, "").fingerprint(one): model
            for provider, model in MODELS
            for one in hashes
        }
        for row in rows("SELECT fingerprint, model FROM response"):
            assert whose.get(row["fingerprint"], row["model"]) == row["model"]

    @invariant()
    def nothing_is_billed_twice_and_every_call_is_billed(self) -> None:
        billed = rows("SELECT request_id, attempt FROM usage_record WHERE NOT reused")
        assert {(int(row["request_id"]), row["attempt"]) for row in billed} == self.answered
        assert len(billed) == len(self.answered)

    @invariant()
    def no_document_has_two_answers(self) -> None:
        sql = """SELECT document_id FROM request WHERE custom_id = document_id AND state IN ('succeeded', 'answered')
                 GROUP BY 1 HAVING count(*) > 1"""
        assert rows(sql) == []

    def teardown(self) -> None:
        try:
            if hasattr(self, "job"):
                self._through()
        finally:
            emptying.empty(self.url)

    def _through(self) -> None:
        """With a provider that is well again, it ends."""
        for _ in range(60):
            while self.calls:
                self._keep(self.calls.pop(), GOOD)
            while answers_derive.derive_chunk():
                pass
            expansion.expand_job(self.job)
            with db.transaction() as session:
                finishing.finish_if_done(session, self.job)
            self.release()
            if self._state() == "completed":
                break
            self.calls += lane.claim(self.job, self.worker, 10).calls
        counted: dict[str, Any] = states(self.job)
        assert self._state() == "completed", counted
        assert set(counted) <= {"succeeded", "failed"}
        ended = rows("SELECT document_id AS d, state FROM request WHERE custom_id = document_id")
        assert sorted(row["d"] for row in ended) == self.ids
        self.nothing_is_billed_twice_and_every_call_is_billed()
        self.every_answer_is_known_under_the_model_that_gave_it()


@pytest.mark.usefixtures("database")
def test_a_job_that_goes_to_and_fro(migrated: str, setting: Any) -> None:
    setting(OPENAI_API_KEY="test", ANTHROPIC_API_KEY="test")
    run_state_machine_as_test(
        cast(Any, partial(Moving, migrated)), settings=settings(max_examples=12, stateful_step_count=20)
    )
