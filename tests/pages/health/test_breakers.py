"""Circuit breakers on the pages: what they mean, what waits behind them, and what each button says before it acts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.access import actor
from core.calls import breaker, breaker_by_hand, breaker_report
from core.calls.breaker_by_hand import close_by_hand, open_by_hand
from core.calls.breaker_report import BreakerChange, BreakerRow
from core.runtime import db
from core.tables.jobs import WAITS_FOR, WaitsFor
from pages.words import breakers
from tests.callers import by
from tests.pages import made
from tests.pages.seeing import buttons, press, show, unfold, words
from tests.pipeline import ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")
MODEL = "gpt-5.6-luna"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def view(state: str, **fields: Any) -> BreakerRow:
    values: dict[str, Any] = {
        "failures": 10,
        "by_hand": False,
        "opened_at": NOW - timedelta(minutes=3),
        "retry_at": NOW + timedelta(seconds=57),
        "changed_at": NOW - timedelta(seconds=4),
        "opened_by": "",
        "requests": 0,
        "jobs": 0,
        "calls": 12,
    }
    return BreakerRow("openai", MODEL, state, **{**values, **fields})


@pytest.mark.parametrize(
    ("one", "says", "shortly"),
    [
        (
            view("open"),
            "did not answer 10 times in a row, stopped 3 min ago; tried again in 57 s",
            "gpt-5.6-luna: again in 57 s",
        ),
        (
            view("half_open"),
            "did not answer 10 times in a row, stopped 3 min ago; one call is trying it since 4 s, and decides",
            "gpt-5.6-luna: being tried",
        ),
        (
            view("open", by_hand=True, retry_at=None),
            "stopped by hand 3 min ago; nothing is sent until someone resumes it",
            "gpt-5.6-luna: stopped by hand",
        ),
        (
            view("open", by_hand=True, opened_by="ada"),
            "stopped by hand by ada 3 min ago; nothing is sent until someone resumes it",
            "gpt-5.6-luna: stopped by hand",
        ),
    ],
)
def test_each_state_says_why_and_until_when(one: BreakerRow, says: str, shortly: str) -> None:
    assert breakers.meaning(one, NOW) == says
    assert breakers.until_when(one, NOW) == shortly


def test_a_closed_one_says_what_it_let_through() -> None:
    assert breakers.meaning(view("closed"), NOW) == "answers; 12 calls within a day"


def test_a_change_says_who_did_what_and_when() -> None:
    change = BreakerChange(
        NOW - timedelta(hours=2), "ada", "breaker.open", f"openai/{MODEL}", {"state": "half_open"}, None
    )
    assert (
        breakers.change(change, NOW) == "Stopped by hand by ada: OpenAI gpt-5.6-luna, which was being tried · 2 h ago"
    )


@pytest.mark.parametrize(
    ("fallback", "says"),
    [
        (None, ""),
        ({"lane": "batch", "provider": None, "model": None, "after_s": 300, "used_at": "2026"}, ""),
        (
            {"lane": "batch", "provider": None, "model": None, "after_s": 300},
            "After 5 min of waiting, the job moves to the batch lane by itself.",
        ),
        (
            {"lane": None, "provider": "anthropic", "model": "claude-haiku-4-5", "after_s": 30},
            "After 30 s of waiting, the job goes on with Anthropic claude-haiku-4-5 by itself.",
        ),
    ],
)
def test_a_rule_says_where_the_job_goes(fallback: dict[str, Any] | None, says: str) -> None:
    assert breakers.rule(fallback) == says


def waiting_job(number: int = 3, **columns: Any) -> str:
    job = made.job("running", lane="live", **columns)
    made.requests(job, "pending", number, lane="live")
    return job


def test_what_waits_behind_each_is_counted_of_jobs_that_run() -> None:
    breaker.trip("openai", MODEL, 5, 60)
    breaker.trip("anthropic", "claude-haiku-4-5", 5, 60)
    job = waiting_job(3)
    made.requests(job, "in_flight", 2, lane="live")
    made.requests(job, "pending", 4, lane="batch")
    waiting_job(2)
    waiting_job(7, model="another")
    own = waiting_job(0, model="another")
    made.requests(own, "pending", 1, lane="live", model=MODEL)
    made.requests(made.job("paused", lane="live"), "pending", 9, lane="live")
    found = {one.provider: (one.requests, one.jobs) for one in breaker_report.lately()}
    assert found == {"openai": (6, 3), "anthropic": (0, 0)}
    assert breaker_report.behind("openai", MODEL) == (6, 3)


def test_who_opened_it_last_is_named() -> None:
    for name, act in (("ada", open_by_hand), ("bob", close_by_hand), ("eve", open_by_hand)):
        with actor.bound(by(name)):
            act("openai", MODEL)
    assert [one.opened_by for one in breaker_report.lately()] == ["eve"]
    assert [(one.user, one.action) for one in breaker_report.changes(2)] == [
        ("eve", "breaker.open"),
        ("bob", "breaker.close"),
    ]
    breaker_by_hand.close_by_hand("openai", MODEL)
    assert breaker_report.lately() == []


def plainly(at: AppTest) -> str:
    """As a reader sees it."""
    return words(at).replace("\\", "")


def called(provider: str, model: str) -> None:
    with db.transaction() as session:
        db.execute(
            session,
            "INSERT INTO call_minute VALUES (:provider, :model, now(), 4, 1, '{}')",
            provider=provider,
            model=model,
        )


def test_the_health_page_shows_each_with_its_buttons() -> None:
    called("anthropic", "claude-haiku-4-5")
    breaker.trip("openai", MODEL, 5, 600)
    breaker_by_hand.open_by_hand("openai", "gpt-5.4")
    waiting_job(3)
    at = show("health")
    text = plainly(at)
    assert ":red-badge[stopped] did not answer 5 times in a row, stopped" in text
    assert "tried again in 9 min · **3 live requests of 1 job** waits behind it" in text
    assert "stopped by hand" in text
    assert ":green-badge[working] answers; 5 calls within a day" in text
    assert "Stopped by hand: OpenAI gpt-5.4, which was working" in text
    assert {"Stop", "Keep stopped", "Resume"} <= buttons(at)


def test_a_breaker_is_opened_and_closed_after_saying_what_that_does() -> None:
    called("openai", MODEL)
    waiting_job(3)
    at = press(show("health"), "Stop")
    assert "These wait: 3 live requests of 1 job" in words(at)
    assert breaker_report.not_closed() == {}
    press(at, "Stop the model")
    assert breaker_report.not_closed()[("openai", MODEL)].by_hand
    at = press(show("health"), "Resume")
    assert "These are sent at once: 3 live requests of 1 job" in words(at)
    press(at, "Resume the model")
    assert breaker_report.not_closed() == {}
    assert {"task_name": "pump_job"} in rows("SELECT task_name FROM procrastinate_jobs")


def test_one_that_was_never_called_is_opened_by_its_name() -> None:
    at = unfold(show("health"), "stop_another")
    at.selectbox(key="stop_provider").set_value("anthropic").run()
    press(press(at, "Stop it"), "Stop the model")
    assert list(breaker_report.not_closed()) == [("anthropic", "claude-haiku-4-5")]


def waiting(**columns: Any) -> str:
    breaker.trip("openai", MODEL, 5, 600)
    wait = WaitsFor("breaker", "openai", MODEL, failures=5)
    return waiting_job(3, waits_for=WAITS_FOR.dump_json(wait).decode(), **columns)


def test_a_job_that_waits_says_for_what_and_until_when() -> None:
    fallback = '{"lane": "batch", "provider": null, "model": null, "after_s": 600}'
    at = show("job", id=waiting(fallback=fallback))
    text = plainly(at)
    assert "Live requests are on hold (none have failed): OpenAI gpt-5.6-luna did not answer 5 times in a row" in text
    assert "tried again in 9 min" in text
    assert "After 10 min of waiting, the job moves to the batch lane by itself" in text
    grid = show("jobs").dataframe[0].value
    assert list(grid["Waits for"]) == ["gpt-5.6-luna: again in 9 min"]


def test_without_one_that_waits_the_list_has_no_column_for_it() -> None:
    waiting_job(1)
    assert "Waits for" not in show("jobs").dataframe[0].value


def test_what_waits_is_moved_to_the_batch_lane_with_both_prices() -> None:
    job = waiting()
    with db.transaction() as session:
        db.execute(session, "UPDATE job SET template_id = NULL")
    at = press(show("job", id=job), "Move waiting requests")
    assert {"There, within 24 hours, about", "Here, about"} <= {metric.label for metric in at.metric}
    assert at.radio(key="move_way").options == ["To the batch lane"]
    press(at, "Move 3 requests")
    assert rows("SELECT lane, waits_for FROM job") == [{"lane": "batch", "waits_for": None}]
    at = press(show("job", id=job), "Move waiting requests")
    assert at.radio(key="move_way").options == ["To the live lane"]


def test_a_click_counts_though_the_job_has_begun_to_wait_since_the_page_was_drawn() -> None:
    job = waiting_job(3)
    at = show("job", id=job)
    breaker.trip("openai", MODEL, 5, 600)
    wait = WAITS_FOR.dump_json(WaitsFor("breaker", "openai", MODEL, failures=5)).decode()
    with db.transaction() as session:
        db.execute(session, "UPDATE job SET waits_for = CAST(:wait AS jsonb)", wait=wait)
    press(at, "Move waiting requests")
    assert at.radio(key="move_way").options


def test_of_a_canary_under_way_only_the_model_can_change() -> None:
    at = press(show("job", id=waiting(canary=2)), "Move waiting requests")
    assert at.radio(key="move_way").options == ["On with another model"]
    job = made.job("paused", canary=2)
    made.requests(job, "held", 3)
    assert "Move waiting requests" not in buttons(show("job", id=job))


@pytest.fixture
def analyse(openai: object) -> AppTest:
    ready_documents(3)
    at = show("analyse")
    return next(box for box in at.selectbox if box.label == "Provider").set_value("openai").run()


def test_a_model_that_does_not_answer_is_told_of_before_launch(analyse: AppTest) -> None:
    assert "A live job will wait until then" not in words(analyse)
    breaker_by_hand.open_by_hand("openai", MODEL)
    assert "OpenAI gpt-5.6-luna stopped by hand" in plainly(analyse.run())


@pytest.mark.parametrize(
    ("way", "kept"),
    [
        ("Wait", None),
        ("Batch lane", {"lane": "batch", "provider": None, "model": None, "after_s": 300}),
        ("Another model", {"lane": None, "provider": "openai", "model": "gpt-5.6-terra", "after_s": 300}),
    ],
)
def test_where_a_job_goes_by_itself_is_chosen_before_launch(
    analyse: AppTest, way: str, kept: dict[str, Any] | None
) -> None:
    at = analyse.segmented_control(key="fallback").set_value(way).run()
    if way == "Another model":
        at = at.selectbox(key="fallback_provider").set_value("openai").run()
        assert "all of it would be about $0.0" in plainly(at)
    press(at, "Launch 3 requests")
    assert rows("SELECT fallback FROM job") == [{"fallback": kept}]
