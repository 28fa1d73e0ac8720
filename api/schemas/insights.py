"""Insights and their evidence."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from api.schemas.shared import In, ListOut, Money
from core.insights.report import Sort
from core.runtime.paging import MOST

InsightState = Literal["new", "confirmed", "dismissed"]


class ChangeOut(BaseModel):
    quote: str
    document: str


class NearestOut(BaseModel):
    start: int
    end: int
    text: str
    changes: list[ChangeOut]


class EvidenceOut(BaseModel):
    """`verdict` null: not checked yet. `spans`: one for each part of a quote whose parts stand apart. `times`: how many
    answers brought it; `response` is the first of them. `cost_usd` null: no price is known."""

    id: str
    document: str
    quote: str
    start: int | None
    end: int | None
    spans: list[list[int]] | None
    supported: bool
    verdict: Literal["found", "spelling", "differs", "absent", "short"] | None
    nearest: NearestOut | None
    times: int
    response: str
    request: str | None
    job: str | None
    cost_usd: Money | None


class WordingOut(BaseModel):
    id: str
    statement: str


class InsightOut(BaseModel):
    """`shown`: an edit of the statement. `merged_into`: its head, if it was merged; a head lists what was `merged`.
    `evidence`: the first 100 of `evidence_total`, supported ones first."""

    id: str
    statement: str
    shown: str | None
    kind: str
    language: str | None
    question: str | None
    state: InsightState
    reason: str | None
    tags: list[str]
    pinned: bool
    support: int
    documents: int
    against: int
    confidence: float
    open_conflicts: int
    merged_into: str | None
    merged: list[WordingOut]
    version: int
    evidence: list[EvidenceOut]
    evidence_total: int
    first_seen: datetime
    last_seen: datetime


class TotalOut(BaseModel):
    """`capped`: there are more than `count`."""

    count: int
    capped: bool


class SearchOut(BaseModel):
    """`languages`: whose words `q` is read in."""

    mode: Literal["words"] = "words"
    languages: list[str] = ["en"]
    note: str | None = None


class InsightsOut(ListOut[InsightOut]):
    total: TotalOut
    search: SearchOut


class FiltersIn(In):
    """Each that is given narrows; one that is not known is refused."""

    q: str | None = None
    collection: str | None = None
    template: str | None = None
    state: InsightState | None = None
    document: str | None = None
    tag: str | None = None
    language: str | None = None
    min_support: int | None = Field(None, ge=0, le=2**31 - 1)
    min_confidence: float | None = Field(None, ge=0, le=1)
    evidence: Literal["supported", "unsupported"] | None = None
    conflict: Literal["open", "any", "none"] | None = None
    pinned: bool | None = None
    job: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class FindIn(FiltersIn):
    sort: Sort = "newest"
    limit: int = Field(100, ge=1, le=MOST)
    cursor: str | None = None
