"""Resilience of calls: values in force, presets, and changing them."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from api.schemas.resilience import ChoiceIn, OperationChoiceIn, PresetOut, RecommendedOut, ResilienceOut, ValidatedOut
from api.schemas.shared import ListOut
from core import presets
from core.asking import templates
from core.calls import resilience
from core.calls.resilience import InForce
from core.environment import get_settings
from core.errors import NotFound
from core.presets import PresetName

router = APIRouter(prefix="/internal/resilience/config", tags=["resilience"])


def in_force(found: InForce) -> dict[str, Any]:
    gives_up_after = presets.gives_up_after(found.config)
    return {"config": asdict(found.config), "sources": {**found.sources}, "gives_up_after_s": gives_up_after}


def preset(name: PresetName) -> dict[str, Any]:
    config = presets.PRESETS[name]
    gives_up_after = presets.gives_up_after(config)
    description = presets.PRESET_WORDS[name]
    return {"name": name, "description": description, "config": asdict(config), "gives_up_after_s": gives_up_after}


@router.get("", response_model=ResilienceOut)
def get() -> Any:
    """The values in force, for all operations and for each, with their sources."""
    found = resilience.snapshot()
    operations = [{"operation": view.id, **in_force(found.of(view.id))} for view in templates.list_all()]
    return {"locked": found.locked, **in_force(found.for_all), "operations": operations}


@router.put("", response_model=ResilienceOut)
def change(body: OperationChoiceIn) -> Any:
    """Set values for one operation, or for all that have none of their own."""
    resilience.change(body.choice(), body.operation)
    return get()


@router.delete("", response_model=ResilienceOut)
def take_back(operation: str | None = None) -> Any:
    """Remove the stored values of one operation, or those for all."""
    resilience.change(None, operation)
    return get()


@router.get("/presets", response_model=ListOut[PresetOut])
def all_presets() -> Any:
    return {"items": [preset(name) for name in presets.PRESETS], "next_cursor": None}


@router.get("/presets/{name}", response_model=PresetOut)
def one_preset(name: str) -> Any:
    for known in presets.PRESETS:
        if known == name:
            return preset(known)
    raise NotFound(f"There is no preset {name!r}. Presets are {', '.join(presets.PRESETS)}.")


@router.post("/validate", response_model=ValidatedOut)
def validate(body: ChoiceIn) -> Any:
    config, errors = resilience.check(body.choice())
    return {
        "valid": config is not None,
        "errors": [asdict(wrong) for wrong in errors],
        "config": None if config is None else asdict(config),
    }


@router.get("/recommend", response_model=RecommendedOut)
def recommend(environment: str | None = None) -> Any:
    """For Cairn's own environment, unless another one is given."""
    asked = environment or get_settings().environment
    name, reason = presets.recommend(asked)
    return {**preset(name), "environment": asked, "reason": reason}
