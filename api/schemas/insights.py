"""Insights and their evidence."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from api.schemas.shared import In, ListOut, Moment, Money
from core.insights.merging import MOST_AT_ONCE
from core.insights.report import LONGEST_SEARCH, Sort
from core.runtime.paging import MOST
from core.tables.insights import FoundBy

InsightState = Literal["new", "confirmed", "dismissed"]
# More are named by a filter.
MOST_IDS = 10_000


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
    answers brought it; `response` is the first of them. `read_by_ocr`: its words were recognized in a
    picture, such as a scan. `quarantined`: it lies in a passage that gives instructions to a model, and counts for
    nothing until the insight is confirmed. `cost_usd` null: no price is known."""

    id: str
    document: str
    quote: str
    start: int | None
    end: int | None
    spans: list[list[int]] | None
    supported: bool
    quarantined: bool
    verdict: Literal["found", "spelling", "differs", "absent", "short"] | None
    read_by_ocr: bool
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
    `evidence`: the first 100 of `evidence_total`, supported ones first. `looks_like_dismissed`: dismissed insights that
    may be the same, until a person has said that they are not. `quarantined`: nothing supports it but passages that
    give instructions to a model: it counts for nothing and is not exported until it is confirmed."""

    id: str
    workspace: str
    statement: str
    shown: str | None
    kind: str
    language: str | None
    question: str | None
    state: InsightState
    quarantined: bool
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
    looks_like_dismissed: list[str]
    first_seen: datetime
    last_seen: datetime


class TotalOut(BaseModel):
    """`capped`: there are more than `count`."""

    count: int
    capped: bool


class SearchOut(BaseModel):
    """`languages`: in which `q` is read, as statements are in them. `note`: what to know of the hits."""

    mode: Literal["words"] = "words"
    languages: list[str]
    note: str | None


class InsightsOut(ListOut[InsightOut]):
    total: TotalOut
    search: SearchOut


class FiltersIn(In):
    """Each that is given narrows; one that is not known is refused. `q`: words, "phrases", or, and -not, in the
    languages of the statements. `field`, repeatable: name:value of a choice or boolean field of a template, such as
    risk:high."""

    q: str | None = Field(None, max_length=LONGEST_SEARCH)
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
    quarantined: bool | None = None
    job: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    field: list[Annotated[str, Field(pattern="^[^:]+:")]] = Field(default_factory=list, max_length=10)


class ChangeIn(In):
    """What is left out stays. `reason` is why it is dismissed. `shown` null, or the statement itself: the edit is taken
    back. `tags`: all that it has from now on. `version`: refused if it is another one by now."""

    state: InsightState | None = None
    reason: str | None = None
    shown: str | None = None
    tags: list[str] | None = None
    pinned: bool | None = None
    version: int | None = None


class SetIn(In):
    """What is left out stays. Tags are removed before others are added."""

    state: InsightState | None = None
    reason: str | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    pinned: bool | None = None


class BulkIn(In):
    """Give `ids`, or a `filter` as the list has it, for all that match; `{}` is all."""

    ids: list[str] | None = Field(None, max_length=MOST_IDS)
    filter: FiltersIn | None = None
    set: SetIn

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("Give ids or filter.")
        return self


class BulkOut(BaseModel):
    """`change`: by which it is undone; null where nothing changed. What is gone or was merged is left out."""

    change: str | None
    changed: int


class UndoIn(In):
    change: str


class UndoneOut(BaseModel):
    """`skipped`: those that changed since, and stay."""

    changed: int
    skipped: int


class HistoryOut(BaseModel):
    """`before`, `after`: the fields that changed. `change`: what the entries of one action share."""

    time: datetime
    user: str
    action: Literal["change", "merge", "unmerge", "undo", "review"]
    before: dict[str, Any]
    after: dict[str, Any]
    change: str
    undone_at: datetime | None


class MergeIn(In):
    """Heads go into the head of `into`. `force`: also where figures, units, dates, names or negation differ."""

    into: str
    ids: list[str] = Field(min_length=1, max_length=MOST_AT_ONCE)
    force: bool = False
    dry_run: bool = False


class SupportOut(BaseModel):
    before: int
    after: int


class MergeOut(BaseModel):
    """`merge` null: nothing was merged. `insight`: the head."""

    merge: str | None
    insight: InsightOut
    support: SupportOut


class UnmergeIn(In):
    """Give `merge` for all of one, or `id` for one insight."""

    merge: str | None = None
    id: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.merge is None) == (self.id is None):
            raise ValueError("Give merge or id.")
        return self


class UnmergeOut(BaseModel):
    """`already`: there was nothing left to undo."""

    restored: list[InsightOut]
    already: bool


class MergeRowOut(BaseModel):
    """`members` went into `head`."""

    id: str
    head: str
    members: list[str]
    found_by: FoundBy
    user: str
    time: datetime
    undone_at: datetime | None


class FindIn(FiltersIn):
    sort: Sort = "newest"
    limit: int = Field(100, ge=1, le=MOST)
    cursor: str | None = None
