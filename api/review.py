"""Pairs of insights that may be the same or contradict one another, and what is said of them."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from api import insights, jobs
from api.schemas.jobs import JobOut
from api.schemas.review import (
    JudgedOut,
    JudgeEstimateOut,
    JudgeIn,
    JudgeUndoIn,
    JudgeUndoOut,
    PairKind,
    PairOut,
    SimilarOut,
    VerdictIn,
)
from api.schemas.shared import Cursor, Limit, ListOut, fields_of, listed
from core.insights import review, review_report
from core.insights import similar as similarity
from core.insights.merging import as_json
from core.insights.review_report import Item
from core.jobs import batches_report
from core.jobs import report as jobs_report
from core.judging import launch, undo
from core.judging import report as judging_report
from core.judging.launch import JudgeSpec
from core.runtime import shared_clock
from core.settings import defaults

router = APIRouter(tags=["review"])


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


@router.post("/review/judge", status_code=201, response_model=JobOut)
def judge(body: JudgeIn) -> Any:
    """A job that asks a model what open pairs are. It settles those whose verdict it can show the words for, and merges
    nothing that would be refused (`MERGE_BLOCKED`)."""
    job_id = launch.create(JudgeSpec(**body.model_dump()), shared_clock.now())
    return jobs.out(jobs_report.get(job_id))


@router.post("/review/judge/estimate", response_model=JudgeEstimateOut)
def judge_estimate(body: JudgeIn) -> Any:
    """What `POST /review/judge` would ask and cost. Nothing is asked."""
    found = launch.estimate(JudgeSpec(**body.model_dump()), shared_clock.now())
    took = batches_report.turnaround(body.provider, defaults.model_for(body.provider, body.model))
    return {
        **fields_of(found, JudgeEstimateOut),
        "cost_usd": {"live": found.cost_live, "batch": found.cost_batch},
        "turnaround_s": took and {"p50": took.p50, "p95": took.p95},
    }


@router.post("/review/judge/undo", response_model=JudgeUndoOut)
def judge_undo(body: JudgeUndoIn) -> Any:
    """Take back all verdicts of a judge's job, with their merges, as one. What was settled anew since stays."""
    return fields_of(undo.undo(body.job), JudgeUndoOut)


@router.get("/review/judge/{job_id}", response_model=ListOut[JudgedOut])
def judged(job_id: str, limit: Limit = 100, cursor: Cursor = None) -> Any:
    """The pairs of a judge's job, and what became of each."""
    jobs_report.check_exists(job_id)
    return listed(judging_report.pairs(job_id, limit=limit, cursor=cursor), lambda row: fields_of(row, JudgedOut))


@router.post("/review/{pair_id}", response_model=PairOut)
def settle(pair_id: str, body: VerdictIn) -> Any:
    """A pair is settled once: the same verdict again changes nothing, another one is refused (`ALREADY_SETTLED`).
    `MERGE_BLOCKED` names the words that differ. `later` leaves it open, at the end."""
    return out((review.settle(pair_id, body.verdict, body.keep, force=body.force),))[0]


@router.post("/review/{pair_id}/reopen", response_model=PairOut)
def take_back(pair_id: str) -> Any:
    """What was said of a pair is taken back: it is open again, and a merge that it made is undone. Of an open one
    nothing changes."""
    return out((review.take_back(pair_id),))[0]


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
