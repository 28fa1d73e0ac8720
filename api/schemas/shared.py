"""What goes out and comes in: apart from the tables, so that each can change without the other."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Form, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from core.answers.record import storable as storable_text
from core.runtime.paging import MOST, Page

T = TypeVar("T")
Row = TypeVar("Row")

Money = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount.normalize():f}", return_type=str)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
Cursor = Annotated[str | None, Query()]
# Also what a list may be asked for: anything else is refused by name.
Lane = Literal["live", "batch"]
DocumentState = Literal["queued", "extracting", "ready", "failed"]
JobState = Literal["draft", "queued", "running", "paused", "cancelling", "completed", "cancelled", "failed"]
RequestState = Literal["pending", "in_flight", "succeeded", "failed", "cancelled"]
InsightState = Literal["new", "confirmed", "dismissed"]


def storable(value: Any) -> Any:
    """Refuses what PostgreSQL cannot hold, at any depth: NUL and half surrogates."""
    if isinstance(value, str):
        if value != storable_text(value):
            raise ValueError("Text may hold neither NUL characters nor half surrogates. Remove them.")
    elif isinstance(value, dict):
        storable([*value, *value.values()])
    elif isinstance(value, list):
        for item in value:
            storable(item)
    return value


StorableForm = Annotated[str, Form(), AfterValidator(storable)]


class In(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _is_storable(cls, value: Any) -> Any:
        return storable(value)


class ListOut(BaseModel, Generic[T]):
    items: list[T]
    next_cursor: str | None


def listed(page: Page[Row], convert: Callable[[Row], T]) -> dict[str, Any]:
    return {"items": [convert(row) for row in page.items], "next_cursor": page.next_cursor}


def spent(cost: Decimal | None, unpriced: int) -> Decimal | None:
    """A sum of priced calls; None, and never 0, where there was none but calls that could not be priced."""
    return None if unpriced and not cost else cost


class ErrorOut(BaseModel):
    code: str
    message: str


def error_of(code: str | None, message: str | None) -> ErrorOut | None:
    return ErrorOut(code=code, message=message or "") if code else None


class DocumentOut(BaseModel):
    id: str
    name: str
    collection: str
    sha256: str
    media_type: str
    size_bytes: int
    state: DocumentState
    error: ErrorOut | None
    pages: int | None
    characters: int | None
    tokens: int | None
    language: str | None
    created_at: datetime
    correlation_id: str | None


class UploadedOut(DocumentOut):
    duplicate: bool


class FieldIn(In):
    name: str
    type: Literal["string", "number", "integer", "boolean", "list", "choice"]
    description: str = ""
    choices: list[str] = Field(default_factory=list)
    required: bool = True


class TemplateIn(In):
    name: str
    prompt: str
    fields: list[FieldIn] = Field(default_factory=list)
    insights: bool = False


class TemplateOut(BaseModel):
    id: str
    name: str
    description: str
    version: int
    built_in: bool
    prompt: str
    fields: list[FieldIn]
    insights: bool
    params_schema: dict[str, Any]


class UsageOut(BaseModel):
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int


class OperationOut(BaseModel):
    id: str
    name: str
    description: str
    options: dict[str, Any]


class ProcessIn(In):
    operation: str
    text: str = Field(min_length=1)
    options: dict[str, Any] = Field(default_factory=dict)
    provider: Literal["openai", "anthropic", "offline"] | None = None
    model: str | None = None


class ProcessOut(BaseModel):
    operation: str
    result: dict[str, Any]
    usage: UsageOut
    cost_usd: Money | None
    reused: bool
    request_id: str


class BatchProcessIn(In):
    operation: str
    texts: list[str] = Field(min_length=1, max_length=10_000)
    options: dict[str, Any] = Field(default_factory=dict)
    lane: Lane = "live"
    provider: Literal["openai", "anthropic", "offline"] | None = None
    model: str | None = None
    confirmed: bool = False


class LeftoversIn(In):
    """What happens by itself to requests that a batch left unanswered: sent again so often, and then live."""

    retries: int = 2
    then_live: bool = False


class FallbackIn(In):
    """Where a live job goes by itself, once, when a breaker has kept it waiting for so long: give `lane`, or
    `provider` with or without `model`."""

    lane: Literal["batch"] | None = None
    provider: Literal["openai", "anthropic", "offline"] | None = None
    model: str | None = None
    after_s: int = 300


class JobIn(In):
    name: str = ""
    description: str = ""
    template: str | None
    documents: list[str] | None = None
    collection: str | None = None
    provider: Literal["openai", "anthropic", "offline"]
    model: str | None = None
    lane: Lane = "live"
    params: dict[str, Any] = Field(default_factory=dict)
    start: bool = True
    confirmed: bool = Field(False, description="its price was seen: needed above CONFIRM_JOB_USD")
    reuse: bool = True
    canary: int = Field(0, ge=0, description="so many requests go live first, then the job is paused")
    deadline: datetime | None = None
    leftovers: LeftoversIn | None = None
    fallback: FallbackIn | None = None


class JobChangeIn(In):
    name: str
    description: str = ""


class StartIn(In):
    confirmed: bool = False


class MoveIn(In):
    """Either `lane`, or `provider` with or without `model`."""

    lane: Lane | None = None
    provider: Literal["openai", "anthropic", "offline"] | None = None
    model: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "MoveIn":
        if (self.lane is None) == (self.provider is None):
            raise ValueError("Give either lane or provider.")
        return self


class RetryIn(In):
    lane: Lane | None = None


class CountsOut(BaseModel):
    total: int
    pending: int
    in_flight: int
    succeeded: int
    failed: int
    cancelled: int
    reused: int


class FormerOut(BaseModel):
    """A model that the job went on from."""

    provider: str
    model: str


class JobOut(BaseModel):
    id: str
    name: str
    description: str
    template: str | None
    template_version: int | None
    params: dict[str, Any]
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
    """Seconds that batches of this model took here."""

    p50: float
    p95: float


class EstimateOut(BaseModel):
    requests: int
    reused: int
    input_tokens: int
    output_tokens: int
    cost_usd: CostOut
    turnaround_s: TurnaroundOut | None


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


class EvidenceOut(BaseModel):
    document: str
    quote: str
    start: int | None
    end: int | None
    supported: bool
    response: str


class InsightOut(BaseModel):
    id: str
    statement: str
    kind: str
    state: InsightState
    support: int
    confidence: float
    evidence: list[EvidenceOut]
    first_seen: datetime
    last_seen: datetime


class BreakerOut(BaseModel):
    name: str
    provider: str
    model: str
    state: str
    failures: int
    by_hand: bool
    opened_at: datetime | None
    retry_at: datetime | None


class UsageSumOut(BaseModel):
    key: str
    calls: int
    reused: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: Money | None
    unpriced: int


class UsageRecordOut(BaseModel):
    id: str
    time: datetime
    job: str | None
    request: str | None
    provider: str
    model: str
    lane: str
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    cost_usd: Money | None
    priced: bool
    reused: bool
    latency_ms: int | None
    status: str


class ComponentOut(BaseModel):
    name: str
    state: Literal["healthy", "unhealthy", "unknown"]
    message: str
    figures: dict[str, float]
    since: datetime | None
    checked_at: datetime


class WorkerOut(BaseModel):
    id: str
    name: str
    kind: str
    alive: bool
    leader: bool
    busy: int
    memory_bytes: int
    started_at: datetime
    last_seen: datetime


class StuckOut(BaseModel):
    kind: str
    id: str
    name: str
    number: int
    since: datetime | None
    reason: str


class HealthOut(BaseModel):
    status: Literal["healthy", "unhealthy"]
    timestamp: datetime
    version: str
    components: list[ComponentOut]
    workers: list[WorkerOut]
    stuck: list[StuckOut]


def fields_of(row: object, out: type[BaseModel]) -> dict[str, Any]:
    """The attributes of a report's row that an out schema names; ids become strings."""
    values = {name: getattr(row, name) for name in out.model_fields if hasattr(row, name)}
    numbers: Sequence[str] = ("id", "request_id", "request", "response")
    return {name: str(v) if name in numbers and isinstance(v, int) else v for name, v in values.items()}


