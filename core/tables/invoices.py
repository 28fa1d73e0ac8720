"""What providers say that they charged, of the whole organization or of our part of it: of no workspace."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from sqlalchemy import Column, Index, text
from sqlmodel import Field, SQLModel

from core.tables import columns
from core.tables.money import Sum

FetchState = Literal["queued", "running", "done", "failed"]
Origin = Literal["api", "upload"]


class InvoiceFetch(SQLModel, table=True):
    """One order to read a provider's reports, of the days from `start` to before `stop`."""

    __tablename__: ClassVar[str] = "invoice_fetch"
    __table_args__ = (
        # Single flight: the same days of a provider are read once at a time.
        Index(
            "ix_invoice_fetch_open",
            "provider",
            "start",
            "stop",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )
    id: str = Field(primary_key=True)
    provider: str
    start: date
    stop: date
    state: str = Field(default="queued", sa_column_kwargs={"server_default": text("'queued'")})
    # Why it failed, and what to do.
    message: str | None = columns.text(nullable=True)
    # What the reports were limited to; "" for the whole organization.
    scope: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    created_at: datetime = columns.time(default_now=True)
    started_at: datetime | None = columns.time(nullable=True)
    ended_at: datetime | None = columns.time(nullable=True)


class InvoiceDay(SQLModel, table=True):
    """A day (UTC) of which a report is there, also where nothing was used on it."""

    __tablename__: ClassVar[str] = "invoice_day"
    provider: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    # usage or cost.
    source: str = Field(primary_key=True)
    # api or upload.
    origin: str
    fetched_at: datetime = columns.time(default_now=True)


class InvoiceLine(SQLModel, table=True):
    """Tokens (usage) or money (cost) of a day, as core.providers.billing reads them. A newer report of the day replaces
    all its lines."""

    __tablename__: ClassVar[str] = "invoice_line"
    __table_args__ = (Index("ix_invoice_line_day", "provider", "day"),)
    id: int = columns.identity()
    provider: str
    day: date
    source: str
    model: str
    lane: str | None = columns.text(nullable=True)
    kind: str
    tokens: int | None = columns.big(nullable=True)
    usd: Decimal | None = Field(default=None, sa_column=Column(Sum, nullable=True))
    list_usd: Decimal | None = Field(default=None, sa_column=Column(Sum, nullable=True))
