"""Jobs, their requests, provider batches, answers and costs."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from api.schemas.shared import ErrorOut, In, Lane, Moment, Money, ProviderName
from api.schemas.usage import UsageOut
from core.tables.jobs import JobState, WaitKind

RequestState = Literal["pending", "in_flight", "succeeded", "failed", "cancelled"]


class LeftoversIn(In):
    """The rule for requests that a batch left unanswered: sent again up to `retries` times, then live with
    `then_live`."""

    retries: int = 2
    then_live: bool = False


class FallbackIn(In):
    """The rule for a live job that an open breaker has kept waiting for `after_s` seconds: it moves by itself, once.
    Give `lane`, or `provider` with or without `model`."""

    lane: Literal["batch"] | None = None
    provider: ProviderName | None = None
    model: str | None = None
    after_s: int = 300


class SamplingIn(In):
    """How answers are written: part of what decides an answer, so answers of before are not reused for another."""

    temperature: float | None = Field(None, strict=True, allow_inf_nan=False, description="0 to 2; at Anthropic 0 to 1")
    max_output_tokens: int | None = Field(
        None, strict=True, description="the longest answer, a model's thoughts included"
    )


class JobIn(In):
    name: str = ""
    description: str = ""
    template: str | None
    documents: list[str] | None = None
    collection: str | None = None
    provider: ProviderName
    model: str | None = None
    lane: Lane = "live"
    params: dict[str, Any] = Field(default_factory=dict)
    start: bool = True
    confirmed: bool = Field(False, description="its price was seen: needed above CONFIRM_JOB_USD")
    reuse: bool = True
    canary: int = Field(0, ge=0, le=2**31 - 1, description="so many requests go live first, then the job is paused")
    deadline: Moment | None = None
    leftovers: LeftoversIn | None = None
    fallback: FallbackIn | None = None
    sampling: SamplingIn | None = None


class JobChangeIn(In):
    name: str
    description: str = ""


class StartIn(In):
    confirmed: bool = False


class MoveIn(In):
    """Either `lane`, or `provider` with or without `model`."""

    lane: Lane | None = None
    provider: ProviderName | None = None
    model: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "MoveIn":
        if (self.lane is None) == (self.provider is None):
            raise ValueError("Give either lane or provider.")
        return self


class RetryIn(In):
    """`filtered`: also what the provider's content filter stopped, which it probably stops again."""

    lane: Lane | None = None
    filtered: bool = False


class CountsOut(BaseModel):
    total: int
    pending: int
    in_flight: int
    succeeded: int
    failed: int
    cancelled: int
    reused: int


class FormerOut(BaseModel):
    """A model that the job had before it was moved."""

    provider: str
    model: str


class WaitsForOut(BaseModel):
    """Why a running job sends nothing now. `until` is null if the time is not known."""

    kind: WaitKind
    provider: str
    model: str
    until: datetime | None
    message: str


class MissingOut(BaseModel):
    """The budget that a job waits for. `missing_usd` is null where the job has no known price."""

    id: str
    missing_usd: Money | None


class ApproveIn(In):
    up_to_usd: Decimal = Field(description="what the job may cost in all, past its budgets", examples=["25.00"])


class JobOut(BaseModel):
    id: str
    workspace: str
    name: str
    description: str
    template: str | None
    template_version: int | None
    params: dict[str, Any]
    sampling: dict[str, Any] | None
    temperature_unused: bool = Field(description="the model took none, so the one that is set was not used")
    provider: str
    model: str
    lane: Lane
    state: JobState
    fallback: dict[str, Any] | None
    former: list[FormerOut]
    counts: CountsOut
    cost_usd: Money | None
    unpriced: int
    estimate_usd: Money | None
    user: str
    collection: str | None = Field(description="of its documents, where all are in one")
    reserved_usd: Money | None
    held_usd: Money = Field(description="reserved and not booked yet")
    budget: MissingOut | None
    waits_for: WaitsForOut | None
    error: str | None
    correlation_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class CostOut(BaseModel):
    live: Money | None
    batch: Money | None


class MoveEstimateOut(BaseModel):
    documents: int
    requests: int
    reused: int
    too_long: int
    cost_usd: CostOut


class TurnaroundOut(BaseModel):
    """Seconds from submission to end of this model's batches here."""

    p50: float
    p95: float


class ReadOut(BaseModel):
    """Of the documents that are ready: how many were read in part, of how many that is not known, and how many lack
    what, by the codes of their warnings."""

    documents: int
    read_in_part: int
    not_known: int
    lacking: dict[str, int]


class FitOut(BaseModel):
    """A budget that counts this job, and whether the job may start at once."""

    id: str
    left_usd: Money
    fits: bool


class PastErrorOut(BaseModel):
    """How far completed jobs like this were from their estimates, as shares: half of them, and nine of ten."""

    p50: Money
    p90: Money


class EstimateOut(BaseModel):
    requests: int
    reused: int
    input_tokens: int
    output_tokens: int
    cost_usd: CostOut
    turnaround_s: TurnaroundOut | None
    budgets: list[FitOut]
    past_error: PastErrorOut | None = Field(description="null with fewer than 3 completed jobs like this one")
    warnings: list[str] = Field(description="what the model is known to refuse")
    read: ReadOut


class RequestOut(BaseModel):
    id: str
    custom_id: str
    document: str | None
    lane: Lane
    state: RequestState
    attempts: int
    error: ErrorOut | None
    reused: bool
    provider_batch: str | None
    model: str


class ProviderBatchOut(BaseModel):
    id: str
    provider: str
    provider_batch_id: str | None
    model: str
    state: str
    provider_state: str | None
    requests: int
    done: int | None
    counts: dict[str, Any] | None
    created_at: datetime
    submitted_at: datetime | None
    ended_at: datetime | None
    error: str | None


class ResponseOut(BaseModel):
    request_id: str
    custom_id: str
    document: str | None
    result: dict[str, Any] | None
    text: str
    finish_reason: str
    usage: UsageOut
    cost_usd: Money | None
    reused: bool
    created_at: datetime


class EventOut(BaseModel):
    id: str
    time: datetime
    kind: str
    message: str