class CacheIn(In):
    template: str | None = None
    model: str | None = None
    collection: str | None = None
    older_than_days: float | None = Field(None, ge=0, le=36_500)
    everything: bool = False


class MemoryOut(BaseModel):
    entries: int
    most_entries: int
    hits: int


class CacheOut(BaseModel):
    status: Literal["healthy", "unhealthy"]
    message: str
    memory: MemoryOut
    answers: int
    bytes: int
    period_days: int
    hits: int
    misses: int
    hit_rate: float | None
    saved_usd: Money
    saved_unpriced: int


class CacheInvalidatedOut(CacheOut):
    invalidated: int


class ConfigOut(BaseModel):
    retry_attempts: int
    circuit_breaker_threshold: int
    recovery_timeout_s: float
    strategy: Literal["aggressive", "balanced", "conservative"]
    backoff_base_s: float
    backoff_factor: float
    backoff_cap_s: float
    deadline_s: float


class InForceOut(BaseModel):
    """`sources` says of each value: default, environment, all (stored for all operations) or operation."""

    config: ConfigOut
    sources: dict[str, Literal["default", "environment", "all", "operation"]]
    gives_up_after_s: float


class OperationInForceOut(InForceOut):
    operation: str


class ResilienceOut(InForceOut):
    locked: bool
    operations: list[OperationInForceOut]


class PresetOut(BaseModel):
    name: str
    description: str
    config: ConfigOut
    gives_up_after_s: float


class RecommendedOut(PresetOut):
    environment: str
    reason: str


class ChoiceIn(In):
    """A preset's name, or own figures. What is wrong with them is told field by field."""

    preset: Any = None
    custom: Any = None

    def choice(self) -> dict[str, Any]:
        return self.model_dump(include={"preset", "custom"}, exclude_none=True)


class OperationChoiceIn(ChoiceIn):
    operation: str | None = None


class FieldErrorOut(BaseModel):
    field: str
    message: str


class ValidatedOut(BaseModel):
    valid: bool
    errors: list[FieldErrorOut]
    config: ConfigOut | None
