"""People: for admins; and everybody may read themselves."""

from typing import Any

from fastapi import APIRouter, Depends

from api.schemas.access import UserChangeIn, UserIn, UserOut
from api.schemas.shared import Cursor, Limit, ListOut, Storable, newest_first
from api.strict import known_parameters
from core.access import actor, people
from core.access.actor import Role
from core.access.people import State
from core.errors import NotFound
from core.runtime import shared_clock

router = APIRouter(prefix="/users", tags=["access"], dependencies=[Depends(known_parameters)])


@router.get("", response_model=ListOut[UserOut])
def find(
    state: State | None = None,
    role: Role | None = None,
    q: Storable = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Any:
    """`q`: a part of the name or the e-mail."""
    return newest_first(people.everybody(state=state, role=role, q=q), "users", limit, cursor)


@router.post("", response_model=UserOut, status_code=201)
def invite(body: UserIn) -> Any:
    """Taken over at the first sign-in with this e-mail."""
    return people.invite(body.email, name=body.name, role=body.role, workspaces=body.workspaces)


@router.get("/me", response_model=UserOut)
def me() -> Any:
    user = actor.caller().user
    if user is None:
        raise NotFound("No person asks: a key of the environment does, or anybody on this machine.")
    return people.get(user)


@router.get("/{user_id}", response_model=UserOut)
def get(user_id: Storable) -> Any:
    return people.get(user_id)


@router.put("/{user_id}", response_model=UserOut)
def change(user_id: Storable, body: UserChangeIn) -> Any:
    return people.change(user_id, name=body.name, role=body.role)


@router.post("/{user_id}/deactivate", response_model=UserOut)
def deactivate(user_id: Storable) -> Any:
    """Sign-ins and keys end with it."""
    return people.deactivate(user_id, shared_clock.now())


@router.post("/{user_id}/activate", response_model=UserOut)
def activate(user_id: Storable) -> Any:
    return people.activate(user_id)


@router.post("/{user_id}/forget", response_model=UserOut)
def forget(user_id: Storable) -> Any:
    """Name, e-mail and identity are gone, and nobody comes in by them."""
    return people.forget(user_id, shared_clock.now())
