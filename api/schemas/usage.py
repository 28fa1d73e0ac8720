"""Usage records and their sums."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from api.schemas.shared import ListOut, Money


class UsageOut(BaseModel):
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int


class UsageSumOut(BaseModel):
    """`key` is `keys[0]`. A key is null for what has none, such as calls without a job. A cost is null where nothing of
    it could be priced."""

    key: str | None
    keys: list[str | None]
    calls: int
    reused: int
    unpriced: int
    unheard: int
    unusable: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    cache_write_long_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_usd: Money | None
    list_usd: Money | None
    saved_usd: Money


class UsageSumsOut(ListOut[UsageSumOut]):
    """`total` is of all items, on whichever page of the list they are. `zone`: whose days these are; after a change of
    the reporting zone it is the former one until all sums are made anew."""

    total: UsageSumOut
    as_of: datetime
    zone: str


class UsageRecordOut(BaseModel):
    id: str
    workspace: str
    time: datetime
    job: str | None
    request: str | None
    user: str | None
    template: str | None
    collection: str | None
    provider: str
    model: str
    lane: str
    tier: str
    region: str | None
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    cache_write_long_tokens: int
    output_tokens: int
    reasoning_tokens: int
    web_searches: int
    cost_usd: Money | None
    list_usd: Money | None
    saved_usd: Money | None
    priced: bool
    unpriced_reason: str | None
    price: dict[str, Any] | None
    reused: bool
    latency_ms: int | None
    status: str
