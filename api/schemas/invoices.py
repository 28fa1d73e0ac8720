"""The providers' own figures against ours."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.shared import In, Lane, ListOut, Money
from core.invoices.drift import Verdict
from core.providers.billing import Source
from core.tables.invoices import FetchState

Billing = Literal["openai", "anthropic"]


class FetchIn(In):
    provider: Billing
    start: date = Field(description="The first day, UTC", examples=["2026-11-01"])
    stop: date = Field(description="The first day that is left out", examples=["2026-12-01"])


class FetchOut(BaseModel):
    """`message`: why it failed. `scope`: what the reports were limited to; empty: the whole organization."""

    id: str
    provider: str
    start: date
    stop: date
    state: FetchState
    message: str | None
    scope: str
    created_at: datetime
    ended_at: datetime | None


class UploadedOut(BaseModel):
    provider: str
    source: Source
    first: date
    last: date
    days: int
    lines: int


class OursOut(BaseModel):
    """A cost is null where nothing of it could be priced; `unheard` calls are in it as estimates."""

    tokens: int
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None
    calls: int
    unpriced: int
    unheard: int


class TheirsOut(BaseModel):
    """Null: no report tells it."""

    tokens: int | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Money | None
    list_usd: Money | None


class DriftItemOut(BaseModel):
    """`lane` null: theirs does not tell. `drift_usd`: theirs less ours. `rates`: what they charge by kind of token, USD
    per million, where the price differs."""

    day: date
    model: str
    lane: Lane | None
    ours: OursOut | None
    theirs: TheirsOut | None
    drift_usd: Money | None
    verdict: Verdict
    rates: dict[str, Money]


class DriftTotalOut(BaseModel):
    """`adds_up` false: parts of a cent, each too small for its row, are a cent together."""

    ours: OursOut
    theirs: TheirsOut
    drift_usd: Money | None
    verdicts: dict[Verdict, int]
    adds_up: bool


class DriftOut(ListOut[DriftItemOut]):
    """`days`: how many there are reports of; `fetched_at`: of the oldest of them. `fresh_until`: their figures of the
    newest days may still grow until then."""

    total: DriftTotalOut
    days: int
    fetched_at: datetime | None
    fresh_until: datetime | None
