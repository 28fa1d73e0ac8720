"""Where the month will end, days that cost far more than usual, and what would have cost less."""

from typing import Any

from fastapi import APIRouter, Depends

from api.schemas.forecast import AdviceOut, AnomalyOut, ForecastOut
from api.schemas.shared import ListOut, fields_of
from api.strict import known_parameters
from core.jobs import advice
from core.money import anomalies, costs, forecast

router = APIRouter(prefix="/usage", tags=["usage"], dependencies=[Depends(known_parameters)])


@router.get("/forecast", response_model=ForecastOut)
def month() -> Any:
    """Of this month in the reporting zone. `expected_usd` is null with less than 14 days of history."""
    with costs.reading() as now:
        found = forecast.read(now)
    return {**fields_of(found, ForecastOut), "expected_usd": found.expected}


@router.get("/anomalies", response_model=ListOut[AnomalyOut])
def unusual() -> Any:
    """Ended days of the last week, of a template, model or user, that cost more than the median of the days before and
    four times 1.4826 median deviations, and more than twice the median."""
    with costs.reading() as now:
        return {"items": anomalies.read(now), "next_cursor": None}


WORDS = {
    "batch": "Live jobs were read so late that a batch would have been through: the batch lane costs this much less.",
    "asked_again": "The same question was billed again: known answers are reused unless that was switched off.",
    "unusable": "Answers were refused, cut off, empty or broke their schema, and were billed.",
    "dear_tier": "Calls were answered at a tier dearer than the standard one.",
    "uncached": "Custom requests begin alike and hardly read that from a cache: put what is the same first.",
}


@router.get("/advice", response_model=ListOut[AdviceOut])
def saving() -> Any:
    """What would have cost less in the last 30 days, from $1 on. `filter`: of the costs that it is about."""
    with costs.reading() as now:
        found = advice.read(now)
    items = [{**fields_of(one, AdviceOut), "words": WORDS[one.rule], "jobs": list(one.jobs)} for one in found]
    return {"items": items, "next_cursor": None}
