"""Use cases of jobs: estimate, create, start, cancel, send again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlmodel import Session

from core import calls, db, expand, pricing, queue, templates
from core.errors import InvalidInput, NotFound
from core.ids import new_id
from core.models import Job
from core.prompts import Asking
from core.providers.models import default_model
from core.settings import get_settings

Lane = Literal["live"]


@dataclass(frozen=True)
class JobSpec:
    """What a job is made of. One of `documents` and `collection` (its name) is given."""

    template: str
    provider: str
    documents: tuple[str, ...] | None = None
    collection: str | None = None
    model: str | None = None
    lane: Lane = "live"
    params: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    description: str = ""
    reuse: bool = True


@dataclass(frozen=True)
class Estimate:
    """Before launch. Costs are of the calls that are left after reuse; None where the model has no known price."""

    requests: int
    reused: int
    waiting: int
    too_long: int
    input_tokens: int
    output_tokens: int
    cost_live: Decimal | None
    cost_batch: Decimal | None


def estimate(spec: JobSpec, at: datetime) -> Estimate:
    with db.transaction() as session:
        asking, model = _check(session, spec)
        provider = calls.provider(spec.provider)
        figures = expand.forecast(session, _chosen(session, spec), asking, provider, model, reuse=spec.reuse)
    output = asking.expected_output_tokens * figures.calls

    def cost(lane: str) -> Decimal | None:
        return pricing.estimate(spec.provider, model, figures.input_tokens, output, lane, at).cost

    return Estimate(
        requests=figures.requests,
        reused=figures.reused,
        waiting=figures.waiting,
        too_long=figures.too_long,
        input_tokens=figures.input_tokens,
        output_tokens=output,
        cost_live=cost("live"),
        cost_batch=cost("batch"),
    )


def check(spec: JobSpec) -> None:
    """Raises what `create` would, before anything is stored for it."""
    with db.transaction() as session:
        _check(session, spec)


def create(spec: JobSpec, at: datetime, *, start: bool = True) -> str:
    """Make a job over the documents that there are now; started, its requests are expanded by the worker."""
    figures = estimate(spec, at)
    with db.transaction() as session:
        asking, model = _check(session, spec)
        chosen = _chosen(session, spec)
        if not chosen:
            raise InvalidInput("There are no documents to ask. Choose documents, or a collection that holds some.")
        job = Job(
            id=new_id("job"),
            name=spec.name.strip() or f"{templates.name_of(session, spec.template)}: {_about(spec, len(chosen))}",
            description=spec.description,
            template_id=spec.template,
            template_version=asking.version,
            params=dict(asking.params),
            provider=spec.provider,
            model=model,
            lane=spec.lane,
            reuse=spec.reuse,
            estimate_usd=figures.cost_live,
        )
        session.add(job)
        session.flush()
        db.execute(
            session,
            "INSERT INTO job_document (job_id, document_id) SELECT :job, unnest(CAST(:ids AS text[]))",
            job=job.id,
            ids=chosen,
        )
        expand.note(session, job.id, "created", f"Created over {len(chosen):,} documents.")
        if start:
            _start(session, job.id)
        return job.id


def start(job_id: str) -> None:
    with db.transaction() as session:
        _locked(session, job_id)
        _start(session, job_id)


def cancel(job_id: str) -> None:
    """Nothing more is sent; what is being answered right now is still heard, kept and billed."""
    with db.transaction() as session:
        job = _locked(session, job_id)
        if job.state not in ("draft", "queued", "running"):
            return
        db.execute(
            session,
            """UPDATE request SET state = 'cancelled', finished_at = now()
               WHERE job_id = :job AND state = 'pending'""",
            job=job_id,
        )
        db.execute(session, "DELETE FROM job_document WHERE job_id = :job AND NOT expanded", job=job_id)
        job.state = "cancelling"
        session.flush()
        expand.note(session, job_id, "cancelling", "Cancelled: nothing more is sent.")
        expand.finish_if_done(session, job_id)


def retry(job_id: str) -> int:
    """Send again what failed or was cancelled, and only that. Returns how many requests go out."""
    with db.transaction() as session:
        job = _locked(session, job_id)
        if job.state not in ("running", "completed", "cancelled", "failed"):
            return 0
        again = db.execute(
            session,
            """UPDATE request SET state = 'pending', error_code = NULL, error_message = NULL, asked_again = false,
                 finished_at = NULL
               WHERE job_id = :job AND state IN ('failed', 'cancelled')
                 AND error_code IS DISTINCT FROM 'document_too_long'
                 AND EXISTS (SELECT 1 FROM request_body b WHERE b.request_id = request.id)""",
            job=job_id,
        )
        if again:
            job.state, job.finished_at, job.error = "running", None, None
            session.flush()
            expand.note(session, job_id, "retry", f"{again:,} requests are sent again.")
            queue.defer(session, "pump_job", job_id=job_id)
        return again


def rename(job_id: str, name: str, description: str) -> None:
    if not name.strip():
        raise InvalidInput("Give the job a name.")
    with db.transaction() as session:
        job = _locked(session, job_id)
        job.name, job.description = name.strip(), description


def model_for(provider: str, model: str | None) -> str:
    settings = get_settings()
    chosen = {"openai": settings.default_model_openai, "anthropic": settings.default_model_anthropic}.get(provider)
    return (model or "").strip() or chosen or default_model(provider)


def _check(session: Session, spec: JobSpec) -> tuple[Asking, str]:
    if (spec.documents is None) == (spec.collection is None):
        raise InvalidInput("Give either documents or a collection.")
    if spec.lane != "live":
        raise InvalidInput("Only the lane `live` is there yet.")
    calls.provider(spec.provider)
    return templates.asking(session, spec.template, spec.params), model_for(spec.provider, spec.model)


def _chosen(session: Session, spec: JobSpec) -> list[str]:
    if spec.collection is not None:
        if db.scalar(session, "SELECT 1 FROM collection WHERE name = :name", name=spec.collection) is None:
            raise NotFound(f"There is no collection {spec.collection!r}.")
        found = db.rows(
            session,
            """SELECT d.id FROM document d JOIN collection c ON c.id = d.collection_id
               WHERE c.name = :name ORDER BY d.id""",
            name=spec.collection,
        )
        return [row.id for row in found]
    wanted = list(dict.fromkeys(spec.documents or ()))
    found = db.rows(session, "SELECT id FROM document WHERE id = ANY(:ids) ORDER BY id", ids=wanted)
    known = [row.id for row in found]
    if missing := sorted(set(wanted) - set(known)):
        raise NotFound(
            f"There is no document {missing[0]}" + (f" (and {len(missing) - 1} more)." if missing[1:] else ".")
        )
    return known


def _about(spec: JobSpec, count: int) -> str:
    if spec.collection is not None:
        return spec.collection
    return "1 document" if count == 1 else f"{count:,} documents"


def _start(session: Session, job_id: str) -> None:
    started = db.execute(
        session,
        "UPDATE job SET state = 'queued' WHERE id = :job AND state = 'draft'",
        job=job_id,
    )
    if started:
        queue.defer(session, "expand_job", job_id=job_id)


def _locked(session: Session, job_id: str) -> Job:
    job = session.get(Job, job_id, with_for_update=True)
    if job is None:
        raise NotFound(f"There is no job {job_id}. It may have been deleted.")
    return job
