"""Usage records and their sums."""

from datetime import datetime

from pydantic import BaseModel

from api.schemas.shared import Money


class UsageOut(BaseModel):
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int


class UsageSumOut(BaseModel):
    key: str
    calls: int
    reused: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: Money | None
    unpriced: int


class UsageRecordOut(BaseModel):
    id: str
    time: datetime
    job: str | None
    request: str | None
    provider: str
    model: str
    lane: str
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    cost_usd: Money | None
    priced: bool
    reused: bool
    latency_ms: int | None
    status: str
