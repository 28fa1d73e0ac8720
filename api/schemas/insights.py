"""Insights and their evidence."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

InsightState = Literal["new", "confirmed", "dismissed"]


class EvidenceOut(BaseModel):
    document: str
    quote: str
    start: int | None
    end: int | None
    supported: bool
    response: str


class InsightOut(BaseModel):
    id: str
    statement: str
    kind: str
    state: InsightState
    support: int
    confidence: float
    evidence: list[EvidenceOut]
    first_seen: datetime
    last_seen: datetime
