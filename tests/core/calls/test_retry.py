import asyncio
import time

import pytest

from core.calls.retry import RetryPolicy, decide, with_retries
from core.errors import ProviderError

POLICY = RetryPolicy(attempts=4, base_s=1, factor=2, cap_s=3, longest_wait_s=60)


def failed(*, retryable: bool = True, retry_after: float | None = None, heard: bool = True) -> ProviderError:
    return ProviderError("No.", retryable=retryable, retry_after=retry_after, heard=heard)


@pytest.mark.parametrize(
    ("error", "attempt", "jitter", "wait"),
    [
        (failed(), 1, 1.0, 1.0),
        (failed(), 1, 0.0, 0.5),
        (failed(), 2, 1.0, 2.0),
        (failed(), 3, 1.0, 3.0),  # 4 without the cap
        (failed(), 3, 0.5, 2.25),
        (failed(), 4, 1.0, None),
        (failed(), 9, 1.0, None),
        (failed(retryable=False), 1, 1.0, None),
        (failed(retryable=False, retry_after=1), 1, 1.0, None),
        (failed(retry_after=7), 1, 0.0, 7),
        (failed(retry_after=0), 1, 0.0, 0),
        (failed(retry_after=60), 3, 0.0, 60),
        (failed(retry_after=61), 1, 0.0, None),
        (failed(retry_after=7), 4, 0.0, None),
    ],
)
def test_whether_and_when_to_try_again(error: ProviderError, attempt: int, jitter: float, wait: float | None) -> None:
    assert decide(error, attempt, POLICY, jitter) == wait


QUICK = RetryPolicy(attempts=3, base_s=0.01, cap_s=0.01)


def run(outcomes: list[object], policy: RetryPolicy = QUICK, may_go_on: bool = True) -> tuple[object, int, int]:
    """The result or error, how often it was called, and how often it was not heard."""
    called = 0
    unheard: list[ProviderError] = []

    async def call() -> object:
        nonlocal called
        called += 1
        outcome = outcomes[called - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def on_error(error: ProviderError) -> bool:
        if not error.heard:
            unheard.append(error)
        return True

    async def go_on() -> bool:
        return may_go_on

    async def work() -> object:
        try:
            return await with_retries(call, policy, on_error, go_on)
        except (ProviderError, ValueError) as error:
            return error

    return asyncio.run(work()), called, len(unheard)


def test_the_first_answer_is_enough() -> None:
    assert run(["yes"]) == ("yes", 1, 0)


def test_an_answer_after_failures() -> None:
    assert run([failed(), failed(heard=False), "yes"]) == ("yes", 3, 1)


def test_the_last_error_is_the_one_that_is_told() -> None:
    last = failed(heard=False)
    assert run([failed(), failed(heard=False), last, "never"]) == (last, 3, 2)


def test_one_attempt_that_was_not_heard_is_told_even_when_it_is_the_only_one() -> None:
    error = failed(retryable=False, heard=False)
    assert run([error]) == (error, 1, 1)


def test_a_fault_of_ours_is_not_tried_again() -> None:
    fault = ValueError("ours")
    assert run([fault, "never"]) == (fault, 1, 0)


def test_it_waits_as_long_as_it_was_asked_to() -> None:
    begun = time.monotonic()
    assert run([failed(retry_after=0.2), "yes"])[0] == "yes"
    assert time.monotonic() - begun >= 0.2


def test_it_gives_up_where_the_next_attempt_would_begin_after_the_deadline() -> None:
    policy = RetryPolicy(attempts=9, deadline_s=60)
    assert decide(failed(retry_after=20), 1, policy, 1.0, elapsed_s=40) == 20
    assert decide(failed(retry_after=21), 1, policy, 1.0, elapsed_s=40) is None
    late = failed(retry_after=0.2)
    assert run([failed(retry_after=0.2), late, "never"], RetryPolicy(deadline_s=0.39)) == (late, 2, 0)


def test_after_a_wait_it_asks_whether_to_go_on() -> None:
    error = failed(retry_after=0)
    assert run([error, "never"], may_go_on=False) == (error, 1, 0)
