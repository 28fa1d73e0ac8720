"""The tables. Words as in the README; wide bodies apart from narrow states; no foreign keys on the hot rows.

`request` is updated several times in its life, so it stays narrow and its body lies in `request_body`. `response`,
`evidence` and `usage_record` arrive by the thousand; what they refer to is checked by the statements that write them.
Usage records outlive everything they mention.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB, TSVECTOR
from sqlmodel import Field, SQLModel

# The smallest price of one token is 7.5e-8 USD and a cached one costs a tenth: twelve decimals keep every sum exact.
Money = Numeric(20, 12)


def _id() -> Any:
    return Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))


def _time(*, nullable: bool = False, default_now: bool = False, index: bool = False) -> Any:
    default = text("now()") if default_now else None
    return Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=nullable, server_default=default, index=index)
    )


def _text(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_column=Column(Text, nullable=nullable))


def _big(*, nullable: bool = False, default: int | None = None) -> Any:
    server = None if default is None else text(str(default))
    return Field(default=default, sa_column=Column(BigInteger, nullable=nullable, server_default=server))


def _flag(default: bool) -> Any:
    return Field(default=default, sa_column_kwargs={"server_default": text(str(default).lower())})


def _figures() -> Any:
    """Numbers by name, such as {"p95_ms": 412.0}: which there are depends on the component."""
    return Field(default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))


class Collection(SQLModel, table=True):
    __tablename__: ClassVar[str] = "collection"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    created_at: datetime = _time(default_now=True)


class Blob(SQLModel, table=True):
    """A file's bytes, once per content hash, in chunks so that no row and no read is large."""

    __tablename__: ClassVar[str] = "blob"
    sha256: str = Field(primary_key=True)
    size_bytes: int = _big()
    created_at: datetime = _time(default_now=True)


