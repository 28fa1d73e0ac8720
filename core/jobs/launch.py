"""Estimate, create and start a job."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from textwrap import shorten
from typing import Any, Literal

import structlog
from sqlmodel import Session

from core.access import actor
from core.access.roles import require
from core.asking import answer_lengths, templates
from core.asking.prompts import Asking
from core.budgets import admission, expected
from core.calls import clients
from core.documents import report as documents_report
from core.documents.report import SumUp
from core.errors import InvalidInput, NotFound
from core.jobs import confirming, control, sampled
from core.money import pricing
from core.providers.sampling import AS_ASKED, Sampling, as_json
from core.providers.sampling import check as check_sampling
from core.requests import canary, events, expansion, reuse, unused_temperature
from core.runtime import correlation, db, queue
from core.runtime.ids import new_id
from core.settings import defaults, provider_rows
from core.tables.documents import UNPACKED
from core.tables.jobs import Job

log = structlog.get_logger()
Lane = Literal["live", "batch"]
MOST_RETRIES = 10
MOST_CANARY = 1_000_000
MOST_OF_A_QUESTION = 60
# No deadline is meant outside of these; at the ends of the calendar, zones and databases overflow.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LONGEST_WAIT_S = 7 * 86_400


@dataclass(frozen=True)
class Leftovers:
    """The rule for requests that a batch left unanswered: sent again by themselves up to `retries` times, then, with
    `then_live`, once more in the live lane."""

    retries: int = 2
    then_live: bool = False


@dataclass(frozen=True)
class Fallback:
    """The rule for a live job that an open circuit breaker has kept waiting for `after_s` seconds: it moves by itself,
    once, to the batch lane or to another model. Give either `lane` or `provider`; `model` None is the provider's
    default."""

    lane: Literal["batch"] | None = None
    provider: str | None = None
    model: str | None = None
    after_s: int = 300


@dataclass(frozen=True)
class JobSpec:
    """What a job is made of. Give either `documents` (ids) or `collection` (a name). A job without a template has
    neither: its requests are added later.

    `canary`: this many requests go live first, and the rest waits for a decision. `leftovers` None: only passing errors
    are sent again, twice. `fallback` None: the job waits while its model does not answer. `confirmed`: a person has
    seen the price (`limits.confirm_usd`).
    """

    template: str | None
    provider: str
    documents: tuple[str, ...] | None = None
    collection: str | None = None
    model: str | None = None
    lane: Lane = "live"
    params: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    description: str = ""
    reuse: bool = True
    canary: int = 0
    deadline: datetime | None = None
    leftovers: Leftovers | None = None
    fallback: Fallback | None = None
    sampling: Sampling = AS_ASKED
    confirmed: bool = False


@dataclass(frozen=True)
class Estimate:
    """What a job would ask. `reused` requests are answered already; `waiting` documents are still being read; `split`
    ones are asked in parts; `too_long` ones would fail.

    Costs in USD, of the calls that are not reused; None if the model has no known price. `warnings`: what the model is
    known to refuse. `read`: whether all of the documents is in their texts.
    """

    requests: int
    reused: int
    waiting: int
    split: int
    too_long: int
    input_tokens: int
    output_tokens: int
    cost_live: Decimal | None
    cost_batch: Decimal | None
    warnings: tuple[str, ...]
    read: SumUp

    def cost(self, lane: Lane) -> Decimal | None:
        return self.cost_live if lane == "live" else self.cost_batch


@reuse.or_without
def estimate(spec: JobSpec, at: datetime) -> Estimate:
    """With the prices of `at`. Raises InvalidInput or NotFound, as `create` would."""
    with db.reading() as session:
        asking, model = _check(session, spec)
        if asking is None:
            raise InvalidInput("An estimate needs a template. A job of custom requests is priced by what they use.")
        provider = clients.provider(spec.provider)
        chosen = _chosen(session, spec) if spec.collection is None else spec.collection
        with db.side_by_side(session) as group:
            if spec.collection is not None:
                group.read(_known_collection, session, spec.collection)
            forecast = group.read(expansion.forecast, session, chosen, asking, provider, model, reuse=spec.reuse)
            usual = group.read(answer_lengths.usual, session, asking, spec.provider, model)
            read = group.read(documents_report.sum_up, spec.documents or spec.collection or ())
    figures = forecast.found
    output = usual.found * figures.calls

    def cost(lane: str) -> Decimal | None:
        return pricing.of_calls(spec.provider, model, figures.calls, figures.input_tokens, output, lane, at)

    return Estimate(
        requests=figures.requests,
        reused=figures.reused,
        waiting=figures.waiting,
        split=figures.split,
        too_long=figures.too_long,
        input_tokens=figures.input_tokens,
        output_tokens=output,
        cost_live=cost("live"),
        cost_batch=cost("batch"),
        warnings=(unused,) if (unused := sampled.takes_no_temperature(asking, provider, model)) else (),
        read=read.found,
    )


@dataclass(frozen=True)
class First:
    """The documents whose requests go first as the canary, one each, and what these cost live in USD (None: no known
    price). No documents: too few are read and short enough to choose from, and those go first that are there."""

    documents: tuple[str, ...]
    cost: Decimal | None


@reuse.or_without
def canary_of(spec: JobSpec, at: datetime) -> First:
    """Typical ones. Raises InvalidInput or NotFound, as `create` would."""
    with db.reading() as session:
        asking, model = _check(session, spec)
        if asking is None or not spec.canary:
            return First((), Decimal(0))
        provider = clients.provider(spec.provider)
        chosen = _chosen(session, spec) if spec.collection is None else _known_collection(session, spec.collection)
        found = expansion.typical(session, chosen, asking, provider, model, reuse=spec.reuse, number=spec.canary)
        output = answer_lengths.usual(session, asking, spec.provider, model) * len(found)
    tokens = sum(one.tokens for one in found)
    cost = pricing.of_calls(spec.provider, model, len(found), tokens, output, "live", at)
    return First(tuple(one.document for one in found), cost)


def check(spec: JobSpec) -> None:
    """Raise the errors of `create` for a job over documents that do not exist yet, before they are stored.

    Raises InvalidInput, NotFound or NotConfirmed.
    """
    with db.reading() as session:
        _check(session, spec)
    confirming.check_unread(spec.provider, spec.confirmed)


def create(spec: JobSpec, at: datetime, *, start: bool = True) -> str:
    """Make a job over the chosen documents and return its id. With `start` a worker makes and sends its requests.

    A job of custom requests stays a draft until they are added. Raises InvalidInput, NotFound, or NotConfirmed if the
    estimate is above `limits.confirm_usd` and `spec.confirmed` is false.
    """
    require("ask")
    own = spec.template is None
    if own and start:
        raise InvalidInput("A job of custom requests starts when they are there: make it with start false, add them.")
    cost = None
    first = canary_of(spec, at)
    if not own:
        figures = estimate(spec, at)
        cost = figures.cost(spec.lane)
    with db.transaction() as session:
        asking, model = _check(session, spec)
        chosen = [] if own else _chosen(session, spec)
        if not (chosen or own):
            raise InvalidInput("There are no documents to ask. Choose documents, or a collection that holds some.")
        job = _job(session, spec, asking, model, len(chosen), cost)
        session.add(job)
        session.flush()
        db.execute(
            session,
            "INSERT INTO job_document (job_id, document_id) SELECT :job, unnest(CAST(:ids AS text[]))",
            job=job.id,
            ids=chosen,
        )
        db.execute(session, NAME_COLLECTIONS, job=job.id)
        canary.choose(session, job.id, first.documents)
        about = "for requests of its own" if own else f"over {len(chosen):,} documents"
        events.note(session, job.id, "created", f"Created {about}.")
        if asking and sampled.takes_no_temperature(asking, clients.provider(spec.provider), model):
            unused_temperature.note(session, [job.id])
        if start:
            above = confirming.check(session, job, spec.confirmed)
            begin(session, job, first.cost if first.documents else expected.of_start(session, job))
            confirming.write_down(session, job, above)
        return job.id


# In order of their names.
NAME_COLLECTIONS = """
UPDATE job SET collections = ARRAY(
  SELECT DISTINCT c.name FROM job_document jd JOIN document d ON d.id = jd.document_id
  JOIN collection c ON c.id = d.collection_id WHERE jd.job_id = :job AND c.workspace_id = :workspace ORDER BY c.name)
