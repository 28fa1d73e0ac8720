"""API keys: one's own, and for admins all."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Depends

from api.schemas.access import KeyChangeIn, KeyIn, KeyOut, MadeKeyOut
from api.schemas.shared import Cursor, Limit, ListOut, Storable, fields_of, newest_first
from api.strict import known_parameters
from core.access import keys
from core.access.keys import KeySpec, KeyState
from core.errors import InvalidInput
from core.runtime import shared_clock

router = APIRouter(prefix="/api-keys", tags=["access"], dependencies=[Depends(known_parameters)])


@router.get("", response_model=ListOut[KeyOut])
def find(user: Storable | None = None, state: KeyState | None = None, limit: Limit = 100, cursor: Cursor = None) -> Any:
    return newest_first(keys.listed(shared_clock.now(), user=user, state=state), "keys", limit, cursor)


@router.post("", response_model=MadeKeyOut, status_code=201)
def make(body: KeyIn) -> Any:
    at = shared_clock.now()
    if body.expires_at is not None and body.expires_in_days is not None:
        raise InvalidInput("Give expires_at or expires_in_days, not both.")
    expires = body.expires_at if body.expires_in_days is None else at + timedelta(days=body.expires_in_days)
    never = expires is None and "expires_at" in body.model_fields_set
    spec = KeySpec(body.name, body.role, body.workspace, expires, never, body.user)
    key, secret = keys.make(spec, at)
    return {**fields_of(key, KeyOut), "secret": secret}


@router.get("/{key_id}", response_model=KeyOut)
def get(key_id: Storable) -> Any:
    return keys.get(key_id, shared_clock.now())


@router.put("/{key_id}", response_model=KeyOut)
def change(key_id: Storable, body: KeyChangeIn) -> Any:
    return keys.rename(key_id, body.name, shared_clock.now())


@router.post("/{key_id}/revoke", response_model=KeyOut)
def revoke(key_id: Storable) -> Any:
    """It ends at once, for good."""
    return keys.revoke(key_id, shared_clock.now())
