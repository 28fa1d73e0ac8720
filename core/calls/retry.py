"""Retries: a pure decision (error and attempt in, seconds to wait or None out), and the only loop that applies it."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from core.errors import ProviderError

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """At most `attempts` calls. Waits grow by `factor` from `base_s` to `cap_s` seconds; a provider's `retry-after` is
    obeyed up to `longest_wait_s`, and ends the retries beyond it.

    No attempt begins later than `deadline_s` after the first. One that is under way by then ends: it may be billed.
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
    on_error: Callable[[ProviderError], Awaitable[bool]],
    go_on: Callable[[], Awaitable[bool]],
) -> T:
    """The call's result. Raises its last ProviderError; any other exception is not retried.

    `on_error` is given each error and returns whether another attempt makes sense; `go_on` is asked after the wait.
    """
    begun = time.monotonic()
    attempt = 0
    while True:
        attempt += 1
        try:
            return await call()
        except ProviderError as error:
            wait = decide(error, attempt, policy, random.random(), time.monotonic() - begun)
            if not await on_error(error) or wait is None:
                raise
            await asyncio.sleep(wait)
            if not await go_on():
                raise
