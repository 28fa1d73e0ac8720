"""Usage records and their sums."""

from typing import Any

from fastapi import APIRouter

from api.schemas.shared import Cursor, Limit, ListOut, fields_of, listed, spent
from api.schemas.usage import UsageRecordOut, UsageSumOut
from core.money import costs
from core.money.costs import By, UsageRow, UsageSum

router = APIRouter(prefix="/usage", tags=["usage"])


def record(row: UsageRow) -> dict[str, Any]:
    return fields_of(row, UsageRecordOut)


def total(row: UsageSum) -> dict[str, Any]:
    return {**fields_of(row, UsageSumOut), "cost_usd": spent(row.cost_usd, row.unpriced)}


@router.get("", response_model=ListOut[UsageSumOut])
def sums(by: By = "day") -> Any:
    return {"items": [total(row) for row in costs.sums(by)], "next_cursor": None}


@router.get("/records", response_model=ListOut[UsageRecordOut])
def records(job: str | None = None, limit: Limit = 100, cursor: Cursor = None) -> Any:
    return listed(costs.records(job=job, limit=limit, cursor=cursor), record)
