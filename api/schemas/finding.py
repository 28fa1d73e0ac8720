"""Facets of what is found, changes of a job, and saved views."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.insights import FiltersIn, InsightOut, SupportOut
from api.schemas.shared import In, ListOut, Moment
from core.insights.report import Sort
from core.runtime.paging import MOST


class ValueOut(BaseModel):
    value: str
    count: int


class FacetsOut(BaseModel):
    """What a click on each value would list, which sets the filter of its kind in place of the one that is set:
    `collections` by name, `support` min_support, `fields` field=name:value. A word is added to `q`. `sampled`: more
    match than are counted, and the counts are those of a sample."""

    collections: list[ValueOut]
    templates: list[ValueOut]
    tags: list[ValueOut]
    states: list[ValueOut]
    languages: list[ValueOut]
    support: list[ValueOut]
    fields: dict[str, list[ValueOut]]
    words: list[ValueOut]
    sampled: bool


class ChangesIn(In):
    """Give `job` or `since`."""

    job: str | None = None
    since: Moment | None = None
    limit: int = Field(100, ge=1, le=MOST)
    cursor: str | None = None


class ChangeOfInsightOut(BaseModel):
    """`support`: independent documents without what came, and with it. `contradicted`: by something that was found."""

    insight: InsightOut
    what: Literal["new", "strengthened", "contradicted", "dismissed_again"]
    support: SupportOut


class ChangesOut(ListOut[ChangeOfInsightOut]):
    """How many there are of each, and a page of them. An insight may be contradicted and something else. `until`: more
    came since than is told at once, and this is what came before then; the rest comes with it as `since`.
    `quarantined`: that wait for a person; they are none of these, and `GET /insights?quarantined=true` lists them."""

    new: int
    strengthened: int
    contradicted: int
    dismissed_again: int
    quarantined: int
    until: datetime | None


class ViewQuery(FiltersIn):
    sort: Sort = "newest"


class ViewIn(In):
    """`query`: the parameters of the list."""

    name: str
    query: ViewQuery


class ViewOut(BaseModel):
    """`new`: what matches and came since it was last looked at, which is when it was saved, and whenever a program says
    so by `POST /views/{id}/look`; `new_capped`: there is more."""

    id: str
    name: str
    query: dict[str, Any]
    new: int
    new_capped: bool
    looked_at: datetime