WHERE id = :job AND workspace_id = :workspace
"""


def _job(
    session: Session, spec: JobSpec, asking: Asking | None, model: str, documents: int, cost: Decimal | None
) -> Job:
    """The row, not stored yet. `cost` is the estimate in USD, None if it is not known."""
    return Job(
        id=new_id("job"),
        workspace_id=db.workspace_of(session),
        name=spec.name.strip() or _name(session, spec, documents),
        user=actor.current(),
        description=spec.description,
        template_id=spec.template,
        template_version=asking.version if asking else None,
        params=dict(asking.params) if asking else {},
        sampling=as_json(spec.sampling),
        provider=spec.provider,
        model=model,
        lane=spec.lane,
        reuse=spec.reuse,
        canary=spec.canary,
        deadline=spec.deadline,
        leftovers=asdict(spec.leftovers) if spec.leftovers else None,
        fallback=_fallback(spec),
        estimate_usd=cost,
        correlation_id=correlation.current(),
    )


def start(job_id: str, *, confirmed: bool = False) -> None:
    """Start a draft; any other job stays as it is. Raises NotFound, NotConfirmed, or InvalidInput without requests."""
    with db.transaction() as session:
        job = control.changeable(session, job_id)
        own = job.template_id is None and job.state == "draft"
        if own and not db.scalar(session, "SELECT 1 FROM request WHERE job_id = :job LIMIT 1", job=job_id):
            raise InvalidInput("This job has no requests yet. Add them, then start it.")
        if job.state == "draft":
            above = confirming.check(session, job, confirmed)
            begin(session, job, expected.of_start(session, job))
            confirming.write_down(session, job, above)


def _check(session: Session, spec: JobSpec) -> tuple[Asking | None, str]:
    control.check_words(spec.name, spec.description)
    if not 0 <= spec.canary <= MOST_CANARY:
        raise InvalidInput(f"canary is the number of requests that go first: 0 to {MOST_CANARY:,}.")
    if spec.leftovers is not None and not 0 <= spec.leftovers.retries <= MOST_RETRIES:
        raise InvalidInput(f"leftovers.retries is a number from 0 to {MOST_RETRIES}.")
    if spec.deadline is not None and spec.deadline.tzinfo is None:
        raise InvalidInput("The deadline needs a time zone, such as 2026-01-31T08:00:00Z.")
    if spec.deadline is not None and not EARLIEST < spec.deadline < LATEST:
        raise InvalidInput(f"The deadline is a time between {EARLIEST:%Y} and {LATEST:%Y}.")
    provider = clients.provider(spec.provider)
    model = defaults.model_for(spec.provider, spec.model)
    _check_fallback(spec, model)
    if spec.template is None:
        if spec.documents is not None or spec.collection is not None:
            raise InvalidInput("A job of custom requests has no documents: leave documents and collection out.")
        if spec.sampling != AS_ASKED:
            raise InvalidInput("Custom requests say in their bodies how they are sampled: leave sampling out.")
        if not provider_rows.can(spec.provider).own_endpoints:
            raise InvalidInput("The offline engine takes templates only. Choose another provider for custom requests.")
        return None, model
    if (spec.documents is None) == (spec.collection is None):
        raise InvalidInput("Give either documents or a collection.")
    asked = templates.asked_now(session, spec.template, spec.params, spec.provider)
    asking = replace(asked, sampling=spec.sampling)
    sampled.check(asking, provider, model)
    if spec.fallback is not None and spec.fallback.provider is not None:
        templates.check_language(asking.params, spec.fallback.provider)
        check_sampling(spec.sampling, provider_rows.can(spec.fallback.provider))
    return asking, model


def _check_fallback(spec: JobSpec, model: str) -> None:
    wanted = spec.fallback
    if wanted is None:
        return
    if (wanted.lane is None) == (wanted.provider is None):
        raise InvalidInput("A fallback is either the batch lane or another model with its provider.")
    if not 0 <= wanted.after_s <= LONGEST_WAIT_S:
        raise InvalidInput(f"fallback.after_s is a number of seconds from 0 to {LONGEST_WAIT_S:,}.")
    if spec.lane != "live":
        raise InvalidInput("A fallback is for live jobs: batches do not wait for a model that does not answer.")
    if wanted.provider is None:
        return
    clients.provider(wanted.provider)
    if spec.template is None:
        raise InvalidInput("Custom requests are made for their model. Their fallback can be the batch lane.")
    if (wanted.provider, defaults.model_for(wanted.provider, wanted.model)) == (spec.provider, model):
        raise InvalidInput("The fallback is the job's own model. Choose another one.")


def _fallback(spec: JobSpec) -> dict[str, Any] | None:
    """As stored: with the model's name, because the default may change before the rule is followed."""
    wanted = spec.fallback
    if wanted is None or wanted.provider is None:
        return asdict(wanted) if wanted else None
    return {**asdict(wanted), "model": defaults.model_for(wanted.provider, wanted.model)}


