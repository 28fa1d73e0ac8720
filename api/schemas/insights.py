"""Insights and their evidence."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

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
    """`verdict` null: not checked yet. `spans`: one for each part of a quote whose parts stand apart."""

    id: str
    document: str
    quote: str
    start: int | None
    end: int | None
    spans: list[list[int]] | None
    supported: bool
    verdict: Literal["found", "spelling", "differs", "absent", "short"] | None
    nearest: NearestOut | None
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
