"""What answers teach about rate limits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.calls import rate_limit_lessons
from core.calls.outcomes import Call, Failed, Kept, Taken
from core.calls.rate_limit_lessons import Lesson
from core.money.pricing import Price
from core.providers.usage import Limit, Usage

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TAKEN = Taken(100, 20, {"requests": 7.0})
CALL = Call(1, 1, "ws_default", "job", "qa", "openai", "gpt-5-mini", "live", 100, 20, {}, taken=TAKEN)


def answer(*limits: Limit, failures: int = 0, age_s: float = 0.0, latency_ms: int = 0) -> Kept:
    at = NOW - timedelta(seconds=age_s)
    price = Price(None, reason="no_price")
    return Kept(CALL, at, "gpt-5-mini", "{}", "", "stop", Usage(), price, latency_ms, None, failures, limits)


def requests(*ended: Kept | Failed) -> Lesson:
    return next(lesson for lesson in rate_limit_lessons.of(ended, NOW) if lesson.kind == "requests")


def test_every_attempt_of_a_call_has_taken_from_each_bucket() -> None:
    lessons = rate_limit_lessons.of([answer(failures=2), Failed(CALL, "timeout", "No.", failures=1)], NOW)
    assert {lesson.kind: lesson.ended for lesson in lessons} == {
        "requests": 4,
        "tokens": 480,
        "input_tokens": 400,
        "output_tokens": 80,
    }
    assert {lesson.a_minute for lesson in lessons} == {None}


def test_a_bucket_that_refills_may_have_more_than_was_left_when_the_answer_was_sent() -> None:
    # 590 of 600 left: full after one second, at ten a second.
    found = requests(answer(Limit("requests", 600, 590, 1.0), age_s=3, latency_ms=2000))
    assert (found.a_minute, found.per_second, found.level_ceiling) == (600, 10.0, 640.0)
    assert found.remaining_plus_settled == 597.0


@pytest.mark.parametrize(
    ("left", "resets_in_s", "window_resets_in_s"),
    [
        (590, 1.0, -1.0),  # when a bucket that refills would be full
        (590, 40.0, 40.0),  # much later: counted by windows
        (100, 5.0, 5.0),  # much sooner
        (590, 3600.0, None),  # a day's limit
        (590, None, None),
    ],
)
def test_when_a_window_ends(left: int, resets_in_s: float | None, window_resets_in_s: float | None) -> None:
    found = requests(answer(Limit("requests", 600, left, resets_in_s)))
    assert found.window_resets_in_s == window_resets_in_s


def test_a_window_that_has_ended_teaches_nothing() -> None:
    limit = Limit("requests", 600, 100, 5.0)
    assert requests(answer(limit, age_s=6)) == Lesson("requests", 1.0)
    assert requests(answer(limit, age_s=6), answer(replace(limit, left=300))).level_ceiling == 300.0


def test_the_lowest_that_is_left_bounds_the_level_and_the_highest_the_least() -> None:
    limits = [Limit("requests", 600, left, None) for left in (50, 40, 45)]
    found = requests(*(answer(limit) for limit in limits))
    assert (found.level_ceiling, found.remaining_plus_settled) == (40.0, 57.0)


def test_a_limit_of_a_day_refills_that_much_slower() -> None:
    assert requests(answer(Limit("requests", 1000, 100, 3600.0))).per_second == 0.25
