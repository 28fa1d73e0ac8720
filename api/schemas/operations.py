"""Health, breakers and the cache."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.shared import In, Money


class BreakerOut(BaseModel):
    name: str
    provider: str
    model: str
    state: str
    failures: int
    by_hand: bool
    opened_at: datetime | None
    retry_at: datetime | None


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


class RightsOut(BaseModel):
    """Of the role that web works as. `missing`: why the database does not hold audit and wall; empty where it does."""

    role: str
    superuser: bool
    owns: bool
    audit_held: bool
    missing: list[str]


class HealthOut(BaseModel):
    status: Literal["healthy", "unhealthy"]
    timestamp: datetime
    version: str
    components: list[ComponentOut]
    workers: list[WorkerOut]
    stuck: list[StuckOut]
    rights: RightsOut | None


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
