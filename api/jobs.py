"""Jobs in both lanes: estimate, create, control, send again, delete; their requests, answers and events."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from api.downloads import FILE, download
from api.own_requests import DOCUMENTED, HandedIn, handed_in
from api.schemas.jobs import (
    ApproveIn,
    EstimateOut,
    EventOut,
    JobChangeIn,
    JobIn,
    JobOut,
    MoveEstimateOut,
    MoveIn,
    ProviderBatchOut,
    ReadOut,
    RequestOut,
    RequestState,
    ResponseOut,
    RetryIn,
    StartIn,
)
from api.schemas.shared import Cursor, Lane, Limit, ListOut, error_of, fields_of, listed, spent
from api.waits import waits_for_out
from core.budgets import fitting
from core.exports.columns import FormatName
from core.jobs import (
    answers_table,
    approval,
    batches_report,
    control,
    deletion,
    export,
    launch,
    looked_at,
    moving,
    own_requests,
    past_error,
    report,
    requests_report,
    resend,
    stats,
)
from core.jobs import output as output_report
from core.jobs.batches_report import ProviderBatchRow
from core.jobs.launch import Fallback, JobSpec, Leftovers
from core.jobs.report import JobRow
from core.jobs.requests_report import EventRow, RequestRow, ResponseRow
from core.providers.sampling import AS_ASKED, Sampling
from core.runtime import shared_clock, workspace
from core.settings import defaults
from core.tables.jobs import JobState, WaitsFor

router = APIRouter(prefix="/jobs", tags=["jobs"])


def out(row: JobRow) -> dict[str, Any]:
    names = ("total", "pending", "in_flight", "succeeded", "failed", "cancelled", "reused")
    counts = {name: getattr(row, name) for name in names}
    return {
        **fields_of(row, JobOut),
        "workspace": workspace.current(),
        "counts": counts,
        "cost_usd": spent(row.cost_usd, row.unpriced),
        "waits_for": waits_for_out(row.waits_for),
        "collection": row.collections[0] if len(row.collections) == 1 else None,
        "budget": _missing(row.waits_for),
    }


def _missing(wait: WaitsFor | None) -> dict[str, Any] | None:
    if wait is None or wait.budget is None:
        return None
    return {"id": wait.budget, "missing_usd": wait.missing_usd}


def request_out(row: RequestRow) -> dict[str, Any]:
    return {**fields_of(row, RequestOut), "error": error_of(row.error_code, row.error_message)}


def response_out(row: ResponseRow) -> dict[str, Any]:
    names = ("input_tokens", "cached_input_tokens", "output_tokens")
    return {**fields_of(row, ResponseOut), "usage": {name: getattr(row, name) for name in names}}


def event_out(row: EventRow) -> dict[str, Any]:
    return fields_of(row, EventOut)


def provider_batch_out(row: ProviderBatchRow) -> dict[str, Any]:
    return fields_of(row, ProviderBatchOut)


def spec(body: JobIn) -> JobSpec:
    values = body.model_dump(exclude={"start", "documents", "leftovers", "fallback", "sampling"})
    return JobSpec(
        documents=None if body.documents is None else tuple(body.documents),
        leftovers=Leftovers(**body.leftovers.model_dump()) if body.leftovers else None,
        fallback=Fallback(**body.fallback.model_dump()) if body.fallback else None,
        sampling=Sampling(**body.sampling.model_dump()) if body.sampling else AS_ASKED,
        **values,
    )


@router.post("/estimate", response_model=EstimateOut)
def estimate(body: JobIn) -> Any:
    found = launch.estimate(spec(body), shared_clock.now())
    past = past_error.read(body.template, body.provider, defaults.model_for(body.provider, body.model))
    budgets = fitting.counting(body.provider, body.template, body.collection, body.documents, shared_clock.now())
    took = batches_report.turnaround(body.provider, defaults.model_for(body.provider, body.model))
    return {
        **fields_of(found, EstimateOut),
        "cost_usd": {"live": found.cost_live, "batch": found.cost_batch},
        "turnaround_s": took and {"p50": took.p50, "p95": took.p95},
        "budgets": [asdict(fit) for fit in fitting.fits(budgets, found.cost(body.lane))],
        "past_error": past and {"p50": past.p50, "p90": past.p90},
        "read": fields_of(found.read, ReadOut),
    }


@router.get("/stats/overview")
def overview() -> dict[str, Any]:
    return stats.overview()


@router.post("/", status_code=201, response_model=JobOut)
def create(body: JobIn) -> Any:
    return out(report.get(launch.create(spec(body), shared_clock.now(), start=body.start)))


@router.get("/", response_model=ListOut[JobOut])
def find(state: JobState | None = None, lane: Lane | None = None, limit: Limit = 100, cursor: Cursor = None) -> Any:
    return listed(report.find(state=state, lane=lane, limit=limit, cursor=cursor), out)


@router.get("/export", response_class=StreamingResponse, responses=FILE)
def export_all(
    format: FormatName,
    state: Annotated[list[JobState] | None, Query(description="Repeated: in any of these")] = None,
    lane: Lane | None = None,
    q: Annotated[str | None, Query(description="Part of a name, template, model or id")] = None,
) -> StreamingResponse:
    """The jobs that the list has, as a file: a row for each, with its counts, tokens and cost."""
    make = partial(export.export, format_=format, states=state or [], lane=lane, text=q)
    return download(export.TITLE, format, shared_clock.now(), make)


@router.get("/{job_id}", response_model=JobOut)
def get(job_id: str) -> Any:
    return out(report.get(job_id))


@router.put("/{job_id}", response_model=JobOut)
def change(job_id: str, body: JobChangeIn) -> Any:
    control.rename(job_id, body.name, body.description)
    return out(report.get(job_id))


@router.post("/{job_id}/start", response_model=JobOut)
def start(job_id: str, body: StartIn | None = None) -> Any:
    launch.start(job_id, confirmed=body is not None and body.confirmed)
    return out(report.get(job_id))


@router.post("/{job_id}/cancel", response_model=JobOut)
def cancel(job_id: str) -> Any:
    control.cancel(job_id)
    return out(report.get(job_id))


@router.post("/{job_id}/pause", response_model=JobOut)
def pause(job_id: str) -> Any:
    control.pause(job_id)
    return out(report.get(job_id))


@router.post("/{job_id}/resume", response_model=JobOut)
def resume(job_id: str) -> Any:
    control.resume(job_id)
    return out(report.get(job_id))


@router.post("/{job_id}/approve", response_model=JobOut)
def approve(job_id: str, body: ApproveIn) -> Any:
    """Let the job cost so much in all, past its budgets. One that waits for a budget goes on."""
    approval.approve(job_id, body.up_to_usd)
    return out(report.get(job_id))


@router.post("/{job_id}/retry", response_model=JobOut)
def retry(job_id: str, body: RetryIn | None = None) -> Any:
    """What has failed or was cancelled is sent again, but for what would fail again: what is too long for the model,
    what its provider's content filter stopped, and documents that were deleted."""
    asked = body or RetryIn()
    resend.retry(job_id, asked.lane, filtered=asked.filtered)
    return out(report.get(job_id))


