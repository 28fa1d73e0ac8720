"""Circuit breakers: their states, and opening and closing them by hand."""

from typing import Any

from fastapi import APIRouter

from api.schemas.operations import BreakerOut
from api.schemas.shared import ListOut, fields_of
from core.calls import breaker_by_hand, breaker_report
from core.calls.breaker_report import BreakerRow
from core.errors import NotFound
from core.runtime import shared_clock
from core.settings import provider_rows

router = APIRouter(prefix="/internal/resilience", tags=["resilience"])


def out(row: BreakerRow) -> dict[str, Any]:
    return fields_of(row, BreakerOut)


def named(name: str) -> tuple[str, str]:
    """Provider and model of `provider/model`; a model's name may hold slashes itself. Raises NotFound."""
    provider, _, model = name.partition("/")
    if provider not in provider_rows.names() or not model:
        raise NotFound(f"There is no circuit breaker {name!r}. A name is a provider and a model: openai/gpt-5-mini.")
    return provider, model


@router.get("/health")
def health() -> dict[str, Any]:
    found = breaker_report.every()
    states = [row.state for row in found]
    return {
        "healthy": all(state == "closed" for state in states),
        "circuit_breakers": {state: states.count(state) for state in ("closed", "open", "half_open")},
        "open": [row.name for row in found if row.state != "closed"],
        "timestamp": shared_clock.now(),
    }


@router.get("/circuit-breakers", response_model=ListOut[BreakerOut])
def circuit_breakers() -> Any:
    return {"items": [out(row) for row in breaker_report.every()], "next_cursor": None}


@router.post("/circuit-breakers/{name:path}/open", response_model=BreakerOut)
def open_breaker(name: str) -> Any:
    """No live call goes to this model until its breaker is closed by hand."""
    return out(breaker_by_hand.open_by_hand(*named(name)))


@router.post("/circuit-breakers/{name:path}/close", response_model=BreakerOut)
def close_breaker(name: str) -> Any:
    return out(breaker_by_hand.close_by_hand(*named(name)))
