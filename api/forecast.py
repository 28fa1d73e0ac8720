"""Where the month will end, and days that cost far more than usual."""

from typing import Any

from fastapi import APIRouter, Depends

from api.schemas.forecast import AnomalyOut, ForecastOut
from api.schemas.shared import ListOut, fields_of
from api.strict import known_parameters
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
