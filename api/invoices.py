"""The invoice check: what providers say that they charged, fetched or uploaded, against our sums."""

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, UploadFile
from fastapi.responses import StreamingResponse

from api.downloads import FILE, download
from api.schemas.invoices import Billing, DriftItemOut, DriftOut, FetchIn, FetchOut, OursOut, TheirsOut, UploadedOut
from api.schemas.shared import fields_of
from api.strict import known_parameters
from core.exports.columns import FormatName
from core.invoices import drift, export, fetching, report, uploading
from core.invoices.drift import Item, Ours, Theirs
from core.runtime import shared_clock

router = APIRouter(prefix="/invoices", tags=["usage"], dependencies=[Depends(known_parameters)])


def _ours(side: Ours | None) -> dict[str, Any] | None:
    return None if side is None else fields_of(side, OursOut)


def _theirs(side: Theirs | None) -> dict[str, Any] | None:
    return None if side is None else fields_of(side, TheirsOut)


def _item(one: Item) -> dict[str, Any]:
    return {**fields_of(one, DriftItemOut), "ours": _ours(one.ours), "theirs": _theirs(one.theirs)}


@router.post("/fetch", response_model=FetchOut, status_code=202)
def fetch(body: FetchIn) -> Any:
    """Read the provider's reports, by its admin key. An order of the same days that is under way is returned."""
    return fields_of(fetching.order(body.provider, body.start, body.stop), FetchOut)


@router.get("/fetch/{fetch_id}", response_model=FetchOut)
def fetched(fetch_id: str) -> Any:
    return fields_of(report.fetch(fetch_id), FetchOut)


@router.post("/upload", response_model=UploadedOut, status_code=201)
def upload(file: Annotated[UploadFile, File(description="A CSV file of a provider's billing page")]) -> Any:
    """It takes the place of what was kept of its days."""
    return fields_of(uploading.upload(file.file.read(uploading.MOST_BYTES + 1)), UploadedOut)


@router.get("/drift", response_model=DriftOut)
def compare(provider: Billing, start: date, stop: date) -> Any:
    """Of the days from `start` to before `stop`, UTC: those that there is a report of. Newest first."""
    fetching.checked(start, stop)
    found = drift.read(provider, start, stop)
    return {
        **fields_of(found, DriftOut),
        "items": [_item(one) for one in found.items],
        "next_cursor": None,
        "total": {
            "ours": _ours(found.ours),
            "theirs": _theirs(found.theirs),
            "drift_usd": found.drift_usd,
            "verdicts": found.verdicts,
            "adds_up": found.adds_up,
        },
    }


@router.get("/export", response_class=StreamingResponse, responses=FILE)
def export_drift(format: FormatName, provider: Billing, start: date, stop: date) -> StreamingResponse:
    """The comparison as a file: a row for each of its items."""
    fetching.checked(start, stop)
    make = partial(export.export, format_=format, provider=provider, start=start, stop=stop)
    return download(export.TITLE, format, shared_clock.now(), make)
