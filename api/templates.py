"""Templates: list, make, change, delete."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from api.schemas.shared import ListOut
from api.schemas.templates import FieldIn, TemplateIn, TemplateOut
from core.asking import templates
from core.asking.templates import TemplateView
from core.fields import FieldSpec
from core.runtime import shared_clock, workspace

router = APIRouter(prefix="/templates", tags=["templates"])


def out(view: TemplateView) -> dict[str, Any]:
    return {**asdict(view), "workspace": None if view.built_in else workspace.current()}


def specs(fields: list[FieldIn]) -> list[FieldSpec]:
    return [FieldSpec(**{**field.model_dump(), "choices": tuple(field.choices)}) for field in fields]


@router.get("", response_model=ListOut[TemplateOut])
def find() -> Any:
    return {"items": [out(view) for view in templates.list_all()], "next_cursor": None}


@router.post("", status_code=201, response_model=TemplateOut)
def create(body: TemplateIn) -> Any:
    return out(templates.create(body.name, body.prompt, specs(body.fields), body.insights))


@router.get("/{template_id}", response_model=TemplateOut)
def get(template_id: str) -> Any:
    return out(templates.get(template_id))


@router.put("/{template_id}", response_model=TemplateOut)
def change(template_id: str, body: TemplateIn) -> Any:
    """Make the next version. Jobs keep the version they were made with."""
    return out(templates.change(template_id, body.name, body.prompt, specs(body.fields), body.insights))


@router.delete("/{template_id}", status_code=204)
def delete(template_id: str) -> None:
    """Nothing is asked by it from now on. Its jobs go on, and its answers and insights stay."""
    templates.delete(template_id, shared_clock.now())
