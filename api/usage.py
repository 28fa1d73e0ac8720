"""Usage records and their sums."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from api.acting import acting
from api.downloads import FILE, download
from api.schemas.shared import Cursor, Limit, ListOut, fields_of, listed, spent
from api.schemas.usage import UsageRecordOut, UsageSumOut
from core.exports.columns import FormatName
from core.money import costs, export
from core.money.costs import By, UsageRow, UsageSum
from core.runtime import shared_clock

router = APIRouter(prefix="/usage", tags=["usage"])


def record(row: UsageRow) -> dict[str, Any]:
    return fields_of(row, UsageRecordOut)


def total(row: UsageSum) -> dict[str, Any]:
    return {**fields_of(row, UsageSumOut), "cost_usd": spent(row.cost_usd, row.unpriced)}


@router.get("", response_model=ListOut[UsageSumOut])
def sums(by: By = "day") -> Any:
    return {"items": [total(row) for row in costs.sums(by)], "next_cursor": None}


@router.get("/export", response_class=StreamingResponse, responses=FILE, dependencies=[Depends(acting)])
def export_sums(
    format: FormatName,
    by: By = "day",
    since: AwareDatetime | None = None,
    until: Annotated[AwareDatetime | None, Query(description="Exclusive")] = None,
) -> StreamingResponse:
    """The sums as a file: a row for each key."""
    make = partial(export.export, format_=format, by=by, start=since, stop=until)
    return download(export.TITLE, format, shared_clock.now(), make)


@router.get("/records", response_model=ListOut[UsageRecordOut])
def records(job: str | None = None, limit: Limit = 100, cursor: Cursor = None) -> Any:
    return listed(costs.records(job=job, limit=limit, cursor=cursor), record)
