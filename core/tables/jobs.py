"""Jobs, their documents and events, and their requests."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal, get_args

from pydantic import TypeAdapter
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlmodel import Field, SQLModel

from core.tables import columns
from core.tables.columns import Money

JobState = Literal["draft", "queued", "running", "paused", "cancelling", "completed", "cancelled", "failed"]
STATES: tuple[JobState, ...] = get_args(JobState)
# Sends requests as soon as it can.
GOING: tuple[JobState, ...] = ("queued", "running")
# May be cancelled, or moved to another lane or model.
MOVABLE: tuple[JobState, ...] = (*GOING, "paused")
# Neither a draft nor ended.
ACTIVE: tuple[JobState, ...] = (*MOVABLE, "cancelling")
ENDED: tuple[JobState, ...] = ("completed", "cancelled", "failed")
# Asks nothing again: a request of such a job that comes back without an answer is cancelled.
CANCELLED: tuple[JobState, ...] = ("cancelling", "cancelled")


# The one template that is not asked of documents: its requests are made with the job, of pairs of insights.
JUDGE = "judge"


def asks_documents(template_id: str | None) -> bool:
    """Else its requests are there from the start: own ones, or those of a judge."""
    return template_id not in (None, JUDGE)


def in_sql(states: tuple[JobState, ...]) -> str:
    """The states as an SQL list, for `state IN ...`."""
    return "(" + ", ".join(f"'{state}'" for state in states) + ")"


def is_cancelled(job_id: str) -> str:
    """SQL condition: the job was cancelled. `job_id` is an SQL expression; where the job is joined already, say
    `j.state IN {in_sql(CANCELLED)}`."""
    return f"EXISTS (SELECT 1 FROM job WHERE job.id = {job_id} AND job.state IN {in_sql(CANCELLED)})"


WaitKind = Literal["not_set_up", "breaker", "rate_limit", "provider_queue", "own_caps", "budget"]


@dataclass(frozen=True)
class WaitsFor:
    """Why a job sends nothing now although it is going: the value of `job.waits_for`. It holds facts; each door makes
    its own sentence of them.

    `until` is None where nobody knows it. Of a breaker: `by_hand`, `probing` (one call is trying the model now) and the
    `failures` in a row that opened it. Of a provider that is not set up: `unusable_key`, a key is stored but cannot be
    used. Of a `budget`, for which the job is paused: its id, and what it lacks in USD (None: the job has no known
    price).
    """

    kind: WaitKind
    provider: str
    model: str
    until: datetime | None = None
    by_hand: bool = False
    probing: bool = False
    failures: int = 0
    unusable_key: bool = False
    budget: str | None = None
    missing_usd: Decimal | None = None


WAITS_FOR = TypeAdapter(WaitsFor)


class Job(SQLModel, table=True):
    __tablename__: ClassVar[str] = "job"
    __table_args__ = (Index("ix_job_state", "state", "workspace_id"),)
    id: str = Field(primary_key=True)
    workspace_id: str = columns.workspace()
    name: str
    description: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    template_id: str | None = Field(default=None, foreign_key="template.id")
    template_version: int | None = None
    params: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    # Temperature and longest answer, where the job sets them.
    sampling: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    # The model took no temperature, so the one that the job sets was not used, or not for all.
    temperature_unused: bool = columns.flag(False)
    # Requests of it turned out too long: they are split before anything is sent. See core.requests.refitting.
    refit: bool = columns.flag(False)
    provider: str
    model: str
    lane: str
    state: str = Field(default="draft")
    reuse: bool = columns.flag(True)
    # Number of requests that go live first while the others are held; 0 once those are released.
    canary: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    deadline: datetime | None = columns.time(nullable=True)
    # The rule for requests that a batch left unanswered; None: only passing errors are sent again, twice.
    leftovers: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    # The rule for a job that a breaker keeps waiting, with `used_at` once it was followed; None: the job waits.
    fallback: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    # Its models before it was moved: provider, model, and the last request id of each (`until`). See
    # core.requests.former_models.
    former: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    # The provider's queue is full: nothing is packed before this time. `waits` counts the refusals in a row.
    waits_until: datetime | None = columns.time(nullable=True)
    waits: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    # Who launched it, as usage records name it.
    user: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    # The names of its documents' collections when it was made.
    collections: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'"))
    )
    estimate_usd: Decimal | None = Field(default=None, sa_column=Column(Money, nullable=True))
    # What it may cost in all as budgets have let it; what is not booked yet of it is held.
    reserved_usd: Decimal | None = Field(default=None, sa_column=Column(Money, nullable=True))
    # It may cost this much whatever the budgets say: an admin said so.
    approved_usd: Decimal | None = Field(default=None, sa_column=Column(Money, nullable=True))
    # A WaitsFor. A pause leaves it; it has a meaning only while the state is one of GOING, or paused for a budget.
    waits_for: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    error: str | None = None
    # The id of the click or API call that last set the job going.
    correlation_id: str | None = None
    created_at: datetime = columns.time(default_now=True)
    started_at: datetime | None = columns.time(nullable=True)
    finished_at: datetime | None = columns.time(nullable=True)
    # When somebody first looked at its answers after its end.
    first_read_at: datetime | None = columns.time(nullable=True)


class JobDocument(SQLModel, table=True):
    """A document that a job is about. `expanded` once its request exists or it was left out; `canary`: it goes first,
    while the others are held."""

    __tablename__: ClassVar[str] = "job_document"
    __table_args__ = (
        Index("ix_job_document_waiting", "job_id", "document_id", postgresql_where=text("NOT expanded")),
        Index("ix_job_document_document", "document_id"),
        Index("ix_job_document_canary", "job_id", postgresql_where=text("canary")),
    )
    job_id: str = Field(
        sa_column=Column(Text, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    document_id: str = Field(primary_key=True)
    expanded: bool = columns.flag(False)
    canary: bool = columns.flag(False)


class JobEvent(SQLModel, table=True):
    __tablename__: ClassVar[str] = "job_event"
    __table_args__ = (Index("ix_job_event_job", "job_id", "id"),)
    id: int = columns.identity()
    job_id: str = Field(sa_column=Column(Text, ForeignKey("job.id", ondelete="CASCADE"), nullable=False))
    time: datetime = columns.time(default_now=True)
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
    id: int = columns.identity()
    job_id: str | None = None
    document_id: str | None = None
    custom_id: str
    fingerprint: str
    lane: str
    state: str = Field(default="pending", sa_column_kwargs={"server_default": text("'pending'")})
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    asked_again: bool = columns.flag(False)
    # How often it was sent again by itself after a passing error or an expiry.
    resent: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    reused: bool = columns.flag(False)
    worker_id: int | None = columns.big(nullable=True)
    claimed_at: datetime | None = columns.time(nullable=True)
    provider_batch_id: str | None = None
    merge_id: int | None = columns.big(nullable=True)
    # Of an own request; None: the job's model and the provider's chat endpoint.
    model: str | None = None
    endpoint: str | None = None
    # A single text's request has no job. This has what a job would: workspace_id, template_id, provider, model,
    # expected output_tokens, correlation_id.
    single: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    body_bytes: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    response_id: int | None = columns.big(nullable=True)
    error_code: str | None = None
    error_message: str | None = None
    input_tokens: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    finished_at: datetime | None = columns.time(nullable=True)


class RequestBody(SQLModel, table=True):
    """`repaired` is the question asked again with the answer that broke its schema, made when it is handed over."""

    __tablename__: ClassVar[str] = "request_body"
    request_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    body: str = Field(sa_column=Column(JSON, nullable=False))
    repaired: str | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
