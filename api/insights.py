"""Insights with their evidence, and what people make of them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.schemas.insights import (
    BulkIn,
    BulkOut,
    ChangeIn,
    EvidenceOut,
    FiltersIn,
    FindIn,
    HistoryOut,
    InsightOut,
    InsightsOut,
    MergeIn,
    MergeOut,
    MergeRowOut,
    SearchOut,
    SetIn,
    TotalOut,
    UndoIn,
    UndoneOut,
    UnmergeIn,
    UnmergeOut,
    WordingOut,
)
from api.schemas.shared import Cursor, Limit, ListOut, fields_of, listed
from core.insights import evidence_report, history, life, merging, report, review_report
from core.insights.evidence_report import EvidenceRow
from core.insights.report import Filters, InsightRow
from core.runtime import workspace

router = APIRouter(prefix="/insights", tags=["insights"])


def out(rows: Sequence[InsightRow]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    evidence: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for found in evidence_report.evidence(ids):
        evidence[found.insight].append(evidence_out(found))
    totals = evidence_report.totals(ids)
    like_dismissed = review_report.looks_like_dismissed(ids)
    return [
        {
            **fields_of(row, InsightOut),
            "workspace": workspace.current(),
            "merged_into": row.head,
            "merged": [fields_of(one, WordingOut) for one in row.merged],
            "evidence": evidence[row.id],
            "evidence_total": totals.get(row.id, 0),
            "looks_like_dismissed": like_dismissed.get(row.id, []),
        }
        for row in rows
    ]


def evidence_out(row: EvidenceRow) -> dict[str, Any]:
    return fields_of(row, EvidenceOut)


def filters_of(given: FiltersIn) -> Filters:
    """`evidence` tells whether it is supported."""
    values = given.model_dump(include=FiltersIn.model_fields.keys() - {"evidence"})
    values["field"] = tuple(given.field)
    return Filters(**values, supported=None if given.evidence is None else given.evidence == "supported")


@router.get("", response_model=InsightsOut)
def find(given: Annotated[FindIn, Query()]) -> Any:
    """Merged insights are never listed: their heads are."""
    found = report.find_and_count(filters_of(given), sort=given.sort, limit=given.limit, cursor=given.cursor)
    return {
        "items": out(found.page.items),
        "next_cursor": found.page.next_cursor,
        "total": fields_of(found.total, TotalOut),
        "search": fields_of(report.search(), SearchOut) | {"mode": "words"},
    }


@router.post("/bulk", response_model=BulkOut)
def bulk(body: BulkIn) -> Any:
    """Change all that are named, or all that match. An insight that is as it should be stays as it is."""
    which = body.ids if body.filter is None else filters_of(body.filter)
    given = body.set.model_dump(exclude={"reason"})
    done = life.bulk(which or [], life.Set(**given, **_given(body.set, "reason")))
    return fields_of(done, BulkOut)


@router.post("/bulk/undo", response_model=UndoneOut)
def undo(body: UndoIn) -> Any:
    """Give back what a change of one or of many replaced. A second time changes nothing."""
    return fields_of(life.undo(body.change), UndoneOut)


@router.post("/merge", response_model=MergeOut)
def merge(body: MergeIn) -> Any:
    """`MERGE_BLOCKED` names each that differs in what matters, and the words, unless forced. `dry_run` changes nothing
    and is refused like the merge itself."""
    done = merging.merge(body.into, body.ids, force=body.force, dry_run=body.dry_run)
    support = {"before": done.support_before, "after": done.support_after}
    return {"merge": done.id, "insight": out((report.get(done.into),))[0], "support": support}


@router.post("/unmerge", response_model=UnmergeOut)
def unmerge(body: UnmergeIn) -> Any:
    """Each insight is again what it was. A second time changes nothing."""
    done = merging.unmerge(merge_id=body.merge, insight_id=body.id)
    return {"restored": out(report.get_all(done.restored)), "already": not done.restored}


@router.get("/merges", response_model=ListOut[MergeRowOut])
def merges(insight: str | None = None, undone: bool | None = None, limit: Limit = 100, cursor: Cursor = None) -> Any:
    """Newest first. `insight`: those that it took part in."""
    page = merging.merges(insight=insight, undone=undone, limit=limit, cursor=cursor)
    return listed(page, lambda row: {**fields_of(row, MergeRowOut), "user": row.actor})


@router.get("/{insight_id}", response_model=InsightOut)
def get(insight_id: str) -> Any:
    """Of one that was merged, what it is by itself."""
    return out((report.get(insight_id),))[0]


@router.get("/{insight_id}/evidence", response_model=ListOut[EvidenceOut])
def evidence(insight_id: str, limit: Limit = 100, cursor: Cursor = None) -> Any:
    """All of it, supported evidence first."""
    report.get(insight_id)
    return listed(evidence_report.page(insight_id, limit=limit, cursor=cursor), evidence_out)


@router.patch("/{insight_id}", response_model=InsightOut)
def change(insight_id: str, body: ChangeIn) -> Any:
    """`STALE` when somebody changed it since `version`; `MERGED` names the insight that it was merged into."""
    given = life.Change(body.state, tags=body.tags, pinned=body.pinned, **_given(body, "reason", "shown"))
    return out((life.change(insight_id, given, body.version),))[0]


def _given(body: ChangeIn | SetIn, *names: str) -> dict[str, Any]:
    """Of those for which null says something: the ones that are there."""
    return {name: getattr(body, name) for name in names if name in body.model_fields_set}


@router.get("/{insight_id}/history", response_model=ListOut[HistoryOut])
def of_insight(insight_id: str, limit: Limit = 100, cursor: Cursor = None) -> Any:
    """Who did what to it, newest first."""
    report.get(insight_id)
    page = history.of_insight(insight_id, limit=limit, cursor=cursor)
    return listed(page, lambda row: {**fields_of(row, HistoryOut), "user": row.actor})
