"""Stage *keep* of the batch lane: from a batch's result files to raw responses, usage records and request states.

Result files are read block by block, inside the caller's transaction. A conditional update claims the requests of a
block and returns their fingerprints and response ids; the bodies are then copied straight into `response`. So a body is
written once and no line is looked up by itself. A line that comes twice, late or for no request claims nothing: it is a
dead letter and goes to `odd_line`.
"""

import json
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg
from sqlmodel import Session

from core.answers.record import UNSTORABLE_RESPONSE
from core.batch import context_lessons, form_lessons, leftovers, result_files, usage_records
from core.batch.leftovers import Leftover, LeftoverRule
from core.batch.result_files import Key, MatchedLine, RejectedLine, ResultBlock
from core.batch.usage_records import Account, Bill, array
from core.money import times
from core.providers.batch_api import BatchLane, Refused, Remote, ResultLine
from core.providers.usage import Usage
from core.runtime import db
from core.runtime.text import storable
from core.runtime.workspace import DEFAULT
from core.tables.batches import ProviderBatch

MISSING = "The results held no line for it that could be read. Send it again."
GONE = "The provider has deleted this batch's results. Send the request again; it is billed again."
NO_REASON = "The provider refused the batch and gave no reason. Look at the batch there, then send the request again."
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Ingested:
    """How many requests of a batch ended in which way. `again`: sent again by the leftover rule. `missing`: without a
    line, and counted in the other numbers, too. `odd`: rejected lines by kind.

    `provider_batch.counts` holds it as JSON.
    """

    answered: int = 0
    failed: int = 0
    again: int = 0
    cancelled: int = 0
    missing: int = 0
    odd: Mapping[str, int] = field(default_factory=dict)


def keep(
    session: Session, batch: ProviderBatch, lane: BatchLane, files: Sequence[Path], remote: Remote, at: datetime
) -> Ingested:
    """Keep the results of a batch whose lease the caller holds; a second time it only returns the first counts."""
    known = db.scalar(session, "SELECT counts FROM provider_batch WHERE id = :id", id=batch.id)
    if known is not None:
        return Ingested(**known)
    rule = rule_of(session, batch, at)
    account = _account(session, batch, remote, at)
    tally = Tally()
    for block in result_files.blocks(files, lane, batch.nonce):
        tally += _take(session, account, rule, lane, block)
    missing = leftovers.leave_rest(session, batch.id, rule, "missing", MISSING, rule.passing, at)
    usage_records.book_unattributed(session, account, tally.used, remote.usage)
    kept = tally.with_missing(missing)
    db.execute(
        session,
        "UPDATE provider_batch SET counts = CAST(:counts AS jsonb) WHERE id = :id",
        counts=json.dumps(asdict(kept)),
        id=batch.id,
    )
    return kept


def _account(session: Session, batch: ProviderBatch, remote: Remote, at: datetime) -> Account:
    job = db.row(session, JOB, job=batch.job_id)
    ended_at = times.checked(remote.ended_at, batch.submitted_at or batch.created_at, at)
    if job is None:
        # What a provider sends is kept and billed even if the job is gone.
        return Account(batch, DEFAULT, None, at, ended_at)
    return Account(batch, job.workspace_id, job.template_id, at, ended_at, job.user, tuple(job.collections))


JOB = 'SELECT workspace_id, template_id, "user", collections FROM job WHERE id = :job'


@dataclass(frozen=True)
class Tally:
    """Sums over blocks: next states of requests, rejected lines by kind, tokens booked."""

    states: Counter[str] = field(default_factory=Counter)
    odd: Counter[str] = field(default_factory=Counter)
    used: Usage = field(default_factory=Usage)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.states + other.states, self.odd + other.odd, self.used + other.used)

    def with_missing(self, missing: Counter[str]) -> Ingested:
        states = self.states + missing
        return Ingested(
            answered=states["answered"],
            failed=states["failed"],
            again=states["pending"],
            cancelled=states["cancelled"],
            missing=missing.total(),
            odd=dict(self.odd),
        )


def gone(session: Session, batch: ProviderBatch, at: datetime) -> Ingested:
    """The provider has deleted the results: the requests fail, as only a person may pay for them again."""
    rule = rule_of(session, batch, at)
    states = leftovers.leave_rest(session, batch.id, rule, "results_gone", GONE, None, at)
    return Ingested(failed=states["failed"], cancelled=states["cancelled"])


