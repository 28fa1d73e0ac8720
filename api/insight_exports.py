"""Insights with their quotes, as a file."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api.downloads import FILE, download
from api.insights import filters_of
from api.schemas.exports import InsightExportIn
from core.insights import export
from core.insights.export_report import Wanted
from core.runtime import shared_clock

router = APIRouter(prefix="/insights", tags=["insights"])


@router.get("/export", response_class=StreamingResponse, responses=FILE)
def export_insights(given: Annotated[InsightExportIn, Query()]) -> StreamingResponse:
    """The insights that `GET /insights` lists with these filters, or those of them that `id` names, each with its
    quotes and their verdicts: a row for each quote, in `json` and `md` for each insight. What no quote supports is in
    it only with `unsupported=true`, and marked."""
    wanted = export.checked(Wanted(filters_of(given), given.id, given.unsupported))
    now = shared_clock.now()
    return download(
        export.TITLE, given.format, now, partial(export.export, format_=given.format, wanted=wanted, now=now)
    )
