"""How long a call may take, at a server that may have a queue of its own.

A local server often answers one call at a time. Of thirty that are sent at once the last is answered after thirty
times as long, and is not lost: to give it up would pay for it twice. So silence is what runs out, not time.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from core.providers import errors

T = TypeVar("T")
# However much the server answers meanwhile, a call takes no more than so many times its timeout.
MOST = 10
# Servers do not keep to the order in which they were asked.
OVERTAKEN = 2


@dataclass(eq=False)
class _Waiting:
    """`since`: when its server was last heard of; `ahead`: how many more answers count, as they may be before it."""

    since: float
    ahead: int


class Patience:
    """Of one server: `timeout_s` seconds of silence for each call."""

    def __init__(self, provider: str, timeout_s: float):
        self.longest_s = MOST * timeout_s
        self._provider = provider
        self._timeout_s = timeout_s
        self._waiting: set[_Waiting] = set()

    async def answer(self, call: Coroutine[Any, Any, T]) -> T:
        """The answer. Raises ProviderError once the server was silent for too long: answers to calls that were under
        way when this one was sent are not silence."""
        begun = time.monotonic()
        one = _Waiting(begun, OVERTAKEN * len(self._waiting))
        self._waiting.add(one)
        task = asyncio.ensure_future(call)
        try:
            while not task.done():
                left_s = min(one.since + self._timeout_s, begun + self.longest_s) - time.monotonic()
                if left_s <= 0:
                    raise errors.outcome_unknown(self._provider, "timeout", "No answer in time.")
                await asyncio.wait({task}, timeout=left_s)
            found = task.result()
            self._heard()
            return found
        finally:
            self._waiting.discard(one)
            task.cancel()

    def _heard(self) -> None:
        now = time.monotonic()
        for one in self._waiting:
            if one.ahead:
                one.since, one.ahead = now, one.ahead - 1
