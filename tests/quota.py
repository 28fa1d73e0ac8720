"""Rate limits as a provider enforces and announces them, to the letter: whoever takes more than is left is refused."""

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.local_provider import Asked, Reply, error


class Bucket:
    """It refills all the time."""

    def __init__(self, a_minute: int, level: float):
        self.a_minute = a_minute
        self.per_second = a_minute / 60
        self.level = level
        self._at = time.monotonic()

    def look(self) -> None:
        now = time.monotonic()
        self.level = min(self.a_minute, self.level + (now - self._at) * self.a_minute / 60)
        self._at = now

    def whole_in(self) -> float:
        return (self.a_minute - self.level) * 60 / self.a_minute

    def missing_s(self, amount: float) -> float:
        return max(0.0, amount - self.level) * 60 / self.a_minute


class Window(Bucket):
    """It is whole again every so many seconds, and never in between."""

    def __init__(self, size: int, seconds: float):
        super().__init__(size, size)
        self.seconds = seconds
        self.per_second = size / seconds
        self._ends = time.monotonic() + seconds

    def look(self) -> None:
        now = time.monotonic()
        if now >= self._ends:
            self.level = self.a_minute
            self._ends += self.seconds * math.ceil((now - self._ends + 1e-9) / self.seconds)

    def whole_in(self) -> float:
        return self._ends - time.monotonic()

    def missing_s(self, amount: float) -> float:
        return self.whole_in() if amount > self.level else 0.0


class Quota:
    """A plan for LocalProvider: limits by kind, announced as OpenAI does."""

    def __init__(self, reply: Reply | None = None, **limits: Bucket):
        self.limits = limits
        self.reply = reply or Reply(delay=0.02)
        self.answered = 0
        self.refused = 0
        self.begun = self.ended = 0.0
        self._at_first: dict[str, float] = {}
        self._used = dict.fromkeys(limits, 0.0)

    def used(self) -> float:
        """How much of what could be used up by the last call was: of the limit that was used up most."""
        passed = self.ended - self.begun
        return max(
            self._used[kind] / (self._at_first[kind] + passed * limit.per_second) for kind, limit in self.limits.items()
        )

    def __call__(self, asked: Asked) -> Reply:
        amounts = self.amounts(asked)
        for limit in self.limits.values():
            limit.look()
        if not self._at_first:
            self.begun = time.monotonic()
            self._at_first = {kind: limit.level for kind, limit in self.limits.items()}
        missing = max(limit.missing_s(amounts[kind]) for kind, limit in self.limits.items())
        if missing:
            self.refused += 1
            return error(429, "rate_limit_exceeded", retry_after=f"{missing:.3f}")
        for kind, limit in self.limits.items():
            limit.level -= amounts[kind]
            self._used[kind] += amounts[kind]
        self.answered += 1
        self.ended = time.monotonic()
        # Answers come in another order than they were asked for.
        delay = self.reply.delay * (1 + self.answered % 7)
        return replace(self.reply, headers=self.headers(), delay=delay)

    def amounts(self, asked: Asked) -> Mapping[str, float]:
        """Tokens count as OpenAI counts them: what is sent, and all that may be written."""
        limit = asked.body.get("max_completion_tokens") or asked.body.get("max_tokens") or 0
        return {"requests": 1.0, "tokens": sent_tokens(asked) + int(limit)}

    def headers(self) -> dict[str, str]:
        told = {}
        for kind, limit in self.limits.items():
            whole = timedelta(seconds=limit.whole_in())
            told[f"x-ratelimit-limit-{kind}"] = str(limit.a_minute)
            told[f"x-ratelimit-remaining-{kind}"] = str(math.floor(limit.level))
            told[f"x-ratelimit-reset-{kind}"] = f"{whole.seconds // 60}m{whole.total_seconds() % 60:.3f}s"
        return told


class AnthropicQuota(Quota):
    """The same as Anthropic announces it. What is written counts, not what may be; moments are whole seconds."""

    def amounts(self, asked: Asked) -> Mapping[str, float]:
        return {"requests": 1.0, "input_tokens": sent_tokens(asked), "output_tokens": 10.0}

    def headers(self) -> dict[str, str]:
        now = datetime.now(UTC)
        told: dict[str, Any] = {"date": format_datetime(now, usegmt=True)}
        for kind, limit in self.limits.items():
            name = f"anthropic-ratelimit-{kind.replace('_', '-')}"
            told[f"{name}-limit"] = str(limit.a_minute)
            told[f"{name}-remaining"] = str(math.floor(limit.level))
            told[f"{name}-reset"] = f"{now + timedelta(seconds=limit.whole_in()):%Y-%m-%dT%H:%M:%SZ}"
        return told


def sent_tokens(asked: Asked) -> float:
    return int(asked.headers.get("content-length", 0)) // 4
