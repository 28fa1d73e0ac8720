"""A budget is passed by nothing but what was in flight, nothing is held for what has ended, and free work goes on."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.budgets import fitting, manage, months
from core.budgets import report as budgets_report
from core.budgets.manage import BudgetSpec
from core.budgets.report import BudgetRow
from core.errors import BudgetExceeded, Conflict, InvalidInput, NotFound
from core.jobs import approval, control, moving, report, resend
from core.live import single_text
from core.requests import expansion
from core.runtime import db, shared_clock
from core.upkeep import tick
from tests.batch_provider import BatchProvider
from tests.local_provider import LocalProvider, Reply, error
from tests.pages import made
from tests.pipeline import (
    WAITS_FOR_A_LOCK,
    change,
    make_job,
    pump,
    ready_documents,
    rows,
    run_batches,
    run_job,
    states,
    until_now,
)

pytestmark = pytest.mark.usefixtures("database")
# At gpt-5-mini's list price: 100 input tokens at 0.25 and 10 output tokens at 2 USD a million.
A_CALL = Decimal("0.000045")


def budget(limit: str, scope: Any = "all", key: str = "", on_limit: Any = "wait") -> str:
    return manage.create(BudgetSpec(scope, key, Decimal(limit), on_limit=on_limit))


def now(budget_id: str) -> BudgetRow:
    return budgets_report.get(budget_id, shared_clock.now())


def job_of(documents: list[str], **spec: Any) -> str:
    return make_job(documents, "summarize", **{"provider": "openai", "model": "gpt-5-mini", **spec})


def priced(job_id: str) -> Decimal:
    cost = report.get(job_id).estimate_usd
    assert cost is not None
    return cost


def waits(job_id: str) -> bool:
    row = report.get(job_id)
    return row.state == "paused" and row.waits_for is not None and row.waits_for.kind == "budget"


def test_of_thirty_launches_at_once_as_many_start_as_fit(openai: LocalProvider) -> None:
    documents = ready_documents(1)
    each = priced(job_of(documents))
    limit = budget(f"{each * 11:f}")
    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda _: job_of(documents), range(30)))
    assert [waits(job) for job in made].count(False) == 10
    assert now(limit).taken.held_usd == each * 11
    assert now(limit).state == "reached"
    assert set(now(limit).waiting) == {job for job in made if waits(job)}


def test_what_is_taken_is_read_once_nobody_else_can_take_it(openai: LocalProvider) -> None:
    documents = ready_documents(1)
    other = job_of(documents)
    budget(f"{priced(other):f}")
    change("UPDATE job SET reserved_usd = 0")
    with ThreadPoolExecutor(1) as pool:
        with db.transaction() as session:
            db.execute(session, "SELECT id FROM budget FOR UPDATE")
            late = pool.submit(job_of, documents)
            until_now(lambda: late.done() or bool(rows(WAITS_FOR_A_LOCK)))
            db.execute(session, "UPDATE job SET reserved_usd = estimate_usd WHERE id = :job", job=other)
        assert waits(late.result())


def test_what_is_booked_is_held_no_longer_and_the_end_of_a_job_ends_its_hold(openai: LocalProvider) -> None:
    limit = budget("1")
    job = job_of(ready_documents(4))
    held = now(limit).taken
    assert (held.spent_usd, held.held_usd) == (0, priced(job))
    expansion.expand_job(job)
    pump(job, concurrency=2)
    run_job(job)
    after = now(limit).taken
    assert (after.spent_usd, after.held_usd) == (4 * A_CALL, 0)
    assert report.get(job).held_usd == 0
    cancelled = job_of(ready_documents_again())
    assert now(limit).taken.held_usd == priced(cancelled)
    control.cancel(cancelled)
    assert now(limit).taken.held_usd == 0


def ready_documents_again() -> list[str]:
    change("UPDATE document_text SET text = text || ' Once more.', sha256 = sha256 || 'x'")
    return [row["id"] for row in rows("SELECT id FROM document ORDER BY id")]


def test_a_job_that_overruns_its_hold_pauses_and_keeps_what_it_has(openai: LocalProvider) -> None:
    documents = ready_documents(20)
    openai.plan = lambda asked: Reply(usage={"prompt_tokens": 10_000, "completion_tokens": 10, "total_tokens": 10_010})
    job = job_of(documents)
    limit = budget(f"{priced(job) * 2:f}")
    expansion.expand_job(job)
    pump(job, concurrency=1)
    assert waits(job)
    answered = states(job)["succeeded"]
    one = Decimal("0.00252")
    taken = now(limit).taken
    assert taken.spent_usd == answered * one <= taken.limit_usd
    missing = report.get(job).waits_for
    assert missing is not None
    assert missing.missing_usd == (20 - answered) * one - (taken.limit_usd - taken.spent_usd)

    approval.approve(job, answered * one + (20 - answered) * one)
    assert report.get(job).state == "running"
    run_job(job)
    assert states(job) == {"succeeded": 20}


def test_a_job_goes_on_by_itself_once_there_is_room(openai: LocalProvider) -> None:
    limit = budget("0.0000001")
    job = job_of(ready_documents(2), canary=1)
    assert waits(job)
    assert not openai.asked
    tick.tick(datetime.now(UTC))
    assert waits(job)
    manage.change(limit, BudgetSpec("all", "", Decimal(1), on_limit="wait"))
    tick.tick(datetime.now(UTC))
    # Its canary is still a canary.
    assert (report.get(job).state, report.get(job).canary) == ("queued", 1)
    expansion.expand_job(job)
    pump(job)
    assert states(job) == {"succeeded": 1, "held": 1}

    manage.change(limit, BudgetSpec("all", "", A_CALL, on_limit="wait"))
    control.resume(job)
    assert waits(job)
    assert states(job) == {"succeeded": 1, "pending": 1}
    manage.delete(limit)
    tick.tick(datetime.now(UTC))
    run_job(job)
    assert states(job) == {"succeeded": 2}


def test_one_job_that_cannot_be_looked_at_does_not_hold_up_the_others(openai: LocalProvider) -> None:
    limit = budget("0.0000001")
    odd, other = job_of(ready_documents(1)), job_of(["doc_0000"])
    made.requests(odd, "pending")
    change("UPDATE job SET provider = 'of another version' WHERE id = :job", job=odd)
    manage.delete(limit)
    tick.tick(datetime.now(UTC))
    assert waits(odd)
    assert report.get(other).state == "queued"


def test_a_batch_goes_as_far_as_its_hold_and_keeps_it_until_it_is_ingested(batch_server: BatchProvider) -> None:
    limit = budget("1")
    batch_server.auto = False
    job = job_of(ready_documents(3), lane="batch")
    run_batches(job, rounds=3)
    assert states(job) == {"in_flight": 3}
    control.cancel(job)
    assert now(limit).taken.held_usd == priced(job)
    batch_server.finish(batch_server.batches[0].id)
    run_batches(job)
    after = now(limit).taken
    assert (after.held_usd, after.spent_usd) == (0, report.get(job).cost_usd)
    assert after.spent_usd > 0

    other = job_of(ready_documents_again(), lane="batch")
    manage.change(limit, BudgetSpec("all", "", after.spent_usd, on_limit="wait"))
    change("UPDATE job SET reserved_usd = reserved_usd / 100")
    run_batches(other, rounds=2)
    assert waits(other)
    assert batch_server.creates == 1


@pytest.mark.parametrize("again", ["retry", "lane", "model"])
def test_what_makes_a_job_dearer_reserves_it_first(openai: LocalProvider, setting: Any, again: str) -> None:
    setting(ANTHROPIC_API_KEY="test", ANTHROPIC_BASE_URL=openai.anthropic_url)
    openai.plan = lambda asked: error(400, "bad")
    job = job_of(ready_documents(2), lane="batch" if again == "lane" else "live")
    if again == "retry":
        run_job(job)
        assert states(job) == {"failed": 2}
    else:
        expansion.expand_job(job)
    budget(f"{priced(job) * Decimal('0.9'):f}" if again == "retry" else f"{priced(job) * Decimal('1.1'):f}")
    if again == "retry":
        assert resend.retry(job) == 2
    elif again == "lane":
        moving.to_lane(job, "live")
    else:
        moving.to_model(job, "anthropic", "claude-opus-4-5")
    assert waits(job)


def test_a_move_to_what_a_budget_has_room_for_lets_the_job_go_on(openai: LocalProvider) -> None:
    job = job_of(ready_documents(2))
    expansion.expand_job(job)
    control.pause(job)
    limit = budget(f"{priced(job) * Decimal('0.6'):f}")
    control.resume(job)
    assert waits(job)
    moving.to_lane(job, "batch")
    assert report.get(job).state == "running"
    assert now(limit).taken.held_usd == priced(job) / 2


def test_a_job_that_a_person_paused_does_not_go_on_by_itself(openai: LocalProvider) -> None:
    openai.plan = lambda asked: error(400, "bad")
    job = job_of(ready_documents(2))
    expansion.expand_job(job)
    control.pause(job)
    limit = budget("0.0000001")
    moving.to_lane(job, "batch")
    moving.to_lane(job, "live")
    assert not waits(job)
    manage.delete(limit)
    tick.tick(datetime.now(UTC))
    assert report.get(job).state == "paused"


def test_an_unknown_price_waits_and_free_work_does_not(openai: LocalProvider) -> None:
    documents = ready_documents(1)
    budget("0")
    unknown = make_job(documents, "summarize", provider="openai", model="a-model-of-nobody")
    assert waits(unknown)
    missing = report.get(unknown).waits_for
    assert missing is not None
    assert missing.missing_usd is None
    approval.approve(unknown, Decimal(1))
    run_job(unknown)
    assert states(unknown) == {"succeeded": 1}
    offline = make_job(documents, "summarize")
    run_job(offline)
    assert states(offline) == {"succeeded": 1}


def test_a_single_text_is_refused_before_its_call_and_holds_what_it_may_cost(openai: LocalProvider) -> None:
    limit = budget("0.0000001", "provider", "openai")
    with pytest.raises(BudgetExceeded):
        asyncio.run(single_text.process("summarize", "A pump failed.", {}, "openai", "gpt-5-mini"))
    assert not openai.asked
    manage.change(limit, BudgetSpec("provider", "openai", Decimal(1), on_limit="wait"))
    prepared = single_text.prepare("summarize", "A pump failed.", {}, "openai", "gpt-5-mini")
    assert prepared is not None
    change("UPDATE request SET worker_id = 1")
    assert now(limit).taken.held_usd > 0


def test_each_scope_counts_its_own(openai: LocalProvider) -> None:
    job = job_of(ready_documents(1), name="one")
    run_job(job)
    change("""UPDATE usage_record SET "user" = 'ada', collection = 'default'""")
    scopes = {
        **{("all", ""): 1, ("workspace", "ws_default"): 1, ("template", "summarize"): 1, ("template", "qa"): 0},
        **{("collection", "default"): 1, ("provider", "openai"): 1, ("provider", "anthropic"): 0},
        **{("user", "ada"): 1, ("user", "bob"): 0},
    }
    made = {budget("1", scope, key): calls for (scope, key), calls in scopes.items()}
    counted = {row.taken.id: row.taken.spent_usd / A_CALL for row in budgets_report.every(shared_clock.now())}
    assert counted == made
    fits = fitting.counting("openai", "summarize", "default", None, shared_clock.now())
    assert {(one.scope, one.key) for one in fits} == {
        key for key, calls in scopes.items() if calls and key != ("user", "ada")
    }
    assert not any(one.fits for one in fitting.fits(fits, Decimal(1)))
    assert all(one.fits for one in fitting.fits(fits, Decimal("0.5")))


def test_a_budget_that_warns_stops_nothing(openai: LocalProvider) -> None:
    limit = budget("0.0001", on_limit="warn")
    job = job_of(ready_documents(2))
    assert not waits(job)
    run_job(job)
    assert now(limit).state == "warn"
    assert states(job) == {"succeeded": 2}


def test_the_month_is_that_of_the_zone() -> None:
    at = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    assert months.month_of(at, ZoneInfo("UTC")).name == "2026-11"
    berlin = months.month_of(at, ZoneInfo("Europe/Berlin"))
    assert berlin.name == "2026-12"
    assert berlin.start == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert berlin.stop == datetime(2026, 12, 31, 23, tzinfo=UTC)


def test_what_is_no_budget_is_refused() -> None:
    for wrong in (
        BudgetSpec("all", "x", Decimal(1)),
        BudgetSpec("user", " ", Decimal(1)),
        BudgetSpec("all", "", Decimal(-1)),
        BudgetSpec("all", "", Decimal("NaN")),
        BudgetSpec("all", "", Decimal(1), warn_share=Decimal(2)),
    ):
        with pytest.raises(InvalidInput):
            manage.create(wrong)
    with pytest.raises(NotFound):
        budget("1", "template", "nothing")
    budget("1")
    with pytest.raises(Conflict):
        budget("2")
    other = budget("1", "provider", "openai")
    with pytest.raises(Conflict):
        manage.change(other, BudgetSpec("all", "", Decimal(3)))
    with pytest.raises(NotFound):
        manage.delete("bud_none")
    changes = rows("SELECT action FROM audit_entry ORDER BY id")
    assert [row["action"] for row in changes] == ["budget.change"] * 2
