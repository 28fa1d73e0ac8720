"""The state of every component, for programs: the content of the Health page."""

from typing import Any

from fastapi import APIRouter

from api.schemas.operations import ComponentOut, HealthOut, RightsOut, StuckOut, WorkerOut
from api.schemas.shared import fields_of
from core import __version__
from core.health import components as health_components
from core.health.components import Component
from core.runtime import rights, shared_clock
from core.upkeep import stuck

router = APIRouter(prefix="/internal/monitoring", tags=["internal"])


@router.get("/health", response_model=HealthOut)
def monitoring_health() -> Any:
    at = shared_clock.now()
    found = health_components.read(at)
    reachable = found.reachable
    return {
        "status": "healthy" if all(one.healthy for one in found.components) else "unhealthy",
        "timestamp": at,
        "version": __version__,
        "components": [component(one) for one in found.components],
        "workers": [fields_of(row, WorkerOut) for row in found.workers],
        "stuck": [fields_of(row, StuckOut) for row in stuck.read()] if reachable else [],
        "rights": fields_of(rights.read(), RightsOut) if reachable else None,
    }


def component(one: Component) -> dict[str, Any]:
    state = {True: "healthy", False: "unhealthy", None: "unknown"}[one.healthy]
    return {**fields_of(one, ComponentOut), "state": state}
