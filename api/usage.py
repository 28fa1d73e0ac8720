"""Usage records and their sums."""

from functools import partial
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator

from api.downloads import FILE, download
from api.schemas.shared import Cursor, Lane, Limit, ListOut, fields_of, listed, storable
from api.schemas.usage import UsageRecordOut, UsageSumOut, UsageSumsOut
from api.strict import known_parameters
from core.access import actor, workspaces
from core.access.roles import may, require
from core.errors import InvalidInput
from core.exports.columns import FormatName
from core.money import by_workspace, costs, export, focus
from core.money.costs import Row, UsageRow
from core.money.export import Of
from core.money.stretches import Days, Stretch, moment
from core.money.sums import UTC_ZONE, By, Filters
from core.runtime import paging, shared_clock, workspace

router = APIRouter(prefix="/usage", tags=["usage"], dependencies=[Depends(known_parameters)])
Tier = Literal["standard", "batch", "flex", "priority", "fast"]
Status = Literal["ok", "unusable", "unattributed", "unheard"]
ExportName = FormatName | Literal["focus"]
Values = Annotated[list[str], Query(default_factory=list), AfterValidator(storable)]
Moment = Annotated[str | None, Query(description="A day, or a time with its offset"), AfterValidator(storable)]


def filters(
    provider: Values,
    model: Values,
    lane: Annotated[list[Lane], Query(default_factory=list)],
    tier: Annotated[list[Tier], Query(default_factory=list)],
    workspace: Values,
    user: Values,
    template: Values,
    collection: Values,
    job: Values,
    status: Annotated[list[Status], Query(default_factory=list)],
) -> Filters:
    """Each may be given several times; empty: of those that have none. Analysts are given what they used themselves."""
    if not may("usage.read_all"):
        own = actor.caller().user or ""
        if set(user) - {own}:
            require("usage.read_all")
        user = [own]
    return Filters(
        provider=tuple(provider),
        model=tuple(model),
        lane=tuple(lane),
        tier=tuple(tier),
        workspace=tuple(workspace),
        user=tuple(user),
        template=tuple(template),
        collection=tuple(collection),
        job=tuple(job),
        status=tuple(status),
    )


def when(start: Moment = None, stop: Moment = None, zone: Days = "utc") -> Of:
    """`stop` is exclusive; `zone`: what a day is."""

    def of(reporting: ZoneInfo) -> Stretch:
        days = reporting if zone == "reporting" else UTC_ZONE
        begin, end = (moment(given, days) if given else None for given in (start, stop))
        if begin and end and end < begin:
            raise InvalidInput("stop lies before start. Give the earlier one as start.")
        return Stretch(begin, end, zone)

    return of


Chosen = Annotated[Filters, Depends(filters)]
When = Annotated[Of, Depends(when)]


def keys(by: Annotated[list[By], Query(min_length=1, max_length=2, default_factory=lambda: ["day"])]) -> list[By]:
    if len(set(by)) < len(by):
        raise InvalidInput("by names the same twice. Give two different ones, or one.")
    return by


Keys = Annotated[list[By], Depends(keys)]


def item(row: Row) -> dict[str, Any]:
    money = {"cost_usd": row.sums.spent, "list_usd": row.sums.at_list_prices}
    return {"key": row.keys[0] if row.keys else None, "keys": row.keys, **fields_of(row.sums, UsageSumOut), **money}


def record(row: UsageRow) -> dict[str, Any]:
    return {**fields_of(row, UsageRecordOut), "workspace": workspace.current()}


def _where(by: list[By]) -> list[str]:
    return workspaces.visible() if "workspace" in by else [workspace.current()]


@router.get("", response_model=UsageSumsOut)
def sums(by: Keys, of: When, chosen: Chosen, limit: Limit = paging.MOST, cursor: Cursor = None) -> Any:
    """By workspace: of all that one may see, else of the one that the call acts in."""
    skip = paging.number(cursor, "sums") or 0
    found = by_workspace.table(_where(by), by, of, chosen, limit=limit, skip=skip)
    table, days = found.table, of(found.zone).days
    return {
        "items": [item(row) for row in table.rows],
        "total": item(Row((), table.total)),
        "as_of": found.as_of,
        "zone": found.zone.key if days == "reporting" else UTC_ZONE.key,
        "next_cursor": f"sums~{skip + limit}" if table.more else None,
    }


@router.get("/export", response_class=StreamingResponse, responses=FILE)
def export_sums(format: ExportName, by: Keys, of: When, chosen: Chosen) -> StreamingResponse:
    """The sums as a file: a row for each key. `focus`: FOCUS 1.2 as CSV, a row for each UTC day, job, model and kind of
    token."""
    with costs.reading() as now:
        of(now.zone)  # what is no time is refused before a file begins
    if format == "focus":
        return download("Costs FOCUS", "csv", shared_clock.now(), partial(focus.export_focus, of=of, filters=chosen))
    make = partial(export.export, format_=format, by=by, of=of, filters=chosen, workspaces=_where(by))
    return download(export.TITLE, format, shared_clock.now(), make)


@router.get("/records", response_model=ListOut[UsageRecordOut])
def records(of: When, chosen: Chosen, limit: Limit = 100, cursor: Cursor = None) -> Any:
    with costs.reading() as now:
        stretch = of(now.zone)
    return listed(costs.records(stretch, chosen, limit=limit, cursor=cursor), record)
