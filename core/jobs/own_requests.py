"""Custom requests of a job: a JSONL file in OpenAI's batch format, or a list of the same JSON objects.

All or nothing: every line is checked and copied into a staging table, and only a file without a bad line becomes
requests. Lines are read one by one, so memory does not grow with the file.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlmodel import Session

from core.access.roles import require
from core.asking import request_plan
from core.calls import clients
from core.errors import Conflict, InvalidInput, NotFound
from core.money import pricing
from core.providers.types import Provider
from core.requests import events, reuse
from core.runtime import db, workspace
from core.settings import provider_rows
from core.settings.defaults import MODEL_CHARACTERS
from core.tables.jobs import Job

# Its output is not billed.
EMBEDDINGS = "/v1/embeddings"
LONGEST_CUSTOM_ID = 200
SHOWN = 20
# Bytes, and more than enough, for what a batch file has around each body: our id, the url, brackets.
AROUND = 500
# Fields that hold an image or a file: their tokens do not depend on their length.
ENCODED = frozenset({"data", "file_data", "image_url", "url"})
BYTES_PER_TOKEN = 4
TOKENS_OF_A_FILE = 1_000


@dataclass(frozen=True)
class BadLine:
    """`number` counts from 1."""

    number: int
    reason: str


class BadLines(InvalidInput):
    """Nothing was taken: some lines are bad. Correct them and hand in all of them again."""

    def __init__(self, lines: Sequence[BadLine], more: int, unit: str):
        self.lines = tuple(lines)
        self.more = more
        said = " ".join(f"{unit.capitalize()} {line.number:,}: {line.reason}" for line in lines)
        rest = f" And {more:,} more." if more else ""
        super().__init__(f"Nothing was taken: every {unit} has to be good. {said}{rest}")
        self.detail = [{"line": line.number, "message": line.reason} for line in lines]


@dataclass(frozen=True)
class Terms:
    """What a job takes. `largest` is a body's most bytes; `method` and `url` are the defaults of a line without them,
    None if a line must have them. `scope`: see core.runtime.workspace."""

    provider: Provider
    scope: str
    model: str
    largest: int
    method: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class OwnRequest:
    """A checked request as it is stored; `body` is JSON in one line."""

    custom_id: str
    endpoint: str
    model: str
    fingerprint: str
    tokens: int
    body: bytes

    @property
    def columns(self) -> tuple[str | int | bytes, ...]:
        named = (self.custom_id, self.endpoint, self.model, self.fingerprint)
        return (*named, self.tokens, len(self.body), self.body.decode())


@dataclass(frozen=True)
class OwnForecast:
    """What the requests of a draft will take. `reused` ones are free: answered already, or asked twice.

    Costs in USD, of the other calls; None if a model has no known price.
    """

    requests: int
    reused: int
    input_tokens: int
    output_tokens: int
    cost_live: Decimal | None
    cost_batch: Decimal | None

    def cost(self, lane: str) -> Decimal | None:
        return self.cost_live if lane == "live" else self.cost_batch


def add(job_id: str, lines: Iterable[bytes], at: datetime) -> int:
    """Add the requests of a JSONL file to a draft. Returns how many. Raises BadLines, NotFound or Conflict."""
    return _add(job_id, lines, at, unit="line", strict=True)


def add_requests(job_id: str, requests: Iterable[bytes], at: datetime) -> int:
    """Add JSON objects in the same way; they may leave out method and url."""
    return _add(job_id, requests, at, unit="request", strict=False)


@reuse.or_without
def forecast(job_id: str, at: datetime) -> OwnForecast:
    """With the prices of `at`. Raises NotFound."""
    with db.transaction() as session:
        job = db.within(session, Job, job_id)
        if job is None:
            raise _no_job(job_id)
        return _forecast(session, job, at)


def _add(job_id: str, lines: Iterable[bytes], at: datetime, *, unit: str, strict: bool) -> int:
    with db.transaction() as session:
        job = _draft(session, job_id)
        bad, count = _stage(session, lines, _terms(job, strict=strict))
        taken = [TakenId(**row._mapping) for row in db.rows(session, TAKEN, job=job_id, limit=SHOWN)]
        count += taken[0].total if taken else 0
        if count:
            first = sorted([*bad, *(_taken(row, unit) for row in taken)], key=lambda line: line.number)[:SHOWN]
            raise BadLines(first, count - len(first), unit)
        added = db.execute(session, MAKE_REQUESTS, job=job_id, lane=job.lane)
        if not added:
            raise InvalidInput(f"There is no request in it. Hand in at least one {unit}.")
        db.execute(session, MAKE_BODIES)
        events.note(session, job_id, "requests_added", f"{added:,} requests were added.")
        job.estimate_usd = _forecast(session, job, at).cost(job.lane)
        return added


@dataclass(frozen=True)
class TakenId:
    """A custom_id that an earlier line has (`before`), or a request of the job (None). `total` counts all of these."""

    number: int
    custom_id: str
    before: int | None
    total: int


def _taken(row: TakenId, unit: str) -> BadLine:
    where = "is in this job already" if row.before is None else f"stands in {unit} {row.before:,} already"
    return BadLine(row.number, f"The custom_id {row.custom_id!r} {where}.")


def _draft(session: Session, job_id: str) -> Job:
    job = db.within(session, Job, job_id, lock="no key update")
    if job is None:
        raise _no_job(job_id)
    require("job.change", job.user)
    if job.template_id is not None:
        raise Conflict("This job asks a template of documents. Requests of one's own go into a job without a template.")
    if job.state != "draft":
        raise Conflict(f"This job is {job.state}. Requests are added before it is started: make another job for them.")
    return job


def _no_job(job_id: str) -> NotFound:
    return NotFound(f"There is no job {job_id}. It may have been deleted.")


def _terms(job: Job, *, strict: bool) -> Terms:
    provider = clients.provider(job.provider)
    lane = provider.batches
    # The format is OpenAI's, where a line names its method and url. Other providers have no such format.
    strict = strict and provider_rows.can(job.provider).has_request_files
    return Terms(
        provider=provider,
        scope=workspace.scope(job.workspace_id),
        model=job.model,
        largest=lane.limits.bytes - AROUND,
        method=None if strict else "POST",
        url=None if strict else provider.endpoint,
    )


def _stage(session: Session, lines: Iterable[bytes], terms: Terms) -> tuple[list[BadLine], int]:
    """Copy the good lines to the staging table. Returns the first bad lines and how many there are."""
    first, count = list[BadLine](), 0
    db.execute(session, STAGING)
    with db.driver_connection(session).cursor() as cursor, cursor.copy(COPY) as staging:
        for number, line in enumerate(lines, 1):
            if line.isspace():
                continue
            try:
                request = read(line, terms)
            except ValueError as error:
                count += 1
                if count <= SHOWN:
                    first.append(BadLine(number, str(error)))
            else:
                staging.write_row((number, *request.columns))
    return first, count


# Its ids become the requests' ids, so bodies need no look-up of their requests.
STAGING = """
CREATE TEMPORARY TABLE handed_in (
  id bigint NOT NULL DEFAULT nextval(pg_get_serial_sequence('request', 'id')), number int, custom_id text,
  endpoint text, model text, fingerprint text, tokens int, bytes int, body json
) ON COMMIT DROP
"""

COPY = "COPY handed_in (number, custom_id, endpoint, model, fingerprint, tokens, bytes, body) FROM STDIN"

TAKEN = """
WITH numbered AS (
  SELECT number, custom_id, min(number) OVER (PARTITION BY custom_id) AS first FROM handed_in
), taken AS (
  SELECT n.number, n.custom_id, nullif(n.first, n.number) AS before
  FROM numbered n LEFT JOIN request r ON r.job_id = :job AND r.custom_id = n.custom_id
  WHERE n.first < n.number OR r.id IS NOT NULL
)
SELECT *, count(*) OVER ()::int AS total FROM taken ORDER BY number LIMIT :limit
"""

MAKE_REQUESTS = """
INSERT INTO request (id, job_id, custom_id, fingerprint, lane, model, endpoint, input_tokens, body_bytes)
OVERRIDING SYSTEM VALUE
SELECT id, :job, custom_id, fingerprint, :lane, model, endpoint, tokens, bytes FROM handed_in
"""

MAKE_BODIES = "INSERT INTO request_body (request_id, body) SELECT id, body FROM handed_in"


def read(line: bytes, terms: Terms) -> OwnRequest:
    """One line as a request. Raises ValueError with the reason for a person."""
    found = _object(line)
    custom_id = _custom_id(found)
    if found.get("method", terms.method) != "POST":
        raise ValueError("The method must be POST.")
    endpoint, allowed = found.get("url", terms.url), provider_rows.can(terms.provider.name).own_endpoints
    if endpoint not in allowed:
        raise ValueError(f"The url must be {' or '.join(allowed)}.")
    body = found.get("body")
    if not isinstance(body, dict):
        raise ValueError("The body must be a JSON object.")
    model = _model(body, terms.model)
    body["model"] = model
    _check(body, terms.provider.name)
    try:
        stored = orjson.dumps(body)
        known = orjson.dumps([terms.provider.name, terms.provider.base_url, endpoint, body], option=SORTED)
    except TypeError:
        raise ValueError("The body is nested too deeply.") from None
    if len(stored) > terms.largest:
        raise ValueError(f"The body is larger than one batch may be: {terms.largest:,} bytes.")
    fingerprint = terms.scope + hashlib.sha256(known).hexdigest()
    return OwnRequest(custom_id, endpoint, model, fingerprint, _tokens(body), stored)


SORTED = orjson.OPT_SORT_KEYS


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        # For bytes that are not UTF-8 the position is always 0.
        where = f" from character {error.pos + 1:,} on" if error.pos else ""
        raise ValueError(f"It is not JSON in UTF-8{where}.") from None
    if not isinstance(found, dict):
        raise ValueError("It is not a JSON object.")
    return found


def _custom_id(found: Mapping[str, Any]) -> str:
    custom_id = found.get("custom_id")
    if custom_id is None:
        raise ValueError("The custom_id is missing.")
    if not isinstance(custom_id, str) or not 1 <= len(custom_id) <= LONGEST_CUSTOM_ID or "\0" in custom_id:
        raise ValueError(f"The custom_id must be a text of 1 to {LONGEST_CUSTOM_ID} characters, none of them NUL.")
    return custom_id


def _model(body: Mapping[str, Any], default: str) -> str:
    model = body.get("model")
    if model is None:
        return default
    if not isinstance(model, str) or not model.strip() or len(model) > MODEL_CHARACTERS or not model.isprintable():
        raise ValueError(f"The body's model must be a text of up to {MODEL_CHARACTERS} characters, or left out.")
    return model


def _check(body: Mapping[str, Any], provider: str) -> None:
    if body.get("stream"):
        raise ValueError("The body's stream must not be true: answers come whole.")
    if provider_rows.can(provider).needs_max_tokens:
        limit = body.get("max_tokens")
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise ValueError("The body's max_tokens must be a whole number, 1 or more.")


def _tokens(value: Any) -> int:
    """An estimate: a quarter of the bytes of all texts. Counting would take longer than everything else here."""
    if isinstance(value, str):
        return -(-len(value.encode()) // BYTES_PER_TOKEN)
    if isinstance(value, dict):
        return sum(_encoded(v) if k in ENCODED else _tokens(v) for k, v in value.items() if k != "model")
    if isinstance(value, list):
        # Texts to embed may come as lists of token ids.
        return sum(1 if isinstance(v, int) else _tokens(v) for v in value)
    return 0


def _encoded(value: Any) -> int:
    return TOKENS_OF_A_FILE if isinstance(value, str) else _tokens(value)


@dataclass(frozen=True)
class RequestGroup:
    """The requests of one model and endpoint; `calls` and `tokens` are of those that are not reused."""

    model: str
    endpoint: str
    requests: int
    calls: int
    tokens: int


def _forecast(session: Session, job: Job, at: datetime) -> OwnForecast:
    found = db.rows(session, GROUPS.format(known=reuse.is_known("r.fingerprint")), job=job.id, reuse=job.reuse)
    groups = [RequestGroup(**row._mapping) for row in found]

    def output(group: RequestGroup) -> int:
        return 0 if group.endpoint == EMBEDDINGS else request_plan.OWN_OUTPUT_TOKENS

    def cost(lane: str) -> Decimal | None:
        costs = [
            pricing.of_calls(
                job.provider, group.model, group.calls, group.tokens, output(group) * group.calls, lane, at
            )
            for group in groups
        ]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(costs) else None

    return OwnForecast(
        requests=sum(group.requests for group in groups),
        reused=sum(group.requests - group.calls for group in groups),
        input_tokens=sum(group.tokens for group in groups),
        output_tokens=sum(output(group) * group.calls for group in groups),
        cost_live=cost("live"),
        cost_batch=cost("batch"),
    )


GROUPS = """
WITH asked AS (
  SELECT r.model, r.endpoint, r.input_tokens AS tokens, :reuse AND (
    {known}
    OR row_number() OVER (PARTITION BY r.fingerprint ORDER BY r.id) > 1) AS reused
  FROM request r WHERE r.job_id = :job
)
SELECT model, endpoint, count(*)::int AS requests, count(*) FILTER (WHERE NOT reused)::int AS calls,
  coalesce(sum(tokens) FILTER (WHERE NOT reused), 0)::bigint AS tokens
FROM asked GROUP BY model, endpoint
"""
