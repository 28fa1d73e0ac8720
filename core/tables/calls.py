"""Circuit breakers, rate limits and statistics of calls, per provider and model."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    Column,
    DateTime,
    Index,
    Integer,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from core.tables import columns


class Breaker(SQLModel, table=True):
    """The circuit breaker of one provider and model, for all processes: closed, open until `retry_at`, or half_open
    while one worker's call probes. `by_hand`: opened by a person, and closed by one."""

    __tablename__: ClassVar[str] = "breaker"
    provider: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    state: str = Field(default="closed", sa_column_kwargs={"server_default": text("'closed'")})
    failures: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    by_hand: bool = columns.flag(False)
    opened_at: datetime | None = columns.time(nullable=True)
    retry_at: datetime | None = columns.time(nullable=True)
    probe_worker_id: int | None = columns.big(nullable=True)
    probe_until: datetime | None = columns.time(nullable=True)
    changed_at: datetime = columns.time(default_now=True)


class RateLimit(SQLModel, table=True):
    """One limit of one provider and model: a bucket that all processes take from before they call.

    `kind` is requests, tokens, input_tokens or output_tokens. `a_minute` and `per_second` are of the provider's latest
    headers; NULL: they had none of this kind. `known`: a call was answered, so its headers were read.
    """

    __tablename__: ClassVar[str] = "rate_limit"
    provider: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    known: bool = columns.flag(False)
    a_minute: int | None = columns.big(nullable=True)
    per_second: float | None = None
    # What was left at `refilled_at`. A bucket that refills by windows is full again at `renewed_at`.
    remaining: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})
    refilled_at: datetime = columns.time(default_now=True)
    renewed_at: datetime | None = columns.time(nullable=True)
    # All that was ever taken, and the share of it that was taken by calls that have ended.
    taken: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})
    settled: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})
    # The provider asked to wait: nothing goes out before.
    blocked_until: datetime | None = columns.time(nullable=True)


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
