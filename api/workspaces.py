"""Workspaces and their members."""

from typing import Any

from fastapi import APIRouter, Depends

from api.schemas.access import MemberIn, MemberOut, WorkspaceChangeIn, WorkspaceIn, WorkspaceOut
from api.schemas.shared import Cursor, Limit, ListOut, Storable, fields_of, newest_first
from api.strict import known_parameters
from core.access import workspaces
from core.access.workspaces import MemberView, WorkspaceView
from core.money import costs
from core.runtime import workspace

router = APIRouter(prefix="/workspaces", tags=["access"], dependencies=[Depends(known_parameters)])


def out(view: WorkspaceView) -> dict[str, Any]:
    with workspace.bound(view.id), costs.reading() as now:
        spent = now.total().spent
    return {**fields_of(view, WorkspaceOut), "cost_usd": spent}


def member_out(view: MemberView) -> dict[str, Any]:
    return {"user": view.person, "added_at": view.added_at, "added_by": view.added_by}


@router.get("", response_model=ListOut[WorkspaceOut])
def find(limit: Limit = 100, cursor: Cursor = None) -> Any:
    """Those that one is a member of; for admins all."""
    return newest_first(workspaces.listed(), "workspaces", limit, cursor, out)


@router.post("", response_model=WorkspaceOut, status_code=201)
def make(body: WorkspaceIn) -> Any:
    return out(workspaces.make(body.name, body.description))


@router.get("/{workspace_id}", response_model=WorkspaceOut)
def get(workspace_id: Storable) -> Any:
    return out(workspaces.get(workspace_id))


@router.put("/{workspace_id}", response_model=WorkspaceOut)
def change(workspace_id: Storable, body: WorkspaceChangeIn) -> Any:
    return out(workspaces.change(workspace_id, name=body.name, description=body.description))


@router.delete("/{workspace_id}", status_code=204)
def delete(workspace_id: Storable) -> None:
    """Only an empty one, and never `default`."""
    workspaces.delete(workspace_id)


@router.get("/{workspace_id}/members", response_model=ListOut[MemberOut])
def members(workspace_id: Storable, limit: Limit = 100, cursor: Cursor = None) -> Any:
    return newest_first(workspaces.members(workspace_id), "members", limit, cursor, member_out)


@router.put("/{workspace_id}/members/{user_id}", response_model=MemberOut)
def add_member(workspace_id: Storable, user_id: Storable, body: MemberIn | None = None) -> Any:
    return member_out(workspaces.add_member(workspace_id, user_id))


@router.delete("/{workspace_id}/members/{user_id}", status_code=204)
def remove_member(workspace_id: Storable, user_id: Storable) -> None:
    """It holds at their next click or call."""
    workspaces.remove_member(workspace_id, user_id)
