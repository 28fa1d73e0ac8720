"""Columns as all tables write them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Numeric,
    Text,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

# The smallest price of one token is 7.5e-8 USD and a cached one costs a tenth: twelve decimals keep every sum exact.
Money = Numeric(20, 12)


def identity() -> Any:
    return Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))


def time(*, nullable: bool = False, default_now: bool = False, index: bool = False) -> Any:
    default = sql("now()") if default_now else None
    return Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=nullable, server_default=default, index=index)
    )


def workspace() -> Any:
    """The wall. Without a default: what forgets it fails."""
    return Field(foreign_key="workspace.id")


def text(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_column=Column(Text, nullable=nullable))


def big(*, nullable: bool = False, default: int | None = None) -> Any:
    server = None if default is None else sql(str(default))
    return Field(default=default, sa_column=Column(BigInteger, nullable=nullable, server_default=server))


def flag(default: bool) -> Any:
    return Field(default=default, sa_column_kwargs={"server_default": sql(str(default).lower())})


def figures() -> Any:
    """Numbers by name, such as {"p95_ms": 412.0}: which there are depends on the component."""
    return Field(default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=sql("'{}'")))
