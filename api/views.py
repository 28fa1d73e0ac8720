"""Searches that were given a name."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from api.insights import filters_of
from api.schemas.finding import ViewIn, ViewOut
from api.schemas.shared import ListOut
from core.insights import views
from core.insights.views import View

router = APIRouter(prefix="/views", tags=["insights"])


def _out(view: View) -> dict[str, Any]:
    """`state` of several, which a page may save, is a list."""
    query = asdict(view.filters)
    supported = query.pop("supported")
    query["evidence"] = None if supported is None else "supported" if supported else "unsupported"
    given = {name: value for name, value in query.items() if value not in (None, "", ())}
    return {
        "id": view.id,
        "name": view.name,
        "query": given | {"sort": view.sort},
        "new": view.new.count,
        "new_capped": view.new.capped,
        "looked_at": view.looked_at,
    }


@router.get("", response_model=ListOut[ViewOut])
def list_all() -> Any:
    """By name: all there are."""
    return {"items": [_out(view) for view in views.list_all()], "next_cursor": None}


@router.post("", response_model=ViewOut, status_code=201)
def save(body: ViewIn) -> Any:
    """Looked at from now on."""
    return _out(views.save(body.name, filters_of(body.query), body.query.sort))


@router.post("/{view_id}/look", response_model=ViewOut)
def look(view_id: str) -> Any:
    """Somebody looked at it: nothing of it is new."""
    return _out(views.look(view_id))


@router.delete("/{view_id}", status_code=204)
def delete(view_id: str) -> None:
    views.delete(view_id)