def refused(session: Session, batch: ProviderBatch, reasons: Sequence[Refused], at: datetime) -> Ingested:
    """The provider refused the batch after its creation, so nothing ran.

    Where the reasons name lines, the requests of these fail and the others are pending again. With a full queue all are
    pending again. With neither all fail, or they would be refused again for ever.
    """
    rule = rule_of(session, batch, at)
    blamed = _blamed(session, batch, [reason for reason in reasons if reason.line is not None])
    if blamed:
        blamed += _given_up(session, batch, blamed)
    states = Counter(leftovers.leave(session, batch.id, rule, blamed, at).values())
    if blamed or any(reason.queue_is_full for reason in reasons):
        put_back = db.execute(session, PUT_BACK, dropped=rule.dropped, batch=batch.id, at=at)
        states["cancelled" if rule.dropped else "pending"] += put_back
    else:
        first = reasons[0] if reasons else Refused("refused", NO_REASON)
        code, message = storable(first.code), storable(first.message)
        states += leftovers.leave_rest(session, batch.id, rule, code, message, None, at)
    return Ingested(failed=states["failed"], again=states["pending"], cancelled=states["cancelled"])


# Requests that did not run: pending again without a batch, or cancelled with their job.
PUT_BACK = """
UPDATE request SET worker_id = NULL,
  state = CASE WHEN :dropped THEN 'cancelled' ELSE 'pending' END,
  provider_batch_id = CASE WHEN :dropped THEN provider_batch_id END,
  finished_at = CASE WHEN :dropped THEN CAST(:at AS timestamptz) END
WHERE provider_batch_id = :batch AND state = 'in_flight'
"""


def _blamed(session: Session, batch: ProviderBatch, reasons: Sequence[Refused]) -> list[Leftover]:
    """The requests that the reasons blame: line n of the file is the batch's nth request by id."""
    by_line = {reason.line: reason for reason in reasons}
    found = db.rows(session, BY_LINE, batch=batch.id, lines=sorted(by_line))
    return [
        Leftover(row.id, row.attempts, storable(by_line[row.line].code), storable(by_line[row.line].message), None)
        for row in found
    ]


def _given_up(session: Session, batch: ProviderBatch, blamed: Sequence[Leftover]) -> list[Leftover]:
    """Requests that were refused so often with others to blame that the reason is taken for theirs, too.

    A full queue, for which they only waited, counts as an attempt, but not as a refusal.
    """
    before = db.scalar(session, REFUSED_BEFORE, job=batch.job_id)
    if before + 1 < MOST_REFUSALS:
        return []
    reason, others = blamed[0], [one.request_id for one in blamed]
    found = db.rows(session, OFTEN_REFUSED, batch=batch.id, most=MOST_REFUSALS, blamed=others)
    return [Leftover(row.id, row.attempts, reason.code, reason.message, None) for row in found]


# So often a batch API that refuses one line after the other is asked for the same requests.
MOST_REFUSALS = 20
REFUSED_BEFORE = "SELECT count(*)::int FROM job_event WHERE job_id = :job AND kind = 'refused'"
OFTEN_REFUSED = """
SELECT id, attempts FROM request
WHERE provider_batch_id = :batch AND state = 'in_flight' AND attempts >= :most AND NOT id = ANY(:blamed) ORDER BY id
"""

BY_LINE = """
SELECT * FROM (
  SELECT id, attempts, row_number() OVER (ORDER BY id) AS line FROM request WHERE provider_batch_id = :batch
) numbered WHERE line = ANY(:lines)
"""


def rule_of(session: Session, batch: ProviderBatch, at: datetime) -> LeftoverRule:
    """The leftover rule of the batch's job. FOR SHARE: a cancellation waits until the leftovers are written."""
    job = db.row(session, "SELECT state, leftovers, deadline FROM job WHERE id = :job FOR SHARE", job=batch.job_id)
    return leftovers.rule(job.state, job.leftovers, job.deadline, at) if job else LeftoverRule(dropped=True)


