"""The audit: for managers of their workspaces, for admins all of it. No route changes it."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from api.downloads import Download
from api.schemas.access import EntryOut, VerifiedOut
from api.schemas.shared import Cursor, DayOrMoment, Limit, ListOut, Storable, listed
from api.strict import known_parameters
from core.access import audit_export, audit_report, chain
from core.access.actor import Door
from core.access.audit_report import Filters
from core.errors import NotFound
from core.runtime import shared_clock

router = APIRouter(prefix="/audit", tags=["access"], dependencies=[Depends(known_parameters)])
MEDIA_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}
FILE: dict[int | str, dict[str, Any]] = {200: {"content": {one.partition(";")[0]: {} for one in MEDIA_TYPES.values()}}}


def filters(
    user: Storable | None = None,
    key: Storable | None = None,
    action: Storable | None = None,
    object: Annotated[Storable | None, Query(description="A kind, an id, or kind:id")] = None,
    workspace: Storable | None = None,
    door: Door | None = None,
    begin: Annotated[
        DayOrMoment | None, Query(alias="from", description="A day of UTC, or a time with its offset")
    ] = None,
    end: Annotated[DayOrMoment | None, Query(alias="to", description="exclusive")] = None,
) -> Filters:
    return Filters(user, key, action, object, workspace, door, begin, end)


Chosen = Annotated[Filters, Depends(filters)]


@router.get("", response_model=ListOut[EntryOut])
def find(chosen: Chosen, limit: Limit = 100, cursor: Cursor = None) -> Any:
    return listed(audit_report.find(chosen, limit=limit, cursor=cursor), audit_export.as_json)


@router.get("/export", response_class=StreamingResponse, responses=FILE)
def export(format: audit_export.FormatName, chosen: Chosen) -> StreamingResponse:
    """The oldest first. `jsonl`: a line is an entry as GET /audit/{id} has it."""
    make = partial(audit_export.export, format_=format, filters=chosen)
    return Download(make, f"audit-{shared_clock.now():%Y-%m-%d}.{format}", MEDIA_TYPES[format])


@router.get("/verify", response_model=VerifiedOut)
def verify() -> Any:
    """Walks the whole chain."""
    found = chain.verify()
    broken = None if found.first_broken is None else str(found.first_broken)
    return {"valid": found.valid, "entries": found.entries, "first_broken": broken, "head": found.head}


@router.get("/{entry_id}", response_model=EntryOut)
def get(entry_id: Storable) -> Any:
    row = audit_report.get(entry_id)
    if row is None:
        raise NotFound("There is no such entry.")
    return audit_export.as_json(row)
