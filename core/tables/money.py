"""Usage records: the only source of every cost figure. And their sums."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from core.tables import columns
from core.tables.columns import Money

# More than a record may cost, with as many decimals.
Sum = Numeric(28, 12)


class OwnPrice(SQLModel, table=True):
    """What an admin says that a provider charges for models, from a day on. It is never changed: one that has priced
    something stays, and a newer one takes its place.

    `model`: a name, or a beginning and an asterisk. `tier` None: for all. Either `rates`, or those of `as_model`.
    """

    __tablename__: ClassVar[str] = "own_price"
    id: str = Field(primary_key=True)
    provider: str
    model: str
    tier: str | None = columns.text(nullable=True)
    as_model: str | None = columns.text(nullable=True)
    rates: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    # For prompts of more tokens than `long_from`.
    long_from: int | None = columns.big(nullable=True)
    long_rates: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    # A day, UTC.
    valid_from: date
    note: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    created_at: datetime = columns.time(default_now=True)
    created_by: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    removed_at: datetime | None = columns.time(nullable=True)


class UsageRecord(SQLModel, table=True):
    """One billed call, or one answer reused at no cost.

    `(request_id, attempt)` is the idempotency key of an answered call, `booking` that of a call with an unknown
    outcome: a result that comes twice is booked once.
    """

    __tablename__: ClassVar[str] = "usage_record"
    __table_args__ = (
        Index("ix_usage_record_time", "time"),
        Index("ix_usage_record_job", "job_id"),
        Index("ix_usage_record_unpriced", "id", postgresql_where=text("NOT priced")),
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
    # How much it used of units without a rate: tokens of sound and pictures, other paid tools.
    unrated: int = columns.big(default=0)
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


class SumsEdition(SQLModel, table=True):
    """One row: which edition of the sums counts, and the zone of its `zone_day`. See core.money.folding."""

    __tablename__: ClassVar[str] = "sums_edition"
    __table_args__ = (CheckConstraint("one"),)
    one: bool = Field(default=True, primary_key=True)
    edition: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    zone: str


class _Summed(SQLModel):
    """What usage records are summed by, and their sums. `listed` counts those with a list price, `listed_cost_usd` sums
    what these cost."""

    workspace_id: str
    provider: str
    model: str
    lane: str
    tier: str
    status: str
    user: str
    job_id: str | None = None
    template_id: str | None = None
    collection: str | None = None
    calls: int = Field(sa_type=BigInteger)
    reused: int = Field(sa_type=BigInteger)
    unpriced: int = Field(sa_type=BigInteger)
    input_tokens: int = Field(sa_type=BigInteger)
    cached_input_tokens: int = Field(sa_type=BigInteger)
    cache_write_tokens: int = Field(sa_type=BigInteger)
    cache_write_long_tokens: int = Field(sa_type=BigInteger)
    output_tokens: int = Field(sa_type=BigInteger)
    reasoning_tokens: int = Field(sa_type=BigInteger)
    web_searches: int = Field(sa_type=BigInteger)
    listed: int = Field(sa_type=BigInteger)
    cost_usd: Decimal = Field(sa_type=Sum)
    list_usd: Decimal = Field(sa_type=Sum)
    listed_cost_usd: Decimal = Field(sa_type=Sum)
    saved_usd: Decimal = Field(sa_type=Sum)


class UsageSum(_Summed, table=True):
    """Usage records of one day. `key`: a hash of all that they are summed by, however long that is."""

    __tablename__: ClassVar[str] = "usage_sum"
    __table_args__ = (
        Index("ix_usage_sum_day", "workspace_id", "day"),
        Index("ix_usage_sum_job", "job_id"),
        {"postgresql_with": {"fillfactor": 80}},
    )
    edition: int = Field(primary_key=True)
    key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    day: date
    zone_day: date


class UsageDelta(_Summed, table=True):
    """What one statement changed in the sums of a quarter of an hour, until it is folded into them. Triggers on
    usage_record append it."""

    __tablename__: ClassVar[str] = "usage_delta"
    id: int = columns.identity()
    quarter: datetime = columns.time()