def _take(session: Session, account: Account, rule: LeftoverRule, lane: BatchLane, block: ResultBlock) -> Tally:
    claimed = _claim(session, account.batch, block.answers)
    strays = _strays(session, block.answers.keys() - claimed.keys())
    # The answer of a request that was cancelled or deleted meanwhile is billed all the same.
    paid = [key for key in block.answers if strays.get(key) != "unknown"]
    bytes_of = {key: response.body_bytes for key, response in claimed.items()}
    bills = {
        key: usage_records.bill(account, lane.used(block.answers[key].line.body), bytes_of.get(key)) for key in paid
    }
    unstorable = _store(session, claimed, block.answers, bills, account.at)
    used = usage_records.book(session, account, bills)
    left = _leave(session, account, rule, block.unanswered)
    strays_left = _strays(session, block.unanswered.keys() - left.keys())
    odd = [*block.odd, *_odd(strays, block.answers), *_odd(strays_left, block.unanswered)]
    _keep_odd(session, account.batch, odd)
    states = Counter(left.values()) + Counter(answered=len(claimed) - unstorable, failed=unstorable)
    return Tally(states, Counter(one.kind for one in odd), used)


def _odd(strays: Mapping[Key, str | None], lines: Mapping[Key, MatchedLine]) -> list[RejectedLine]:
    return [RejectedLine(kind, lines[key].raw) for key, kind in strays.items() if kind]


class ClaimedResponse(NamedTuple):
    """The response that a claimed request gets: no other line can claim the request again."""

    response_id: int
    fingerprint: str
    # Of the request.
    body_bytes: int


def _claim(session: Session, batch: ProviderBatch, answers: Iterable[Key]) -> dict[Key, ClaimedResponse]:
    keys = sorted(answers)
    if not keys:
        return {}
    columns = {"batch": batch.id, "id": array(key[0] for key in keys), "attempt": array(key[1] for key in keys)}
    found = db.driver_connection(session).execute(CLAIM, columns, binary=True)
    return {(request_id, attempt): ClaimedResponse(*rest) for request_id, attempt, *rest in found.fetchall()}


# Claim the answered requests and give each a response id. The CASE keeps the planner to the primary key; by the batch's
# index it would read the whole batch for every block.
CLAIM = """
UPDATE request r SET state = 'answered', response_id = i.response_id, worker_id = NULL
FROM (
  SELECT id, attempt, nextval('response_id_seq') AS response_id
  FROM unnest(%(id)s::bigint[], %(attempt)s::int[]) AS t(id, attempt) OFFSET 0
) i
WHERE r.id = i.id AND r.attempts = i.attempt AND CASE r.provider_batch_id WHEN %(batch)s THEN r.state = 'in_flight' END
RETURNING r.id, r.attempts, r.response_id, r.fingerprint, r.body_bytes
"""


def _strays(session: Session, keys: Iterable[Key]) -> dict[Key, str | None]:
    """Why each of these lines claimed nothing: a kind of rejected line; None: its request was cancelled or deleted."""
    wanted = sorted(keys)
    if not wanted:
        return {}
    found = db.rows(session, "SELECT id, attempts, state FROM request WHERE id = ANY(:ids)", ids=[k[0] for k in wanted])
    now = {row.id: AttemptNow(row.attempts, row.state) for row in found}
    return {key: _oddity(now.get(key[0]), key[1]) for key in wanted}


class AttemptNow(NamedTuple):
    """A request's newest attempt and its state."""

    attempt: int
    state: str


def _oddity(now: AttemptNow | None, attempt: int) -> str | None:
    if now is None:
        return None
    if now.attempt != attempt:
        return "unknown"
    return None if now.state == "cancelled" else "duplicate"


def _store(
    session: Session,
    claimed: Mapping[Key, ClaimedResponse],
    answers: Mapping[Key, MatchedLine],
    bills: Mapping[Key, Bill],
    at: datetime,
) -> int:
    """Copy the claimed responses. Returns how many the database refused, which are stored as JSON strings instead."""
    moment = (at - COPY_EPOCH) // MICROSECOND

    def row(key: Key, raw: bytes) -> bytes:
        return _packed(key[0], claimed[key], bills[key], raw, moment)

    refused = _copied(session, {key: row(key, answers[key].line.body) for key in claimed})
    if refused:
        as_strings = {key: json.dumps(storable(answers[key].line.body.decode())).encode() for key in refused}
        _copy(session, [row(key, raw) for key, raw in as_strings.items()])
        for request_id, attempt in refused:
            db.execute(session, UNSTORABLE_RESPONSE, request=request_id, attempt=attempt)
    return len(refused)