@router.post("/{job_id}/move", response_model=JobOut)
def move(job_id: str, body: MoveIn) -> Any:
    """Move the waiting requests to this lane or to this model. A model that fails live may still take batches."""
    if body.provider is not None:
        moving.to_model(job_id, body.provider, body.model)
    elif body.lane is not None:
        moving.to_lane(job_id, body.lane)
    return out(report.get(job_id))


@router.post("/{job_id}/move/estimate", response_model=MoveEstimateOut)
def move_estimate(job_id: str, body: MoveIn) -> Any:
    """The cost of `move` in either lane. Nothing is moved."""
    found = moving.estimate(job_id, shared_clock.now(), body.provider, body.model)
    return {**fields_of(found, MoveEstimateOut), "cost_usd": {"live": found.cost_live, "batch": found.cost_batch}}


@router.delete("/{job_id}", status_code=204)
def delete(job_id: str) -> None:
    """Delete an ended job or a draft with its requests. Its usage records and insights stay."""
    deletion.delete(job_id)


@router.get("/{job_id}/provider_batches", response_model=ListOut[ProviderBatchOut])
def provider_batches(job_id: str, limit: Limit = 100, cursor: Cursor = None) -> Any:
    return listed(batches_report.provider_batches(job_id, limit=limit, cursor=cursor), provider_batch_out)


@router.get("/{job_id}/requests", response_model=ListOut[RequestOut])
def requests(job_id: str, state: RequestState | None = None, limit: Limit = 100, cursor: Cursor = None) -> Any:
    return listed(requests_report.requests(job_id, state=state, limit=limit, cursor=cursor), request_out)


@router.post("/{job_id}/requests", status_code=201, response_model=JobOut, openapi_extra=DOCUMENTED)
def add_requests(job_id: str, given: Annotated[HandedIn, Depends(handed_in)]) -> Any:
    """Add custom requests to a draft without a template. All or nothing: `detail` lists the bad lines."""
    add = own_requests.add if given.is_file else own_requests.add_requests
    add(job_id, given.lines, shared_clock.now())
    return out(report.get(job_id))


@router.get("/{job_id}/output", response_class=StreamingResponse, responses=FILE)
def output(job_id: str, format: Literal["jsonl"] | FormatName = "jsonl") -> StreamingResponse:
    """`jsonl`: one JSON line for each ended request, in the format of OpenAI's batch output. Else a table: a row for
    each document, a column for each field of the template, its quotes with their verdicts, and the cost."""
    looked_at.note(job_id)
    if format != "jsonl":
        job = answers_table.checked(job_id)
        return download(job.name, format, shared_clock.now(), partial(answers_table.export, format_=format, job=job))
    headers = {"Content-Disposition": f"attachment; filename={job_id}.jsonl"}
    return StreamingResponse(output_report.lines(job_id), media_type="application/jsonl", headers=headers)


@router.get("/{job_id}/responses", response_model=ListOut[ResponseOut])
def responses(job_id: str, limit: Limit = 100, cursor: Cursor = None) -> Any:
    looked_at.note(job_id)
    return listed(requests_report.responses(job_id, limit=limit, cursor=cursor), response_out)


@router.get("/{job_id}/events", response_model=ListOut[EventOut])
def events(job_id: str, limit: Limit = 100, cursor: Cursor = None) -> Any:
    return listed(requests_report.events(job_id, limit=limit, cursor=cursor), event_out)
