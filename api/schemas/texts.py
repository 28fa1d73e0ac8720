"""Single texts and operations."""

from typing import Any

from pydantic import BaseModel, Field

from api.schemas.shared import In, Lane, Money, ProviderName
from api.schemas.usage import UsageOut


class OperationOut(BaseModel):
    id: str
    name: str
    description: str
    options: dict[str, Any]


class ProcessIn(In):
    operation: str
    text: str = Field(min_length=1)
    options: dict[str, Any] = Field(default_factory=dict)
    provider: ProviderName | None = None
    model: str | None = None


class ProcessOut(BaseModel):
    operation: str
    result: dict[str, Any]
    usage: UsageOut
    cost_usd: Money | None
    reused: bool
    request_id: str


class BatchProcessIn(In):
    operation: str
    texts: list[str] = Field(min_length=1, max_length=10_000)
    options: dict[str, Any] = Field(default_factory=dict)
    lane: Lane = "live"
    provider: ProviderName | None = None
    model: str | None = None
    confirmed: bool = False
