"""Retry as a pure decision: an error and an attempt in, seconds to wait or None out. The only layer that retries."""

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState

from core.errors import ProviderError

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """`attempts` in all. Waits grow by `factor` from `base_s` to `cap_s`; a longer `retry-after` than the cap is
    honoured up to `longest_wait_s`, and given up on beyond it.

    No attempt begins later than `deadline_s` after the first. One that is under way then may end: it may be billed.
    """

    attempts: int = 4
    base_s: float = 0.5
    factor: float = 2.0
    cap_s: float = 30.0
    longest_wait_s: float = 300.0
    deadline_s: float = float("inf")


def decide(
    error: ProviderError, attempt: int, policy: RetryPolicy, jitter: float, elapsed_s: float = 0.0
) -> float | None:
    """Seconds before the next attempt, or None to give up. `attempt` counts from 1, `jitter` lies in 0..1."""
    if not error.retryable or attempt >= policy.attempts:
        return None
    if error.retry_after is not None:
        wait = error.retry_after
        if wait > policy.longest_wait_s:
            return None
    else:
        wait = min(policy.cap_s, policy.base_s * policy.factor ** (attempt - 1)) * (0.5 + jitter / 2)
    return wait if elapsed_s + wait <= policy.deadline_s else None


async def with_retries(
    call: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    on_error: Callable[[ProviderError], bool],
    go_on: Callable[[], Awaitable[bool]],
) -> T:
    """The call's result, or its last ProviderError.

    `on_error` is told of each attempt that failed and says whether to try again at all. After the wait, `go_on` says
    whether that is still so.
    """
    begun = time.monotonic()
    try:
        # What most calls are: the machinery of trying again takes a tenth of a millisecond even where nothing fails.
        return await call()
    except ProviderError as error:
        first: ProviderError | None = error
    waits: dict[int, float | None] = {}
    errors: list[ProviderError] = []

    def retry(state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, ProviderError) or (errors and errors[-1] is error):
            return False
        errors.append(error)
        elapsed = time.monotonic() - begun
        wait = decide(error, state.attempt_number, policy, random.random(), elapsed)
        waits[state.attempt_number] = wait if on_error(error) else None
        return waits[state.attempt_number] is not None

    def wait(state: RetryCallState) -> float:
        return waits[state.attempt_number] or 0.0

    async def attempt() -> T:
        nonlocal first
        if first is not None:
            failed, first = first, None
            raise failed
        if errors and not await go_on():
            raise errors[-1]
        return await call()

    return await AsyncRetrying(retry=retry, wait=wait, reraise=True)(attempt)
