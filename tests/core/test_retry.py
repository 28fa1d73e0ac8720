"""Retry as a pure decision, and the loop around it."""

import asyncio

import pytest

from core.errors import ProviderError
from core.retry import RetryPolicy, decide, with_retries

POLICY = RetryPolicy(attempts=3, base_s=1, factor=2, cap_s=3, longest_wait_s=60)


def failure(*, retryable: bool = True, retry_after: float | None = None, heard: bool = True) -> ProviderError:
    return ProviderError("no", code="x", retryable=retryable, retry_after=retry_after, heard=heard)


@pytest.mark.parametrize(
    ("error", "attempt", "jitter", "wait"),
    [
        (failure(), 1, 0.0, 0.5),
        (failure(), 1, 1.0, 1.0),
        (failure(), 2, 1.0, 2.0),
        (failure(), 3, 1.0, None),
        (failure(retryable=False), 1, 1.0, None),
        (failure(retry_after=17.0), 1, 0.0, 17.0),
        (failure(retry_after=61.0), 1, 0.0, None),
        (failure(retryable=False, retry_after=1.0), 1, 0.0, None),
    ],
)
def test_the_decision(error: ProviderError, attempt: int, jitter: float, wait: float | None) -> None:
    assert decide(error, attempt, POLICY, jitter) == wait


def test_waits_are_capped() -> None:
    assert decide(failure(), 9, RetryPolicy(attempts=20, base_s=1, cap_s=3), 1.0) == 3


def tries(*outcomes: ProviderError | str) -> tuple[str | ProviderError, list[ProviderError], int]:
    """What the loop comes to, which failures were told as unheard, and how many calls it made."""
    left, unheard = list(outcomes), []

    async def call() -> str:
        outcome = left.pop(0)
        if isinstance(outcome, ProviderError):
            raise outcome
        return outcome

    policy = RetryPolicy(attempts=3, base_s=0.001)
    try:
        result: str | ProviderError = asyncio.run(with_retries(call, policy, unheard.append))
    except ProviderError as error:
        result = error
    return result, unheard, len(outcomes) - len(left)


def test_a_passing_failure_is_tried_again() -> None:
    assert tries(failure(), "answer") == ("answer", [], 2)


def test_the_last_failure_is_raised_and_every_unheard_one_was_told() -> None:
    first, second, third = failure(heard=False), failure(), failure(heard=False)
    assert tries(first, second, third, "never") == (third, [first, third], 3)


def test_what_can_never_work_is_called_once() -> None:
    error = failure(retryable=False)
    assert tries(error, "never") == (error, [], 1)
