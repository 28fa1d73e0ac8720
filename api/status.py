"""Who asks, as Cairn sees it."""

from typing import Any

from fastapi import APIRouter, Depends, Request

from api.acting import admitted
from api.schemas.access import StatusOut
from api.strict import known_parameters
from core.access import people, workspaces
from core.environment import get_settings

router = APIRouter(prefix="/auth", tags=["access"], dependencies=[Depends(known_parameters)])


@router.get("/status", response_model=StatusOut)
def status(request: Request) -> Any:
    who, settings = admitted(request), get_settings()
    person = people.get(who.caller.user) if who.caller.user else None
    return {
        "authenticated": True,
        "kind": who.caller.kind,
        "sign_in": settings.sign_in,
        "user": person,
        "role": who.caller.role,
        "key": who.key,
        "workspace": who.workspace,
        "workspaces": workspaces.mine(),
        "rate_limit_per_minute": settings.api_rate_limit_per_minute,
    }
