"""Slices of a job at a provider's batch API, and result lines that belong to no request."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    Column,
    Index,
    LargeBinary,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from core.tables import columns
from core.tables.columns import Money


class ProviderBatch(SQLModel, table=True):
    """A slice of a job's requests handed to a provider's batch API as one unit.

    States: preparing (nothing sent that could run), submitting (the intent is committed, the create may be on its
    way), settling (the outcome of the create is unknown and is being reconciled), in_progress, ended (results are to
    be fetched), and the last ones: completed, expired, cancelled, failed (nothing ran), absent (reconciled: the
    provider never had it).

    A worker has a lease of it: `worker_id`, with `epoch` as the fencing token that every write names, so that a worker
    that slept through its lease overwrites nothing.
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
    input_tokens: int = columns.big(default=0)
    estimate_usd: Decimal | None = Field(default=None, sa_column=Column(Money, nullable=True))
    done: int | None = None
    usage: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    cancel_requested: bool = columns.flag(False)
    worker_id: int | None = columns.big(nullable=True)
    epoch: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    # When the next step is due; None once nothing is left to do.
    next_at: datetime | None = columns.time(nullable=True)
    tries: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    absent_since: datetime | None = columns.time(nullable=True)
    error: str | None = None
    counts: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    created_at: datetime = columns.time(default_now=True)
    intent_at: datetime | None = columns.time(nullable=True)
    submitted_at: datetime | None = columns.time(nullable=True)
    ended_at: datetime | None = columns.time(nullable=True)


class OddLine(SQLModel, table=True):
    """A dead letter: a result line that could not be used, as it came. It is broken, a duplicate, or of no request."""

    __tablename__: ClassVar[str] = "odd_line"
    __table_args__ = (Index("ix_odd_line_batch", "batch_id", "id"),)
    id: int = columns.identity()
    batch_id: str
    kind: str
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
