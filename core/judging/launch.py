"""Ask a model what open pairs are to one another: priced before, then a job like any other."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from core.access import actor
from core.access.roles import require
from core.asking import prompt_canary, templates
from core.asking.built_in import TOKENS_OF_A_VERDICT
from core.asking.request_plan import New
from core.calls import clients
from core.errors import InvalidInput
from core.jobs import confirming, launch
from core.jobs.launch import Lane
from core.judging import questions
from core.judging.questions import Request, Whom
from core.money import pricing
from core.requests import events, expansion, reuse
from core.runtime import correlation, db, workspace
from core.runtime.ids import new_id
from core.settings import defaults, provider_rows
from core.tables.insights import PairKind
from core.tables.jobs import JUDGE, Job

MOST = 5_000
USUAL = 100


@dataclass(frozen=True)
class JudgeSpec:
    """`limit`: up to so many open pairs, the best supported first. `kind`, `collection`: as on Review; None: all.
    `confirmed`: as of any job (`launch.JobSpec`)."""

    provider: str
    model: str | None = None
    lane: Lane = "live"
    limit: int = USUAL
    kind: PairKind | None = None
    collection: str | None = None
    confirmed: bool = False


@dataclass(frozen=True)
class JudgeEstimate:
    """`reused`: requests whose answer is known, which are free. Costs in USD, None if the model has no known price."""

    pairs: int
    requests: int
    reused: int
    input_tokens: int
    output_tokens: int
    cost_live: Decimal | None
    cost_batch: Decimal | None

    def cost(self, lane: Lane) -> Decimal | None:
        return self.cost_live if lane == "live" else self.cost_batch


@reuse.or_without
def estimate(spec: JudgeSpec, at: datetime) -> JudgeEstimate:
    """With the prices of `at`. Raises InvalidInput as `create` would; no open pair is no error here."""
    with db.transaction() as session:
        whom = _whom(session, spec)
        return _priced(whom, questions.plan(session, whom, spec.kind, spec.collection, spec.limit), at)


@reuse.or_without
def create(spec: JudgeSpec, at: datetime) -> str:
    """Make the job with its requests, set it going, and return its id. Raises InvalidInput, NotConfirmed."""
    require("ask")
    with db.transaction() as session:
        # Two at the same time would pay for the same pairs.
        db.execute(session, "SELECT pg_advisory_xact_lock(hashtext('cairn.judging'))")
        whom = _whom(session, spec)
        requests = questions.plan(session, whom, spec.kind, spec.collection, spec.limit)
        if not requests:
            raise InvalidInput("No pair is open that is not being judged already. There is nothing to ask.")
        figures = _priced(whom, requests, at)
        job = Job(
            id=new_id("job"),
            workspace_id=db.workspace_of(session),
            name=f"Judge {figures.pairs:,} {'pair' if figures.pairs == 1 else 'pairs'}",
            user=actor.current(),
            template_id=JUDGE,
            template_version=whom.asking.version,
            provider=spec.provider,
            model=whom.model,
            lane=spec.lane,
            estimate_usd=figures.cost(spec.lane),
            correlation_id=correlation.current(),
        )
        session.add(job)
        session.flush()
        _write(session, job, requests)
        events.note(session, job.id, "created", f"Created to judge {figures.pairs:,} pairs.")
        above = confirming.check(session, job, spec.confirmed)
        launch.begin(session, job, job.estimate_usd)
        confirming.write_down(session, job, above)
        return job.id


def _whom(session: Session, spec: JudgeSpec) -> Whom:
    if not 1 <= spec.limit <= MOST:
        raise InvalidInput(f"limit is a number of pairs from 1 to {MOST:,}.")
    provider = clients.provider(spec.provider)
    if not provider_rows.can(spec.provider).can_judge:
        raise InvalidInput(
            "The offline engine compares words and cannot say what two statements mean. Choose another provider."
        )
    asking = templates.asking(session, JUDGE, {})
    model = defaults.model_for(spec.provider, spec.model)
    scope = workspace.scope(db.workspace_of(session))
    return Whom(asking, provider, model, scope, prompt_canary.of_installation(session))


def _priced(whom: Whom, requests: list[Request], at: datetime) -> JudgeEstimate:
    calls = [one for one in requests if not one.known]
    input_tokens = sum(one.tokens for one in calls)
    output_tokens = sum(len(one.pairs) for one in calls) * TOKENS_OF_A_VERDICT

    def cost(lane: str) -> Decimal | None:
        return pricing.of_calls(whom.provider.name, whom.model, len(calls), input_tokens, output_tokens, lane, at)

    return JudgeEstimate(
        pairs=sum(len(one.pairs) for one in requests),
        requests=len(requests),
        reused=len(requests) - len(calls),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_live=cost("live"),
        cost_batch=cost("batch"),
    )


def _write(session: Session, job: Job, requests: list[Request]) -> None:
    names = {f"pairs-{number}": one for number, one in enumerate(requests, 1)}
    new = [New(name, None, one.fingerprint, "pending", one.tokens, one.body) for name, one in names.items()]
    expansion.make(session, job.id, job.lane, new)
    pairs = [(name, one) for name, request in names.items() for one in request.pairs]
    db.columns(
        session,
        WRITE_PAIRS,
        job=job.id,
        name=[name for name, _ in pairs],
        number=[one.number for _, one in pairs],
        pair=[one.pair for _, one in pairs],
        a=[one.a for _, one in pairs],
        b=[one.b for _, one in pairs],
        fingerprint=[one.fingerprint for _, one in pairs],
    )


WRITE_PAIRS = """
INSERT INTO judged_pair (request_id, number, workspace_id, pair_id, a, b, fingerprint)
SELECT r.id, n.number, %(workspace)s, n.pair, n.a, n.b, n.fingerprint
FROM unnest(%(name)s::text[], %(number)s::int[], %(pair)s::text[], %(a)s::text[], %(b)s::text[],
  %(fingerprint)s::text[]) AS n(name, number, pair, a, b, fingerprint)
JOIN request r ON r.job_id = %(job)s AND r.custom_id = n.name
"""
