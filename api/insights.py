"""Insights with their evidence."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.schemas.insights import (
    EvidenceOut,
    FiltersIn,
    FindIn,
    InsightOut,
    InsightsOut,
    SearchOut,
    TotalOut,
    WordingOut,
)
from api.schemas.shared import Cursor, Limit, ListOut, fields_of, listed
from core.insights import evidence_report, report
from core.insights.evidence_report import EvidenceRow
from core.insights.report import Filters, InsightRow

router = APIRouter(prefix="/insights", tags=["insights"])


def out(rows: Sequence[InsightRow]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    evidence: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for found in evidence_report.evidence(ids):
        evidence[found.insight].append(evidence_out(found))
    totals = evidence_report.totals(ids)
    return [
        {
            **fields_of(row, InsightOut),
            "merged_into": row.head,
            "merged": [fields_of(one, WordingOut) for one in row.merged],
            "evidence": evidence[row.id],
            "evidence_total": totals.get(row.id, 0),
        }
        for row in rows
    ]


def evidence_out(row: EvidenceRow) -> dict[str, Any]:
    return fields_of(row, EvidenceOut)


def filters_of(given: FiltersIn) -> Filters:
    """`evidence` tells whether it is supported."""
    values = given.model_dump(include=FiltersIn.model_fields.keys() - {"evidence"})
    return Filters(**values, supported=None if given.evidence is None else given.evidence == "supported")


@router.get("", response_model=InsightsOut)
def find(given: Annotated[FindIn, Query()]) -> Any:
    """Merged insights are never listed: their heads are."""
    filters = filters_of(given)
    page = report.find(filters, sort=given.sort, limit=given.limit, cursor=given.cursor)
    total = TotalOut(**fields_of(report.count(filters), TotalOut))
    return {"items": out(page.items), "next_cursor": page.next_cursor, "total": total, "search": SearchOut()}


@router.get("/{insight_id}", response_model=InsightOut)
def get(insight_id: str) -> Any:
    """Of one that was merged, what it is by itself."""
    return out((report.get(insight_id),))[0]


@router.get("/{insight_id}/evidence", response_model=ListOut[EvidenceOut])
def evidence(insight_id: str, limit: Limit = 100, cursor: Cursor = None) -> Any:
    """All of it, supported evidence first."""
    report.get(insight_id)
    return listed(evidence_report.page(insight_id, limit=limit, cursor=cursor), evidence_out)
