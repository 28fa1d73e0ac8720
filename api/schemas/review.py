"""Pairs to settle, and what resembles an insight."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.insights import InsightOut
from api.schemas.shared import In

PairKind = Literal["merge", "conflict", "over_time"]
FoundBy = Literal["span", "quote", "shape", "words", "meaning", "person", "judge"]


class DifferenceOut(BaseModel):
    """`a`, `b`: as each side writes it, empty where it has nothing there."""

    kind: Literal["figure", "unit", "date", "name", "negation", "direction", "hedge", "order", "word"] = Field(
        alias="class"
    )
    a: str
    b: str


class SimilarOut(BaseModel):
    """`score`: 0 to 1. `differs`: as the insight that was asked about (`a`) and this one (`b`) write it."""

    insight: InsightOut
    found_by: FoundBy
    score: float
    differs: list[DifferenceOut]


class PairOut(BaseModel):
    """`a`, `b`: what both were merged into, if they were. `time`: when it was settled, or proposed."""

    id: str
    kind: PairKind
    a: InsightOut
    b: InsightOut
    differs: list[DifferenceOut]
    found_by: FoundBy
    score: float
    state: Literal["open", "settled"]
    verdict: Literal["same", "different", "conflict", "over_time", "more", "less"] | None
    user: str | None
    time: datetime


class VerdictIn(In):
    """`more`, `less`: what `a` says. `same` merges: `keep` is the insight whose wording stays (else the better
    supported one's), and `force` merges although figures, units, dates, names or a negation differ."""

    verdict: Literal["same", "different", "conflict", "over_time", "more", "less", "later"]
    keep: str | None = None
    force: bool = False
