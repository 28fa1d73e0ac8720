"""A call to a model and its possible outcomes: an answer, a failure, or outcome unknown."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.money.pricing import Price
from core.providers.sampling import AS_ASKED, Sampling
from core.providers.usage import PLAIN, Limit, Terms, Usage


@dataclass(frozen=True)
class Taken:
    """What each attempt of a call takes from its model's rate limits. `settled`: the bucket's counter of that name at
    the time of the claim, by kind."""

    input_tokens: int
    output_tokens: int
    settled: Mapping[str, float]


@dataclass(frozen=True)
class Call:
    """A claimed request: the body to send, and what its usage record will name."""

    request_id: int
    attempt: int
    workspace_id: str
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
    # Its outcome decides whether the model's half open breaker closes.
    probe: bool = False
    taken: Taken | None = None
    # What its job set, which the body has where its model takes it.
    sampling: Sampling = AS_ASKED
    # Who asked, where that is known.
    user: str = ""


@dataclass(frozen=True)
class Kept:
    """An answer with its price. `failures` counts the attempts before it; `limits`: the rate limits in its headers.

    `temperature_unused`: it was asked without the temperature that its job set. `answered_at`: by the provider's clock.
    """

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
    temperature_unused: bool = False
    terms: Terms = PLAIN
    answered_at: datetime | None = None


@dataclass(frozen=True)
class Failed:
    """A call that ended without an answer. `again` puts its request back into the queue instead of failing it.

    `failures` counts its attempts; `down`: the last error was the provider's own (`breaker.counts`); `retry_after`: for
    so many seconds the provider refuses all calls of the model. `split`: it is too long for the model's context, and is
    asked in parts before anything else of its job.
    """

    call: Call
    code: str
    message: str
    again: bool = False
    failures: int = 0
    down: bool = False
    retry_after: float | None = None
    limits: tuple[Limit, ...] = ()
    split: bool = False


@dataclass(frozen=True)
class UnknownOutcome:
    """Outcome unknown: a live call whose answer never came. It may have been billed, so its estimate is booked.

    `idempotency_key` is its usage record's. `record.lost_call_key` gives the key for a call whose worker is
    taken for dead: the record goes if that worker comes back with the call's outcome.
    """

    call: Call
    at: datetime
    price: Price
    idempotency_key: str = field(default_factory=lambda: uuid.uuid4().hex)


Outcome = Kept | Failed | UnknownOutcome
