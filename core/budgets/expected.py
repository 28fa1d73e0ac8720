"""What the calls that are left of a job are expected to cost, never the worst case."""

from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from core.asking import answer_lengths, request_plan, templates
from core.money import booked, pricing
from core.requests import reuse
from core.runtime import db
from core.settings import provider_rows
from core.tables.jobs import Job


def of_rest(session: Session, job: Job, at: datetime) -> Decimal | None:
    """In USD, of all requests and documents that may still be sent; with a canary, of that alone. None: not known."""
    return both(of_requests(session, job, at), _of_documents(session, job))


def both(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def of_requests(session: Session, job: Job, at: datetime) -> Decimal | None:
    """Of the requests that are made. Where calls of the job are booked and were dearer than expected, the others are
    expected to be like them."""
    if not provider_rows.can(job.provider).is_billed:
        return Decimal(0)
    output = request_plan.OWN_OUTPUT_TOKENS
    if job.template_id is not None:
        output = answer_lengths.usual(session, templates.of_job(session, job), job.provider, job.model)
    known = reuse.is_known("r.fingerprint")
    groups = db.rows(session, LEFT.format(known=known), job=job.id, reuse=job.reuse, model=job.model)
    total, calls = Decimal(0), 0
    for one in groups:
        cost = pricing.of_calls(job.provider, one.model, one.n, one.tokens, output * one.n, one.lane, at)
        if cost is None:
            return None
        total, calls = total + cost, calls + one.n
    average: Decimal | None = db.scalar(session, AVERAGE, job=job.id) if calls else None
    return max(total, (average or Decimal(0)) * calls)


# Those with a known answer are free.
LEFT = """
SELECT coalesce(r.model, :model) AS model, r.lane, count(*)::int AS n, sum(r.input_tokens)::bigint AS tokens
FROM request r JOIN job j ON j.id = r.job_id
WHERE r.job_id = :job AND (r.state IN ('pending', 'in_flight') OR r.state = 'held' AND j.canary = 0)
  AND NOT (:reuse AND r.state = 'pending' AND {known})
GROUP BY 1, 2
"""
AVERAGE = f"""
SELECT of_job.usd / nullif(of_job.calls, 0) FROM job j CROSS JOIN LATERAL {booked.OF_JOB} of_job WHERE j.id = :job
"""


def of_start(session: Session, job: Job) -> Decimal | None:
    """In USD, of a job that was not started yet: its estimate, or the share of it that its canary is."""
    if not job.canary or not job.estimate_usd:
        return job.estimate_usd
    number: int = db.scalar(session, NUMBER, job=job.id)
    return job.estimate_usd * min(job.canary, number) / max(number, 1)


NUMBER = """
SELECT greatest((SELECT count(*) FROM job_document WHERE job_id = :job),
  (SELECT count(*) FROM request WHERE job_id = :job))
"""


def _of_documents(session: Session, job: Job) -> Decimal | None:
    """Of the documents whose requests are not made yet: their share of the job's estimate."""
    found = db.row(session, DOCUMENTS, job=job.id, canary=job.canary)
    if found is None or not found.left or not provider_rows.can(job.provider).is_billed:
        return Decimal(0)
    return None if job.estimate_usd is None else job.estimate_usd * int(found.left) / int(found.all)


DOCUMENTS = """
SELECT count(*) FILTER (WHERE NOT expanded AND (:canary = 0 OR canary)) AS left, count(*) AS all
FROM job_document WHERE job_id = :job
"""