def _copied(session: Session, rows: Mapping[Key, bytes]) -> list[Key]:
    """Copy all rows that the database takes; returns those it refuses, found by halving."""
    if not rows:
        return []
    try:
        with session.begin_nested():
            _copy(session, rows.values())
    except REFUSALS:
        keys = list(rows)
        if len(keys) == 1:
            return keys
        halves = keys[: len(keys) // 2], keys[len(keys) // 2 :]
        return [key for half in halves for key in _copied(session, {key: rows[key] for key in half})]
    return []


REFUSALS = (psycopg.DataError, psycopg.errors.StatementTooComplex, psycopg.errors.ProgramLimitExceeded)


def _copy(session: Session, rows: Iterable[bytes]) -> None:
    """By a table of this transaction: PostgreSQL copies into no table that has policies."""
    with db.driver_connection(session).cursor() as cursor:
        cursor.execute(ARRIVING)
        with cursor.copy(f"COPY arrived ({COPIED}) FROM STDIN (FORMAT binary)") as copy:
            copy.write(b"".join([COPY_HEADER, *rows, COPY_END]))
        cursor.execute(ARRIVED)


COPIED = """id, request_id, fingerprint, model, finish_reason, input_tokens, cached_input_tokens, output_tokens,
  created_at, raw"""
ARRIVING = "CREATE TEMPORARY TABLE arrived (LIKE response) ON COMMIT DROP"
ARRIVED = f"""
INSERT INTO response ({COPIED}) OVERRIDING SYSTEM VALUE SELECT {COPIED} FROM arrived;
DROP TABLE arrived
"""
COPY_HEADER, COPY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
# PostgreSQL's binary COPY format: a row is the number of its columns, then each column's length and bytes; times are
# microseconds since 2000.
COPY_LENGTH, COPY_IDS, COPY_REST = struct.Struct(">i"), struct.Struct(">hiqiqi"), struct.Struct(">iiqiqiqiqi")
COPY_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def _packed(request_id: int, claimed: ClaimedResponse, bill: Bill, raw: bytes, moment: int) -> bytes:
    response_id, fingerprint = claimed.response_id, claimed.fingerprint.encode()
    model, usage = bill.model.encode(), bill.usage
    counts = usage.input_tokens, usage.cached_input_tokens, usage.output_tokens
    return b"".join(
        (
            COPY_IDS.pack(10, 8, response_id, 8, request_id, len(fingerprint)),
            fingerprint,
            COPY_LENGTH.pack(len(model)),
            model,
            COPY_REST.pack(0, 8, counts[0], 8, counts[1], 8, counts[2], 8, moment, len(raw)),
            raw,
        )
    )


def _leave(
    session: Session, account: Account, rule: LeftoverRule, unanswered: Mapping[Key, MatchedLine]
) -> dict[Key, str]:
    """Move on the requests that the provider reports as not answered. Returns the next state of each in flight."""
    times = {"error": rule.passing, "expired": rule.cut_short, "cancelled": rule.cut_short}
    answered_by_another_form = form_lessons.learn(session, account, unanswered)
    too_long = context_lessons.learn(session, account, unanswered) if rule.passing is not None else ()

    def how_often(line: ResultLine) -> int | None:
        if line.message in too_long:
            return context_lessons.ALWAYS
        lasting = line.outcome == "error" and not line.passing and line.message not in answered_by_another_form
        return None if lasting else times[line.outcome]

    left = [
        Leftover(*key, storable(one.line.code), storable(one.line.message), how_often(one.line))
        for key, one in sorted(unanswered.items())
    ]
    return leftovers.leave(session, account.batch.id, rule, left, account.at) if left else {}


def _keep_odd(session: Session, batch: ProviderBatch, odd: Sequence[RejectedLine]) -> None:
    if odd:
        db.columns(session, KEEP_ODD, batch=batch.id, kind=[one.kind for one in odd], raw=[one.raw for one in odd])


# The dead letters of a batch, as they came.
KEEP_ODD = """
INSERT INTO odd_line (batch_id, kind, raw) SELECT %(batch)s, * FROM unnest(%(kind)s::text[], %(raw)s::bytea[])
"""
