"""Retry as a pure decision: an error and an attempt in, seconds to wait or None out. The only layer that retries."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState

from core.errors import ProviderError

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """`attempts` in all. Waits grow by `factor` from `base_s` to `cap_s`; a longer `retry-after` than the cap is
    honoured up to `longest_wait_s`, and given up on beyond it."""

    attempts: int = 4
    base_s: float = 0.5
    factor: float = 2.0
    cap_s: float = 30.0
    longest_wait_s: float = 300.0


def decide(error: ProviderError, attempt: int, policy: RetryPolicy, jitter: float) -> float | None:
    """Seconds before the next attempt, or None to give up. `attempt` counts from 1, `jitter` lies in 0..1."""
    if not error.retryable or attempt >= policy.attempts:
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= policy.longest_wait_s else None
    wait = min(policy.cap_s, policy.base_s * policy.factor ** (attempt - 1))
    return wait * (0.5 + jitter / 2)


async def with_retries(
    call: Callable[[], Awaitable[T]], policy: RetryPolicy, on_unheard: Callable[[ProviderError], None]
) -> T:
    """The call's result, or its last ProviderError. `on_unheard` is told of each attempt that may have been billed."""
    waits: dict[int, float | None] = {}

    def retry(state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, ProviderError):
            return False
        if not error.heard:
            on_unheard(error)
        waits[state.attempt_number] = decide(error, state.attempt_number, policy, random.random())
        return waits[state.attempt_number] is not None

    def wait(state: RetryCallState) -> float:
        return waits[state.attempt_number] or 0.0

    async def attempt() -> T:
        return await call()

    return await AsyncRetrying(retry=retry, wait=wait, reraise=True)(attempt)
