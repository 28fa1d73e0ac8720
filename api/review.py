"""Pairs of insights that may be the same or contradict one another, and what is said of them."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from api import insights
from api.acting import acting
from api.schemas.review import PairKind, PairOut, SimilarOut, VerdictIn
from api.schemas.shared import Cursor, Limit, ListOut, fields_of
from core.insights import review, review_report
from core.insights import similar as similarity
from core.insights.merging import as_json
from core.insights.review_report import Item

router = APIRouter(tags=["review"], dependencies=[Depends(acting)])


def out(items: Sequence[Item]) -> list[dict[str, Any]]:
    given = {row.id: row for item in items for row in (item.a, item.b)}
    shown = dict(zip(given, insights.out(tuple(given.values())), strict=True))
    return [
        {
            **fields_of(item, PairOut),
            "a": shown[item.a.id],
            "b": shown[item.b.id],
            "differs": [as_json(one) for one in item.differs],
            "user": item.actor,
        }
        for item in items
    ]


@router.get("/review", response_model=ListOut[PairOut])
def find(
    kind: PairKind | None = None,
    state: Literal["open", "settled"] = "open",
    collection: str | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Any:
    """Open pairs, the most supported first; or settled ones, the newest first. `collection`: both sides have evidence
    in it."""
    page = review_report.items(kind=kind, state=state, collection=collection, limit=limit, cursor=cursor)
    return {"items": out(page.items), "next_cursor": page.next_cursor}


@router.post("/review/{pair_id}", response_model=PairOut)
def settle(pair_id: str, body: VerdictIn) -> Any:
    """A pair is settled once: the same verdict again changes nothing, another one is refused (`ALREADY_SETTLED`).
    `MERGE_BLOCKED` names the words that differ. `later` leaves it open, at the end."""
    return out((review.settle(pair_id, body.verdict, body.keep, force=body.force),))[0]


@router.get("/insights/{insight_id}/similar", response_model=ListOut[SimilarOut])
def similar(insight_id: str, limit: Annotated[int, Query(ge=1, le=similarity.MOST)] = 20) -> Any:
    """What may be the same or contradict it, best first, looked up at the moment."""
    found = similarity.similar(insight_id, limit)
    shown = insights.out([one.insight for one in found])
    items = [
        {**fields_of(one, SimilarOut), "insight": insight, "differs": [as_json(each) for each in one.differs]}
        for one, insight in zip(found, shown, strict=True)
    ]
    return {"items": items, "next_cursor": None}
