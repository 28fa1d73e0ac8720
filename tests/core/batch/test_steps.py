"""The life of provider batches at a provider on this machine, with the real SDKs."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.batch import steps
from core.documents import deletion as documents_deletion
from core.errors import Conflict
from core.jobs import control, resend
from core.jobs import deletion as jobs_deletion
from core.jobs.launch import Leftovers
from core.money import pricing
from core.providers.forms import Form
from core.requests import expansion
from core.runtime import db, shared_clock
from core.settings import credentials, learned_forms, store
from tests import databases
from tests.batch_provider import AskedLine, BatchProvider, FileFault, Line, lines_in_turn
from tests.pipeline import batch_rows, make_job, ready_documents, rows, run_batches, states

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-haiku-4-5"}
both = pytest.mark.parametrize("provider", ["openai", "anthropic"])
pytestmark = pytest.mark.usefixtures("database")


def batch_job(provider: str, documents: int = 5, **spec: Any) -> str:
    chosen = {"provider": provider, "model": MODELS.get(provider), "lane": "batch", **spec}
    return make_job(ready_documents(documents), "summarize", **chosen)


def by_number(*lines: Line) -> Callable[[AskedLine], Line]:
    """The nth line for the nth document; those beyond are answered."""

    def plan(asked: AskedLine) -> Line:
        found = re.search(r"doc_(\d+)", asked.document)
        assert found
        number = int(found.group(1))
        return lines[number] if number < len(lines) else Line()

    return plan


def events(job: str) -> list[str]:
    return [row["kind"] for row in rows("SELECT kind FROM job_event WHERE job_id = :job ORDER BY id", job=job)]


def failures(job: str) -> dict[str, str]:
    found = rows("SELECT custom_id, error_code FROM request WHERE job_id = :job AND state = 'failed'", job=job)
    return {row["custom_id"]: row["error_code"] for row in found}


def batch_states(job: str) -> list[str]:
    return [batch["state"] for batch in batch_rows(job)]


def sizes(job: str) -> list[int]:
    return [batch["requests"] for batch in batch_rows(job)]


@both
def test_a_batch_is_created_once_answered_and_billed_at_half_the_price(
    provider: str, batch_server: BatchProvider
) -> None:
    job = batch_job(provider)
    run_batches(job)
    assert states(job) == {"succeeded": 5}
    (batch,) = batch_rows(job)
    assert (batch["state"], batch["requests"], batch["counts"]["answered"]) == ("completed", 5, 5)
    assert batch_server.creates == 1
    assert sorted(batch_server.billed_documents().values()) == [1] * 5
    records = rows("SELECT * FROM usage_record")
    assert {(row["lane"], row["status"]) for row in records} == {("batch", "ok")}
    at = datetime.now(UTC)
    for row in records:
        full = pricing.estimate(provider, row["model"], row["input_tokens"], row["output_tokens"], "live", at)
        assert row["cost_usd"] * 2 == full.cost
    assert events(job) == ["created", "submitted", "batch_completed", "completed"]


def test_the_offline_engine_has_a_batch_lane() -> None:
    job = batch_job("offline", 230)
    run_batches(job)
    assert states(job) == {"succeeded": 230}
    assert sizes(job) == [100, 100, 30]
    assert {batch["epoch"] for batch in batch_rows(job)} == {1}
    assert rows("SELECT DISTINCT cost_usd, lane FROM usage_record") == [{"cost_usd": Decimal(0), "lane": "batch"}]


def test_what_was_answered_before_costs_nothing(batch_server: BatchProvider) -> None:
    run_batches(batch_job("openai"))
    again = batch_job_over_the_same("openai")
    run_batches(again)
    assert states(again) == {"succeeded": 5}
    assert batch_server.creates == 1
    assert rows("SELECT cost_usd FROM usage_record WHERE job_id = :job AND NOT reused", job=again) == []


def batch_job_over_the_same(provider: str, **spec: Any) -> str:
    chosen = {"provider": provider, "model": MODELS[provider], "lane": "batch", **spec}
    ids = [row["id"] for row in rows("SELECT id FROM document ORDER BY id")]
    return make_job(ids, "summarize", **chosen)


def test_an_equal_request_in_flight_is_waited_for_and_reused(batch_server: BatchProvider) -> None:
    batch_server.auto = False
    first = batch_job("openai")
    run_batches(first, rounds=2)
    second, third = batch_job_over_the_same("openai"), batch_job_over_the_same("openai", lane="live")
    run_batches(second, rounds=2)
    run_batches(third, rounds=1)
    assert states(second) == states(third) == {"pending": 5}
    batch_server.finish(batch_server.batches[0].id)
    for job in (first, second, third):
        run_batches(job)
        assert states(job) == {"succeeded": 5}
    assert batch_server.creates == 1
    assert len(batch_server.bill) == 5


def test_without_reuse_each_job_asks_for_itself(batch_server: BatchProvider) -> None:
    run_batches(batch_job("openai"))
    run_batches(batch_job_over_the_same("openai", reuse=False))
    assert batch_server.creates == 2


@both
def test_passing_errors_and_missing_lines_go_again_twice_and_others_never(
    provider: str, batch_server: BatchProvider
) -> None:
    batch_server.line_plan = by_number(Line(status=500), Line(missing=True, billed=False), Line(status=400))
    job = batch_job(provider)
    run_batches(job)
    assert states(job) == {"succeeded": 2, "failed": 3}
    assert sizes(job) == [5, 2, 2]
    found = rows("SELECT attempts FROM request WHERE state = 'failed' ORDER BY id")
    assert [row["attempts"] for row in found] == [3, 3, 1]
    assert failures(job)["doc_0001"] == "missing"


@both
def test_an_answer_that_breaks_its_schema_is_asked_again_once_in_the_same_lane(
    provider: str, batch_server: BatchProvider
) -> None:
    batch_server.line_plan = lines_in_turn(Line(content='{"wrong": 1}'), Line())
    job = batch_job(provider, 2)
    run_batches(job)
    assert states(job) == {"succeeded": 2}
    assert sizes(job) == [2, 2]
    assert '{\\"wrong\\": 1}' in str(batch_server.batches[1].requests[0].raw.decode())
    spent = rows("SELECT status FROM usage_record ORDER BY id")
    assert [row["status"] for row in spent] == ["unusable", "unusable", "ok", "ok"]


@both
def test_what_expired_waits_for_a_person_and_what_was_answered_is_kept(
    provider: str, batch_server: BatchProvider
) -> None:
    batch_server.auto = False
    job = batch_job(provider)
    run_batches(job, rounds=2)
    batch_server.expire(batch_server.batches[0].id, done=2)
    run_batches(job)
    assert states(job) == {"succeeded": 2, "failed": 3}
    assert set(failures(job).values()) == {"expired"}
    assert batch_states(job) == ["expired" if provider == "openai" else "completed"]
    batch_server.auto = True
    left = resend.resend_estimate(job, datetime.now(UTC))
    assert left.requests == 3
    assert left.cost_live == 2 * (left.cost_batch or 0)
    assert resend.retry(job) == 3
    run_batches(job)
    assert states(job) == {"succeeded": 5}
    assert sizes(job) == [5, 3]
    assert sorted(batch_server.billed_documents().values()) == [1] * 5


def test_what_is_left_over_can_go_live(batch_server: BatchProvider) -> None:
    batch_server.auto = False
    job = batch_job("openai")
    run_batches(job, rounds=2)
    batch_server.expire(batch_server.batches[0].id, done=2)
    run_batches(job)
    assert resend.retry(job, "live") == 3
    run_batches(job)
    assert states(job) == {"succeeded": 5}
    assert batch_server.creates == 1
    lanes = rows("SELECT lane, count(*) AS n FROM usage_record GROUP BY lane ORDER BY lane")
    assert lanes == [{"lane": "batch", "n": 2}, {"lane": "live", "n": 3}]


def test_the_jobs_rule_sends_expired_ones_again_and_then_live(batch_server: BatchProvider) -> None:
    batch_server.line_plan = by_number(Line(outcome="expired"))
    job = batch_job("openai", 2, leftovers=Leftovers(retries=1, then_live=True))
    run_batches(job)
    assert states(job) == {"succeeded": 2}
    assert sizes(job) == [2, 1]
    found = rows("SELECT lane, attempts FROM request ORDER BY id")
    assert found == [{"lane": "live", "attempts": 3}, {"lane": "batch", "attempts": 1}]


def test_after_the_deadline_nothing_goes_out_by_itself(batch_server: BatchProvider) -> None:
    batch_server.line_plan = by_number(Line(outcome="expired"), Line(status=500))
    rule = Leftovers(retries=1, then_live=True)
    job = batch_job("openai", 3, leftovers=rule, deadline=datetime.now(UTC) - timedelta(seconds=1))
    run_batches(job)
    assert states(job) == {"succeeded": 1, "failed": 2}
    assert sizes(job) == [3]


UNSURE = ["after-500", "after-reset", "not-an-answer"]


@both
@pytest.mark.parametrize("fault", UNSURE)
def test_a_create_that_was_not_heard_is_found_and_adopted(
    provider: str, fault: str, batch_server: BatchProvider, setting: Any
) -> None:
    setting(BATCH_SETTLE_SECONDS=900)
    if fault == "not-an-answer":
        batch_server.fail_next("create", 200, after=True, body=b'{"hello": "world"}')
    else:
        batch_server.fail_next("create", 500, after=True, reset=fault == "after-reset")
    batch_server.listing_lag = 2
    batch_server.auto = False
    job = batch_job(provider)
    run_batches(job, rounds=5)
    assert states(job) == {"in_flight": 5}
    # Whether it is ours is told by its results alone at one of the two, so it is not taken up before it has ended.
    assert batch_states(job) == ["in_progress" if provider == "openai" else "settling"]
    batch_server.finish(batch_server.batches[0].id)
    run_batches(job)
    assert states(job) == {"succeeded": 5}
    assert batch_server.creates == 1
    assert batch_states(job) == ["completed"]
    assert "adopted" in events(job)


@both
@pytest.mark.parametrize("reset", [False, True])
def test_a_create_that_never_happened_is_settled_and_sent_again(
    provider: str, reset: bool, batch_server: BatchProvider
) -> None:
    batch_server.fail_next("create", 500, reset=reset)
    job = batch_job(provider)
    run_batches(job)
    assert states(job) == {"succeeded": 5}
    assert batch_server.creates == 1
    assert batch_states(job) == ["absent", "completed"]
    assert all(batch["ended_at"] for batch in batch_rows(job))


@both
def test_while_it_is_unsure_its_requests_are_held(provider: str, batch_server: BatchProvider, setting: Any) -> None:
    setting(BATCH_SETTLE_SECONDS=900)
    batch_server.fail_next("create", 500)
    batch_server.fail_next("list", 500, times=2)
    job = batch_job(provider)
    run_batches(job, rounds=6)
    assert states(job) == {"in_flight": 5}
    (batch,) = batch_rows(job)
    assert (batch["state"], batch_server.creates) == ("settling", 0)
    assert batch["absent_since"] is not None


def test_a_jump_of_the_clock_does_not_make_it_absent(batch_server: BatchProvider, setting: Any) -> None:
    setting(BATCH_SETTLE_SECONDS=900)
    batch_server.fail_next("create", 500)
    job = batch_job("openai")
    run_batches(job, rounds=6)
    at = time.monotonic()
    shared_clock.take_reading(datetime.now(UTC) - timedelta(hours=1), at)
    shared_clock.take_reading(datetime.now(UTC), at)
    with db.transaction(everywhere=True) as session:
        before = "UPDATE provider_batch SET absent_since = absent_since - interval '1 hour', next_at = now()"
        db.execute(session, before)
    run_batches(job, rounds=4)
    assert states(job) == {"in_flight": 5}
    (batch,) = batch_rows(job)
    assert (batch["state"], batch_server.creates) == ("settling", 0)


def test_a_person_can_count_a_batch_as_absent(batch_server: BatchProvider, setting: Any) -> None:
    setting(BATCH_SETTLE_SECONDS=900)
    batch_server.fail_next("create", 500)
    job = batch_job("openai")
    run_batches(job, rounds=3)
    (batch,) = batch_rows(job)
    resend.give_up_looking(batch["id"])
    run_batches(job)
    assert batch_states(job) == ["absent", "completed"]
    with pytest.raises(Conflict):
        resend.give_up_looking(batch["id"])


def test_after_a_change_of_the_key_it_is_not_counted_as_absent(batch_server: BatchProvider, setting: Any) -> None:
    """The listing of another account is complete without it, and it would be billed twice."""
    setting(SECRET_KEY="s" * 32, BATCH_SETTLE_SECONDS=900)
    batch_server.fail_next("create", 500)
    job = batch_job("openai")
    run_batches(job, rounds=3)
    credentials.change("openai", "", "sk-of-another-account")
    setting(BATCH_SETTLE_SECONDS=0)
    run_batches(job, rounds=6)
    (batch,) = batch_rows(job)
    assert (batch["state"], batch_server.creates) == ("settling", 0)
    assert "settle it by hand" in batch["error"]
    resend.give_up_looking(batch["id"])
    run_batches(job)
    assert batch_states(job) == ["absent", "completed"]


@both
@pytest.mark.parametrize("status", [429, 529])
def test_a_definite_refusal_that_passes_is_created_again(
    provider: str, status: int, batch_server: BatchProvider
) -> None:
    batch_server.fail_next("create", status, headers={"retry-after": "0.1"}, times=2)
    job = batch_job(provider)
    run_batches(job)
    assert states(job) == {"succeeded": 5}
    assert batch_states(job) == ["completed"]
    assert batch_server.arrived("POST", "/v1/files") <= 1


@both
def test_a_refusal_for_good_fails_the_requests_with_its_reason(provider: str, batch_server: BatchProvider) -> None:
    batch_server.fail_next("create", 401)
    job = batch_job(provider)
    run_batches(job)
    assert states(job) == {"failed": 5}
    assert set(failures(job).values()) == {"auth"}
    assert batch_states(job) == ["failed"]
    assert resend.retry(job) == 5
    run_batches(job)
    assert states(job) == {"succeeded": 5}


def test_a_full_queue_at_the_provider_is_no_failure(batch_server: BatchProvider, setting: Any) -> None:
    setting(BATCH_POLL_SECONDS=600)
    batch_server.queue_cap = 0
    job = batch_job("openai")
    run_batches(job, rounds=4)
    assert states(job) == {"pending": 5}
    assert batch_states(job) == ["failed"]
    (waiting,) = rows("SELECT waits, waits_until - now() AS wait FROM job")
    assert waiting["waits"] == 1
    assert timedelta(minutes=9) < waiting["wait"] <= timedelta(minutes=10)
    go_on(job)
    run_batches(job, rounds=4)
    (waiting,) = rows("SELECT waits, waits_until - now() AS wait FROM job")
    assert waiting["waits"] == 2
    assert timedelta(minutes=19) < waiting["wait"] <= timedelta(minutes=20)
    batch_server.queue_cap = None
    go_on(job)
    run_batches(job)
    assert states(job) == {"succeeded": 5}
    assert rows("SELECT waits FROM job") == [{"waits": 0}]
    assert batch_states(job) == ["failed", "failed", "completed"]
    assert events(job).count("waiting") == 2


def go_on(job: str) -> None:
    """The time that it waits has passed."""
    with db.transaction(everywhere=True) as session:
        db.execute(session, "UPDATE job SET waits_until = now() WHERE id = :job", job=job)


def test_a_line_that_the_provider_refuses_fails_alone(batch_server: BatchProvider) -> None:
    batch_server.auto = False
    job = batch_job("openai")
    run_batches(job, rounds=2)
    batch_server.fail(batch_server.batches[0].id, "invalid_request", "This line is bad.", line=2)
    batch_server.auto = True
    run_batches(job)
    assert states(job) == {"succeeded": 4, "failed": 1}
    assert failures(job) == {"doc_0001": "invalid_request"}


def test_a_batch_api_that_refuses_line_after_line_is_asked_twenty_times(batch_server: BatchProvider) -> None:
    batch_server.auto = False
    job = batch_job("openai", 23)
    while "pending" in states(job) or "in_flight" in states(job) or not states(job):
        run_batches(job, rounds=1)
        for batch in batch_server.batches:
            if not batch.ended:
                batch_server.fail(batch.id, "invalid_request", "Line 1 is bad.", line=1)
    assert states(job) == {"failed": 23}
    assert len(batch_server.batches) == 20
    assert {row["error_message"] for row in rows("SELECT error_message FROM request")} == {"Line 1 is bad."}


def test_lines_that_are_refused_for_their_form_go_again_in_the_form_that_is_taken(batch_server: BatchProvider) -> None:
    def plan(asked: AskedLine) -> Line:
        if asked.body["response_format"]["type"] == "json_schema":
            return Line(status=400, message="This response_format type is unavailable now")
        if "max_tokens" in asked.body:
            return Line(status=400, message="Unsupported parameter: 'max_tokens' is not supported with this model.")
        assert '"summary"' in asked.body["messages"][0]["content"]
        return Line(content='{"summary": "Short."}')

    batch_server.line_plan = plan
    job = batch_job("openai", 3, model="gpt-4.1-mini")
    run_batches(job)
    assert states(job) == {"succeeded": 3}
    assert [batch["requests"] for batch in batch_rows(job)] == [3, 3, 3]
    assert [row["status"] for row in rows("SELECT status FROM usage_record")] == ["ok"] * 3
    store.load()
    (learned,) = learned_forms.known("openai", batch_server.openai_url)
    assert learned.form == Form(answers="json_object", limit="max_completion_tokens")
    # What comes next is asked in it at once, and what is refused for another reason is not asked again.
    run_batches(second := batch_job_over_the_same("openai", model="gpt-4.1-mini", params={"length": "short"}))
    assert (states(second), len(batch_rows(second))) == ({"succeeded": 3}, 1)


@pytest.mark.parametrize("kind", ["cut", "silent", "reset"])
def test_a_damaged_download_is_fetched_again(kind: Any, batch_server: BatchProvider) -> None:
    batch_server.output_file = FileFault(kind, times=2)
    job = batch_job("openai")
    run_batches(job)
    assert states(job) == {"succeeded": 5}
    assert sizes(job) == [5]


def test_results_that_are_gone_are_said_to_be(batch_server: BatchProvider) -> None:
    batch_server.output_file = FileFault("gone", times=99)
    job = batch_job("openai")
    run_batches(job)
    assert states(job) == {"failed": 5}
    assert set(failures(job).values()) == {"results_gone"}
    (batch,) = batch_rows(job)
    assert "Send its requests again" in batch["error"]


def test_only_an_error_file_and_an_empty_error_id(batch_server: BatchProvider) -> None:
    batch_server.empty_error_id = True
    run_batches(first := batch_job("openai", 2))
    assert states(first) == {"succeeded": 2}
    batch_server.line_plan = lambda _asked: Line(status=400)
    second = batch_job_over_the_same("openai", params={"length": "short"})
    run_batches(second)
    assert states(second) == {"failed": 2}


@both
def test_cancelling_keeps_and_bills_what_had_finished(provider: str, batch_server: BatchProvider) -> None:
    batch_server.auto = False
    job = batch_job(provider)
    run_batches(job, rounds=2)
    control.cancel(job)
    run_batches(job, rounds=1)
    assert batch_server.batches[0].state in ("cancelling", "canceling")
    batch_server.cancelled(batch_server.batches[0].id, done=2)
    run_batches(job)
    assert states(job) == {"succeeded": 2, "cancelled": 3}
    assert rows("SELECT state FROM job") == [{"state": "cancelled"}]
    assert len(rows("SELECT 1 FROM usage_record")) == len(batch_server.bill) == 2


def test_what_was_not_handed_over_goes_back_when_the_job_is_paused(batch_server: BatchProvider) -> None:
    job = batch_job("openai")
    expansion.expand_job(job)
    steps.pack_job(job)
    assert states(job) == {"in_flight": 5}
    control.pause(job)
    assert states(job) == {"pending": 5}
    run_batches(job, rounds=2)
    assert batch_server.creates == 0
    control.resume(job)
    run_batches(job)
    assert states(job) == {"succeeded": 5}


def test_a_canary_goes_live_first_and_the_rest_waits(batch_server: BatchProvider) -> None:
    job = batch_job("openai", canary=2)
    run_batches(job, rounds=6)
    assert states(job) == {"succeeded": 2, "held": 3}
    assert rows("SELECT state FROM job") == [{"state": "paused"}]
    assert batch_server.creates == 0
    control.resume(job)
    run_batches(job)
    assert states(job) == {"succeeded": 5}
    assert sizes(job) == [3]


def test_dropping_the_rest_behind_a_canary_ends_the_job(batch_server: BatchProvider) -> None:
    job = batch_job("openai", canary=2)
    run_batches(job, rounds=6)
    control.cancel(job)
    assert states(job) == {"succeeded": 2, "cancelled": 3}
    assert rows("SELECT state FROM job") == [{"state": "cancelled"}]
    assert batch_server.creates == 0


def test_caps_let_wait_what_does_not_fit(batch_server: BatchProvider, setting: Any) -> None:
    job = batch_job("openai", 6)
    expansion.expand_job(job)
    (row,) = rows("SELECT max(input_tokens) AS most FROM request")
    setting(BATCH_TOKENS_IN_FLIGHT=row["most"] * 2 + 1, BATCHES_IN_FLIGHT=1)
    batch_server.auto = False
    run_batches(job, rounds=3)
    assert (sizes(job), states(job)) == ([2], {"in_flight": 2, "pending": 4})
    batch_server.auto = True
    run_batches(job)
    assert sizes(job) == [2, 2, 2]
    assert states(job) == {"succeeded": 6}


@both
@pytest.mark.parametrize("deleted", [1, 3])
def test_documents_that_are_deleted_meanwhile_are_not_sent(
    provider: str, deleted: int, batch_server: BatchProvider
) -> None:
    job = batch_job(provider, 3)
    expansion.expand_job(job)
    steps.pack_job(job)
    for number in range(deleted):
        documents_deletion.delete(f"doc_{number:04}")
    batch_server.fail_next("create", 500, after=True)
    run_batches(job, rounds=3)
    for batch in batch_server.batches:
        if not batch.ended:
            batch_server.finish(batch.id)
    run_batches(job)
    assert len(batch_server.bill) == 3 - deleted
    assert batch_states(job) == ["completed" if deleted == 1 else "cancelled"]


@both
def test_an_older_answer_that_comes_later_loses_nothing(provider: str, batch_server: BatchProvider) -> None:
    batch_server.auto = False
    job = batch_job(provider)
    run_batches(job, rounds=2)
    with db.transaction(everywhere=True) as session:
        db.execute(session, "UPDATE provider_batch SET state = 'ended'")
    run_batches(job, rounds=2)
    assert states(job) == {"in_flight": 5}
    batch_server.finish(batch_server.batches[0].id)
    run_batches(job)
    assert states(job) == {"succeeded": 5}
    assert batch_server.creates == 1


def test_a_job_that_is_being_written_is_packed_later(batch_server: BatchProvider, database: str) -> None:
    job = batch_job("openai")
    expansion.expand_job(job)
    with psycopg.connect(databases.owners(database)) as keeping:
        keeping.execute("SELECT 1 FROM job FOR NO KEY UPDATE")
        # So that one who waits for it is not waited for.
        keeping.execute("SET idle_in_transaction_session_timeout = '5s'")
        assert steps.pack_job(job) == 0
    assert steps.pack_job(job) == 1


def test_one_bad_batch_does_not_stop_the_others(batch_server: BatchProvider) -> None:
    bad = batch_job("openai")
    run_batches(bad, rounds=1)
    with db.transaction(everywhere=True) as session:
        db.execute(session, "UPDATE provider_batch SET provider_batch_id = 'batch_unknown'")
    good = batch_job_over_the_same("openai", params={"length": "short"})
    for _ in range(8):
        run_batches(bad, rounds=1)
        run_batches(good, rounds=1)
    assert states(good) == {"succeeded": 5}
    (batch,) = batch_rows(bad)
    assert batch["state"] == "in_progress"
    assert "Not found" in batch["error"]


def test_files_that_were_left_lying_about_are_removed(
    batch_server: BatchProvider, setting: Any, tmp_path: Path
) -> None:
    setting(DATA_DIR=tmp_path)
    job = batch_job("openai")
    run_batches(job, rounds=1)
    (batch,) = batch_rows(job)
    others = [tmp_path / "scratch" / name for name in ("bat_unknown/1/0.jsonl", "doc_1/original")]
    lying = [*others, tmp_path / "scratch" / batch["id"] / "7" / "requests"]
    for path in lying:
        path.parent.mkdir(parents=True)
        path.touch()
    steps.tidy()
    assert [path.exists() for path in lying] == [False, True, True]
    with db.transaction(everywhere=True) as session:
        db.execute(session, "UPDATE provider_batch SET next_at = NULL")
    steps.tidy()
    assert [path.exists() for path in lying] == [False, True, False]


def test_an_ended_job_can_be_deleted_and_its_cost_stays(batch_server: BatchProvider) -> None:
    job = batch_job("openai")
    run_batches(job, rounds=2)
    with pytest.raises(Exception, match="Cancel it first"):
        jobs_deletion.delete(job)
    run_batches(job)
    removal = jobs_deletion.removal(job)
    assert (removal.requests, removal.responses, removal.provider_batches) == (5, 5, 1)
    jobs_deletion.delete(job)
    tables = ("job", "request", "request_body", "response", "provider_batch", "job_event", "job_document")
    assert [table for table in tables if rows(f"SELECT 1 FROM {table}")] == []
    assert len(rows("SELECT 1 FROM usage_record")) == 5
