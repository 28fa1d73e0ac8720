"""Usage records: the only source of every cost figure."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    Column,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from core.tables import columns
from core.tables.columns import Money


class UsageRecord(SQLModel, table=True):
    """One billed call, or one answer reused at no cost.

    `(request_id, attempt)` is the idempotency key of an answered call, `booking` that of a call with an unknown
    outcome: a result that comes twice is booked once.
    """

    __tablename__: ClassVar[str] = "usage_record"
    __table_args__ = (
        Index("ix_usage_record_time", "time"),
        Index("ix_usage_record_job", "job_id"),
        UniqueConstraint("request_id", "attempt"),
    )
    id: int = columns.identity()
    workspace_id: str
    time: datetime = columns.time(default_now=True)
    job_id: str | None = None
    request_id: int | None = columns.big(nullable=True)
    template_id: str | None = None
    user: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    attempt: int | None = None
    booking: str | None = Field(default=None, unique=True)
    provider: str
    model: str
    lane: str
    input_tokens: int = columns.big(default=0)
    cached_input_tokens: int = columns.big(default=0)
    cache_write_tokens: int = columns.big(default=0)
    # Of the cache writes, those that live long: an hour at Anthropic, twelve at OpenAI.
    cache_write_long_tokens: int = columns.big(default=0)
    output_tokens: int = columns.big(default=0)
    # Of the output.
    reasoning_tokens: int = columns.big(default=0)
    web_searches: int = columns.big(default=0)
    # As the answer tells them: standard, batch, flex, priority or fast; and where it was made.
    tier: str = Field(default="standard", sa_column=Column(Text, nullable=False, server_default=text("'standard'")))
    region: str | None = columns.text(nullable=True)
    # The name of the document's collection when the call was made.
    collection: str | None = columns.text(nullable=True)
    cost_usd: Decimal | None = Field(default=None, sa_column=Column(Money, nullable=True))
    # What the same tokens cost live at the standard tier; None without a known price.
    list_usd: Decimal | None = Field(default=None, sa_column=Column(Money, nullable=True))
    priced: bool
    # no_price, no_usage, odd_usage or no_rate; None where it is priced.
    unpriced_reason: str | None = columns.text(nullable=True)
    price: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    reused: bool = columns.flag(False)
    # The cost of a reused answer when it was asked for; None without a known price.
    saved_usd: Decimal | None = Field(default=None, sa_column=Column(Money, nullable=True))
    latency_ms: int | None = None
    status: str
    provider_request_id: str | None = None
