"""A call to a model and what can come of it: kept, failed, or outcome unknown."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.money.pricing import Price
from core.providers.usage import Limit, Usage


@dataclass(frozen=True)
class Taken:
    """What each attempt of a call takes from its model's rate limits. `settled`: by kind, all that calls which had
    ended by then had taken."""

    input_tokens: int
    output_tokens: int
    settled: Mapping[str, float]


@dataclass(frozen=True)
class Call:
    """A claimed request: what is sent, and what its answer is booked on."""

    request_id: int
    attempt: int
    job_id: str | None
    template_id: str | None
    provider: str
    model: str
    lane: str
    input_tokens: int
    output_tokens: int
    body: dict[str, Any]
    endpoint: str | None = None
    correlation_id: str | None = None
    # Whether its breaker closes again depends on it.
    probe: bool = False
    taken: Taken | None = None


@dataclass(frozen=True)
class Kept:
    """An answer with its price, ready to be kept. `failures` counts the attempts before it; `limits` is what the
    provider said about its rate limits with it."""

    call: Call
    at: datetime
    model: str
    raw: str
    text: str
    finish_reason: str
    usage: Usage
    price: Price
    latency_ms: int
    provider_request_id: str | None
    failures: int = 0
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True)
class Failed:
    """A call that ended without an answer. `again` puts its request back instead of failing it.

    `failures` counts its attempts; `down`: the last one says that the provider has trouble; `retry_after`: it asked
    everybody to wait for so many seconds.
    """

    call: Call
    code: str
    message: str
    again: bool = False
    failures: int = 0
    down: bool = False
    retry_after: float | None = None
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True)
class Unheard:
    """A live call whose answer never came: it may have been billed, so its estimate is booked and marked.

    `booking` makes handing it in twice harmless. `lost_booking` is the one of a call whose worker is taken for dead: it
    goes when that worker comes back with what became of the call.
    """

    call: Call
    at: datetime
    price: Price
    booking: str = field(default_factory=lambda: uuid.uuid4().hex)


Outcome = Kept | Failed | Unheard