def _chosen(session: Session, spec: JobSpec) -> list[str]:
    if spec.collection is not None:
        found = db.rows(
            session,
            """SELECT d.id FROM document d JOIN collection c ON c.id = d.collection_id
               WHERE c.workspace_id = :workspace AND c.name = :name AND d.state <> :archive ORDER BY d.id""",
            archive=UNPACKED,
            name=_known_collection(session, spec.collection),
        )
        return [row.id for row in found]
    wanted = list(dict.fromkeys(spec.documents or ()))
    there = "SELECT id, state FROM document WHERE id = ANY(:ids) AND workspace_id = :workspace ORDER BY id"
    found = db.rows(session, there, ids=wanted)
    known = [row.id for row in found]
    if missing := sorted(set(wanted) - set(known)):
        raise NotFound(
            f"There is no document {missing[0]}" + (f" (and {len(missing) - 1} more)." if missing[1:] else ".")
        )
    return [row.id for row in found if row.state != UNPACKED]


def _known_collection(session: Session, name: str) -> str:
    there = "SELECT 1 FROM collection WHERE workspace_id = :workspace AND name = :name"
    if db.scalar(session, there, name=name) is None:
        raise NotFound(f"There is no collection {name!r}.")
    return name


def _name(session: Session, spec: JobSpec, count: int) -> str:
    if spec.template is None:
        return "Custom requests"
    about = spec.collection or ("1 document" if count == 1 else f"{count:,} documents")
    question = shorten(str(spec.params.get("question", "")), MOST_OF_A_QUESTION, placeholder="…")
    asked = f" “{question}”" if question else ""
    return f"{templates.name_of(session, spec.template)}{asked}: {about}"


def begin(session: Session, job: Job, expected_usd: Decimal | None) -> None:
    """Set a draft going, or let it wait for a budget that has what it is expected to cost."""
    control.set_going(job)
    if admission.go_or_wait(session, job, expected_usd, db.now(session)):
        job.state = "queued"
        session.flush()
        queue.defer(session, "expand_job", job_id=job.id)