class BlobChunk(SQLModel, table=True):
    __tablename__: ClassVar[str] = "blob_chunk"
    sha256: str = Field(
        sa_column=Column(Text, ForeignKey("blob.sha256", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    number: int = Field(primary_key=True)
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Document(SQLModel, table=True):
    __tablename__: ClassVar[str] = "document"
    __table_args__ = (UniqueConstraint("collection_id", "sha256"), Index("ix_document_state", "state"))
    id: str = Field(primary_key=True)
    name: str
    collection_id: str = Field(foreign_key="collection.id")
    sha256: str = Field(foreign_key="blob.sha256", index=True)
    media_type: str
    size_bytes: int = _big()
    state: str = Field(default="queued")
    stage: str | None = None
    stage_done: int | None = None
    stage_total: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    pages: int | None = None
    characters: int | None = None
    tokens: int | None = None
    language: str | None = None
    worker_id: int | None = _big(nullable=True)
    created_at: datetime = _time(default_now=True)
    # Since when it is queued, or a worker reads it.
    waiting_since: datetime = _time(default_now=True)
    # Of the click or API call that last asked for its text.
    correlation_id: str | None = None
    ready_at: datetime | None = _time(nullable=True)


class DocumentText(SQLModel, table=True):
    """The text that spans count in. `page_starts` are offsets in code points, like every span."""

    __tablename__: ClassVar[str] = "document_text"
    document_id: str = Field(
        sa_column=Column(Text, ForeignKey("document.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    text: str = _text()
    sha256: str
    page_starts: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))


class Template(SQLModel, table=True):
    __tablename__: ClassVar[str] = "template"
    id: str = Field(primary_key=True)
    name: str
    built_in: bool = _flag(False)
    version: int = Field(default=1)
    created_at: datetime = _time(default_now=True)


class TemplateVersion(SQLModel, table=True):
    """What to ask, immutable: a change makes the next version."""

    __tablename__: ClassVar[str] = "template_version"
    template_id: str = Field(primary_key=True, foreign_key="template.id")
    version: int = Field(primary_key=True)
    prompt: str
    fields: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    insights: bool = _flag(False)
    created_at: datetime = _time(default_now=True)


class Job(SQLModel, table=True):
    __tablename__: ClassVar[str] = "job"
    __table_args__ = (Index("ix_job_state", "state"),)
    id: str = Field(primary_key=True)
    name: str
    description: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    template_id: str | None = Field(default=None, foreign_key="template.id")
    template_version: int | None = None
    params: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    provider: str
    model: str
    lane: str
    state: str = Field(default="draft")
    reuse: bool = _flag(True)
    # So many requests go live first and the rest is held; 0 once they are released.
    canary: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    deadline: datetime | None = _time(nullable=True)
    # What happens by itself to what a batch leaves over; None: passing errors alone, twice.
    leftovers: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    # Where it goes by itself when a breaker keeps it waiting, and `used_at` once it went; None: it waits.
    fallback: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    # What it went on from: provider, model, and `until` which request they were asked. See core.former.
    former: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    # The provider's queue is full: nothing is packed before; `waits` in a row so far.
    waits_until: datetime | None = _time(nullable=True)
    waits: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    estimate_usd: Decimal | None = Field(default=None, sa_column=Column(Money, nullable=True))
    error: str | None = None
    # Of the click or API call that last set it going.
    correlation_id: str | None = None
    created_at: datetime = _time(default_now=True)
    started_at: datetime | None = _time(nullable=True)
    finished_at: datetime | None = _time(nullable=True)


class JobDocument(SQLModel, table=True):
    """A document that a job is about. `expanded` once its request exists or it was left out."""

    __tablename__: ClassVar[str] = "job_document"
    __table_args__ = (
        Index("ix_job_document_waiting", "job_id", "document_id", postgresql_where=text("NOT expanded")),
        Index("ix_job_document_document", "document_id"),
    )
    job_id: str = Field(
        sa_column=Column(Text, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    document_id: str = Field(primary_key=True)
    expanded: bool = _flag(False)


class JobEvent(SQLModel, table=True):
    __tablename__: ClassVar[str] = "job_event"
    __table_args__ = (Index("ix_job_event_job", "job_id", "id"),)
    id: int = _id()
    job_id: str = Field(sa_column=Column(Text, ForeignKey("job.id", ondelete="CASCADE"), nullable=False))
    time: datetime = _time(default_now=True)
    kind: str
    message: str


class Request(SQLModel, table=True):
    """One call that a job needs.

    States: held (behind a canary, or a merge whose parts are not answered), pending, in_flight (claimed by `worker_id`
    or handed over with `provider_batch_id`), answered (kept, not yet derived), succeeded, failed, cancelled. The API
    shows `held` as pending and `answered` as in_flight.

    A document that is too long has a request for each part and one that merges them, their `merge_id`.
    """

    __tablename__: ClassVar[str] = "request"
    __table_args__ = (
        Index("ix_request_job_state", "job_id", "state", "id"),
        Index("ix_request_open", "fingerprint", postgresql_where=text("state IN ('in_flight', 'answered')")),
        Index("ix_request_answered", "id", postgresql_where=text("state = 'answered'")),
        Index("ix_request_failed", "job_id", postgresql_where=text("state = 'failed'")),
        Index("ix_request_worker", "worker_id", postgresql_where=text("worker_id IS NOT NULL")),
        Index("ix_request_batch", "provider_batch_id", postgresql_where=text("provider_batch_id IS NOT NULL")),
        Index("ix_request_merge", "merge_id", postgresql_where=text("merge_id IS NOT NULL")),
        Index("ix_request_document", "document_id"),
        Index("ix_request_response", "response_id"),
        UniqueConstraint("job_id", "custom_id"),
    )
    id: int = _id()
    job_id: str | None = None
    document_id: str | None = None
    custom_id: str
    fingerprint: str
    lane: str
    state: str = Field(default="pending", sa_column_kwargs={"server_default": text("'pending'")})
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    asked_again: bool = _flag(False)
    # How often it went out again by itself after a passing error or an expiry.
    resent: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    reused: bool = _flag(False)
    worker_id: int | None = _big(nullable=True)
    claimed_at: datetime | None = _time(nullable=True)
    provider_batch_id: str | None = None
    merge_id: int | None = _big(nullable=True)
    # An imported request's own; None: the job's model, the provider's chat.
    model: str | None = None
    endpoint: str | None = None
    # What its job would say, for a single text's request: template_id, provider, model, expected output_tokens,
    # correlation_id.
    single: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    body_bytes: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    response_id: int | None = _big(nullable=True)
    error_code: str | None = None
    error_message: str | None = None
    input_tokens: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    finished_at: datetime | None = _time(nullable=True)


class RequestBody(SQLModel, table=True):
    """`repaired` is the question asked again with the answer that broke its schema, made when it is handed over."""

    __tablename__: ClassVar[str] = "request_body"
    request_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    body: str = Field(sa_column=Column(JSON, nullable=False))
    repaired: str | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))


class ProviderBatch(SQLModel, table=True):
    """A slice of a job's requests handed to a provider's batch API as one unit.

    States: preparing (nothing sent that could run), submitting (the intent is committed, the create may be on its
    way), settling (whether the provider has it is not known), in_progress, ended (results are to be fetched), and the
    last ones: completed, expired, cancelled, failed (nothing ran), absent (settled: the provider never had it).

    Who works on it holds it by `worker_id` and `epoch`: every write names both, so one who slept through its lease
    overwrites nothing.
    """

    __tablename__: ClassVar[str] = "provider_batch"
    __table_args__ = (
        Index("ix_provider_batch_job", "job_id", "id"),
        Index("ix_provider_batch_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    )
    id: str = Field(primary_key=True)
    job_id: str
    provider: str
    base_url: str
    model: str
    endpoint: str
    # Inside every custom_id and, where there is any, in the batch's metadata: how it is found again.
    nonce: str = Field(unique=True)
    state: str = Field(default="preparing")
    # The provider's own word for the state.
    provider_state: str | None = None
    provider_batch_id: str | None = None
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    requests: int
    input_tokens: int = _big(default=0)
    estimate_usd: Decimal | None = Field(default=None, sa_column=Column(Money, nullable=True))
    done: int | None = None
    usage: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    cancel_requested: bool = _flag(False)
    worker_id: int | None = _big(nullable=True)
    epoch: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    # When the next step is due; None once nothing is left to do.
    next_at: datetime | None = _time(nullable=True)
    tries: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    absent_since: datetime | None = _time(nullable=True)
    error: str | None = None
    counts: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    created_at: datetime = _time(default_now=True)
    intent_at: datetime | None = _time(nullable=True)
    submitted_at: datetime | None = _time(nullable=True)
    ended_at: datetime | None = _time(nullable=True)


class OddLine(SQLModel, table=True):
    """A line of a batch's results that could not be used, as it came: broken, twice, or of nobody."""

    __tablename__: ClassVar[str] = "odd_line"
    __table_args__ = (Index("ix_odd_line_batch", "batch_id", "id"),)
    id: int = _id()
    batch_id: str
    kind: str
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Response(SQLModel, table=True):
    """What came back, raw first. `result` is what derive made of it; `verdict` ok or the reason it is unusable."""

    __tablename__: ClassVar[str] = "response"
    __table_args__ = (
        Index(
            "ix_response_reusable",
            "fingerprint",
            postgresql_where=text("verdict = 'ok' AND invalidated_at IS NULL"),
        ),
        Index("ix_response_request", "request_id"),
    )
    id: int = _id()
    request_id: int | None = _big(nullable=True)
    fingerprint: str
    model: str
    raw: str = Field(sa_column=Column(JSON, nullable=False))
    # A batch's answers get it when they are derived.
    text: str | None = _text(nullable=True)
    finish_reason: str
    input_tokens: int = _big()
    cached_input_tokens: int = _big()
    output_tokens: int = _big()
    verdict: str | None = None
    verdict_message: str | None = None
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    created_at: datetime = _time(default_now=True)
    # Since then it is not reused any more; it stays, as evidence may stand on it.
    invalidated_at: datetime | None = _time(nullable=True)


class Insight(SQLModel, table=True):
    __tablename__: ClassVar[str] = "insight"
    __table_args__ = (
        Index("ix_insight_search", "search", postgresql_using="gin"),
        Index("ix_insight_last_seen", "last_seen", "id"),
    )
    id: str = Field(primary_key=True)
    statement: str
    statement_key: str = Field(unique=True)
    kind: str
    state: str = Field(default="new", sa_column_kwargs={"server_default": text("'new'")})
    support: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    confidence: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})
    first_seen: datetime = _time(default_now=True)
    last_seen: datetime = _time(default_now=True)
    search: str = Field(
        default=None,
        sa_column=Column(TSVECTOR, Computed("to_tsvector('english'::regconfig, statement)", persisted=True)),
    )


class Evidence(SQLModel, table=True):
    """A quote that ties an insight to a document. `supported` only when it stands there, at start..end."""

    __tablename__: ClassVar[str] = "evidence"
    __table_args__ = (
        UniqueConstraint("insight_id", "document_id", "response_id", "quote_key"),
        Index("ix_evidence_document", "document_id"),
        Index("ix_evidence_response", "response_id"),
    )
    id: int = _id()
    insight_id: str = Field(
        sa_column=Column(Text, ForeignKey("insight.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    document_id: str
    response_id: int = _big()
    template_id: str
    quote: str
    quote_key: str
    supported: bool
    start: int | None = None
    end: int | None = None
    attributes: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    created_at: datetime = _time(default_now=True)


class UsageRecord(SQLModel, table=True):
    """One billed call, or one answer reused for nothing. The only source of every figure of cost."""

    __tablename__: ClassVar[str] = "usage_record"
    __table_args__ = (
        Index("ix_usage_record_time", "time"),
        Index("ix_usage_record_job", "job_id"),
        UniqueConstraint("request_id", "attempt"),
    )
    id: int = _id()
    time: datetime = _time(default_now=True)
    job_id: str | None = None
    request_id: int | None = _big(nullable=True)
    template_id: str | None = None
    user: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    # Set for a call that was answered: one record for each, however often its answer is handed in.
    attempt: int | None = None
    # Set for a call that was never heard, to the same end.
    booking: str | None = Field(default=None, unique=True)
    provider: str
    model: str
    lane: str
    input_tokens: int = _big(default=0)
    cached_input_tokens: int = _big(default=0)
    cache_write_tokens: int = _big(default=0)
    output_tokens: int = _big(default=0)
    cost_usd: Decimal | None = Field(default=None, sa_column=Column(Money, nullable=True))
    priced: bool
    price: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    reused: bool = _flag(False)
    # What a reused answer had cost when it was asked for; None where that has no known price.
    saved_usd: Decimal | None = Field(default=None, sa_column=Column(Money, nullable=True))
    latency_ms: int | None = None
    status: str
    provider_request_id: str | None = None


class Worker(SQLModel, table=True):
    """A jobs process, or a web process with its single texts (`kind` jobs or web).

    Its claims hold for as long as it is seen: `last_seen` is its lease.
    """

    __tablename__: ClassVar[str] = "worker"
    id: int = _id()
    name: str
    kind: str = Field(default="jobs", sa_column_kwargs={"server_default": text("'jobs'")})
    started_at: datetime = _time(default_now=True)
    last_seen: datetime = _time(default_now=True)
    leader: bool = _flag(False)
    busy: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    memory_bytes: int = _big(default=0)
    cpu_seconds: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})


class HealthSample(SQLModel, table=True):
    __tablename__: ClassVar[str] = "health_sample"
    __table_args__ = (
        Index("ix_health_sample_component", "component", "time"),
        # Since when a component is well is a look at its last failure.
        Index("ix_health_sample_ill", "component", "time", postgresql_where=text("NOT healthy")),
        Index("ix_health_sample_time", "time", postgresql_using="brin"),
    )
    id: int = _id()
    time: datetime = _time(default_now=True)
    component: str
    healthy: bool
    message: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    figures: dict[str, float] = _figures()


class Setting(SQLModel, table=True):
    """What is changed while Cairn runs, by its name. What is not here is as the environment says, or the default."""

    __tablename__: ClassVar[str] = "setting"
    name: str = Field(primary_key=True)
    value: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    changed_at: datetime = _time(default_now=True)
    changed_by: str = Field(default="", sa_column_kwargs={"server_default": text("''")})


class AuditEntry(SQLModel, table=True):
    """Who changed what: never a secret, only that it was changed."""

    __tablename__: ClassVar[str] = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject", "id"),)
    id: int = _id()
    time: datetime = _time(default_now=True)
    user: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    action: str
    subject: str
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    after: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))


class Breaker(SQLModel, table=True):
    """The circuit breaker of one provider and model, for all processes: closed, open until `retry_at`, or half_open
    while one worker's call probes. `by_hand`: opened by a person, and closed by one."""

    __tablename__: ClassVar[str] = "breaker"
    provider: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    state: str = Field(default="closed", sa_column_kwargs={"server_default": text("'closed'")})
    failures: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    by_hand: bool = _flag(False)
    opened_at: datetime | None = _time(nullable=True)
    retry_at: datetime | None = _time(nullable=True)
    probe_worker_id: int | None = _big(nullable=True)
    probe_until: datetime | None = _time(nullable=True)
    changed_at: datetime = _time(default_now=True)


class RateLimit(SQLModel, table=True):
    """One limit of one provider and model: a bucket that all processes take from before they call.

    `kind` is requests, tokens, input_tokens or output_tokens. `a_minute` and `per_second` are what the provider's
    headers said last; NULL: it told none of this kind. `known`: it has answered, so what it tells was heard.
    """

    __tablename__: ClassVar[str] = "rate_limit"
    provider: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    known: bool = _flag(False)
    a_minute: int | None = _big(nullable=True)
    per_second: float | None = None
    # What was left at `refilled_at`; from `renewed_at` on all of it is, where it does not refill all the time.
    remaining: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})
    refilled_at: datetime = _time(default_now=True)
    renewed_at: datetime | None = _time(nullable=True)
    # All that was ever taken, and what of it was taken by calls that have ended.
    taken: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})
    settled: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})
    # The provider asked to wait: nothing goes out before.
    blocked_until: datetime | None = _time(nullable=True)


class CallMinute(SQLModel, table=True):
    """How calls of one provider and model went in one minute. `latencies` counts answers by power of two of ms."""

    __tablename__: ClassVar[str] = "call_minute"
    __table_args__ = (Index("ix_call_minute_minute", "minute"),)
    provider: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    minute: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True, nullable=False))
    answered: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    failed: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    latencies: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))


class HealthHour(SQLModel, table=True):
    """Health samples of one component, rolled up: `figures` are their means, `most` the highest of each."""

    __tablename__: ClassVar[str] = "health_hour"
    component: str = Field(primary_key=True)
    hour: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True, nullable=False))
    samples: int
    healthy: int
    figures: dict[str, float] = _figures()
    most: dict[str, float] = _figures()
