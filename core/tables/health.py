"""Workers, and measurements of every component."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    Column,
    DateTime,
    Index,
    text,
)
from sqlmodel import Field, SQLModel

from core.tables import columns


class Worker(SQLModel, table=True):
    """A jobs process, or a web process with its single texts (`kind` jobs or web).

    Its claims hold for as long as its lease: WORKER_LEASE_SECONDS from `last_seen` on.
    """

    __tablename__: ClassVar[str] = "worker"
    id: int = columns.identity()
    name: str
    kind: str = Field(default="jobs", sa_column_kwargs={"server_default": text("'jobs'")})
    started_at: datetime = columns.time(default_now=True)
    last_seen: datetime = columns.time(default_now=True)
    leader: bool = columns.flag(False)
    busy: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    memory_bytes: int = columns.big(default=0)
    cpu_seconds: float = Field(default=0.0, sa_column_kwargs={"server_default": text("0")})


class HealthSample(SQLModel, table=True):
    __tablename__: ClassVar[str] = "health_sample"
    __table_args__ = (
        Index("ix_health_sample_component", "component", "time"),
        # From when on a component is healthy is found by its last failure.
        Index("ix_health_sample_ill", "component", "time", postgresql_where=text("NOT healthy")),
        Index("ix_health_sample_time", "time", postgresql_using="brin"),
    )
    id: int = columns.identity()
    time: datetime = columns.time(default_now=True)
    component: str
    healthy: bool
    message: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    figures: dict[str, float] = columns.figures()


class HealthHour(SQLModel, table=True):
    """Health samples of one component, rolled up: `figures` are their means, `most` the highest of each."""

    __tablename__: ClassVar[str] = "health_hour"
    component: str = Field(primary_key=True)
    hour: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True, nullable=False))
    samples: int
    healthy: int
    figures: dict[str, float] = columns.figures()
    most: dict[str, float] = columns.figures()
