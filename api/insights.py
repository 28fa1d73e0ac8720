"""Insights with their evidence."""

from collections import defaultdict
from typing import Any

from fastapi import APIRouter

from api.schemas.insights import EvidenceOut, InsightOut, InsightState
from api.schemas.shared import Cursor, Limit, ListOut, fields_of
from core.insights import report
from core.insights.report import InsightRow

router = APIRouter(prefix="/insights", tags=["insights"])


def out(rows: tuple[InsightRow, ...]) -> list[dict[str, Any]]:
    evidence: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for found in report.evidence([row.id for row in rows]):
        evidence[found.insight].append(fields_of(found, EvidenceOut))
    return [{**fields_of(row, InsightOut), "evidence": evidence[row.id]} for row in rows]


@router.get("", response_model=ListOut[InsightOut])
def find(
    q: str | None = None,
    collection: str | None = None,
    template: str | None = None,
    state: InsightState | None = None,
    document: str | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Any:
    page = report.find(
        q=q, collection=collection, template=template, state=state, document=document, limit=limit, cursor=cursor
    )
    return {"items": out(page.items), "next_cursor": page.next_cursor}


@router.get("/{insight_id}", response_model=InsightOut)
def get(insight_id: str) -> Any:
    return out((report.get(insight_id),))[0]
