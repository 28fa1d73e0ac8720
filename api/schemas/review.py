"""Pairs to settle, and what resembles an insight."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.insights import InsightOut
from api.schemas.jobs import CostOut, TurnaroundOut
from api.schemas.shared import In, Lane, ProviderName
from core.judging import launch

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
    """`a`, `b`: what both were merged into, if they were. `time`: when it was settled, or proposed. `grounds`: the
    words of `a` and of `b` that decided, where a model of the job `judged_in` settled it; else empty."""

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
    grounds: list[str]
    judged_in: str | None


class JudgeIn(In):
    """Up to `limit` open pairs are asked, the best supported first; of one `kind` or `collection`, if given."""

    provider: ProviderName
    model: str | None = None
    lane: Lane = "live"
    limit: int = Field(launch.USUAL, ge=1, le=launch.MOST)
    kind: PairKind | None = None
    collection: str | None = None
    confirmed: bool = Field(False, description="its price was seen: needed above CONFIRM_JOB_USD")


class JudgeEstimateOut(BaseModel):
    """`reused`: requests whose answer is known, which cost nothing."""

    pairs: int
    requests: int
    reused: int
    input_tokens: int
    output_tokens: int
    cost_usd: CostOut
    turnaround_s: TurnaroundOut | None


class JudgeUndoIn(In):
    job: str


class JudgeUndoOut(BaseModel):
    """`reopened`: pairs that are open again; `restored`: insights that are on their own again."""

    reopened: int
    restored: list[str]


class JudgedOut(BaseModel):
    """`a`, `b`: the insights whose statements were asked. `verdict`, `grounds`: what the model said, of `a`. `became`:
    undecided, the model gave no verdict; unfounded, the words that it named do not stand there; refused, what differs
    or what a person decided forbids to merge; late, the pair was another one by then; taken_back, undone since."""

    pair: str
    a: str
    b: str
    a_statement: str | None
    b_statement: str | None
    became: Literal["settled", "undecided", "unfounded", "refused", "late", "taken_back", "waiting"]
    verdict: Literal["same", "different", "conflict", "over_time", "more", "less"] | None
    grounds: list[str] | None


class VerdictIn(In):
    """`more`, `less`: what `a` says. `same` merges: `keep` is the insight whose wording stays (else the better
    supported one's), and `force` merges although figures, units, dates, names or a negation differ."""

    verdict: Literal["same", "different", "conflict", "over_time", "more", "less", "later"]
    keep: str | None = None
    force: bool = False
