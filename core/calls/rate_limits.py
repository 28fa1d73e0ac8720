"""Rate limits of each provider and model, shared by all processes: a bucket in a row for each kind of limit.

A claim takes headroom for all its calls in its transaction, before any of them goes out; a repeated attempt takes
again. Every answer reports what the provider has left: that is the most there can be, and less what may still be on its
way to the provider, the least. Our own count, which goes by estimates, is kept between the two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from core.calls import rate_limit_lessons
from core.calls.headroom import Bucket, Headroom, NoRoom, amounts_of
from core.calls.outcomes import Call, Failed, Kept, Outcome, Taken
from core.calls.rate_limit_lessons import Lesson
from core.runtime import db
from core.settings import provider_rows
from core.settings.rate_caps import caps_of

OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
# Until a model's first answer reports its limits, so many calls may be in flight, and so many begin in a second.
START, START_A_SECOND = 4, 1.0
# Refilling counts so many seconds late: one call is on its way to the provider for longer than another.
LATE = 1.0


@dataclass(frozen=True)
class RateLimitRow:
    """A bucket as READ gives it: `most` is None without a limit, `renews_in_s` unless it is counted by windows."""

    model: str
    kind: str
    settled: float
    most: float | None
    per_second: float
    level: float
    renews_in_s: float | None
    blocked_s: float


def headroom(session: Session, provider: str, model: str | None) -> dict[str, Headroom]:
    """By model: of this one, or of all that were ever called. Their rows are locked until the transaction ends."""
    if not provider_rows.can(provider).has_rate_limits:
        return {}
    found: dict[str, list[RateLimitRow]] = {}
    for row in db.rows(session, READ, provider=provider, model=model, **caps_for(provider)):
        found.setdefault(row.model, []).append(RateLimitRow(**row._mapping))
    known = {name: _headroom(provider, name, rows) for name, rows in found.items()}
    return known if model is None or model in known else {model: _first(provider, model)}


def caps_for_all() -> dict[str, list[Any]]:
    return caps_for(*provider_rows.remote())


def caps_for(*providers: str) -> dict[str, list[Any]]:
    """The parameters of CURRENT_LEVEL_SQL."""
    caps = [caps_of(provider) for provider in providers]
    return {
        "capped": list(providers),
        "cap_requests": [cap.requests for cap in caps],
        "cap_tokens": [cap.tokens for cap in caps],
    }


def _headroom(provider: str, model: str, rows: Sequence[RateLimitRow]) -> Headroom:
    return Headroom(
        provider=provider,
        model=model,
        buckets={
            row.kind: Bucket(row.kind, row.level, row.most, row.per_second, row.renews_in_s, row.settled)
            for row in rows
            if row.most is not None
        },
        settled={row.kind: row.settled for row in rows},
        blocked_s=max(row.blocked_s for row in rows),
    )


def _first(provider: str, model: str) -> Headroom:
    """Of a model that was never called."""
    caps = caps_of(provider)
    requests = float(min(START, caps.requests or START))
    buckets = {"requests": Bucket("requests", requests, requests, START_A_SECOND, None, 0.0)}
    if caps.tokens:
        buckets["tokens"] = Bucket("tokens", float(caps.tokens), float(caps.tokens), caps.tokens / 60, None, 0.0)
    return Headroom(provider, model, buckets)


# Joined to rate_limit l: the bucket at this moment. It goes by the clock: the transaction's begin may lie before a wait
# for locks. Where a window begins anew, calls that are on their way may count for either window.
CURRENT_LEVEL_SQL = f"""
LEFT JOIN unnest(CAST(:capped AS text[]), CAST(:cap_requests AS bigint[]), CAST(:cap_tokens AS bigint[]))
  AS caps(capped, cap_requests, cap_tokens) ON capped = l.provider
CROSS JOIN LATERAL (SELECT clock_timestamp() AS at, NOT l.known AND l.kind = 'requests' AS starting,
  CASE l.kind WHEN 'requests' THEN cap_requests WHEN 'tokens' THEN cap_tokens END AS cap) given
CROSS JOIN LATERAL (SELECT
  least(l.a_minute, cap, CASE WHEN starting THEN {START} END)::float8 AS most,
  least(l.per_second, cap / 60.0)::float8 AS refill,
  extract(epoch FROM at - l.refilled_at)::float8 AS passed,
  extract(epoch FROM l.renewed_at - at)::float8 AS renews_in_s,
  greatest(0, l.taken - l.settled) AS on_their_way) size
CROSS JOIN LATERAL (SELECT least(
  CASE WHEN l.renewed_at IS NULL THEN least(most, l.remaining + refill * (passed - {LATE}))
    WHEN renews_in_s <= 0 THEN most - on_their_way
    ELSE least(most, l.remaining) END,
  CASE WHEN starting THEN {START} - on_their_way + {START_A_SECOND} * passed END) AS level) filled
"""

READ = f"""
SELECT l.model, l.kind, l.settled, most, coalesce(refill, {START_A_SECOND}) AS per_second, level,
  CASE WHEN renews_in_s IS NOT NULL THEN greatest(0, renews_in_s) END AS renews_in_s,
  coalesce(greatest(0, extract(epoch FROM l.blocked_until - at)), 0)::float8 AS blocked_s
FROM rate_limit l {CURRENT_LEVEL_SQL}
WHERE l.provider = :provider AND (CAST(:model AS text) IS NULL OR l.model = :model)
ORDER BY l.model, l.kind FOR UPDATE OF l
"""


def take(
    session: Session, provider: str, taken: Mapping[str, tuple[int, int, int]], found: Mapping[str, Headroom]
) -> None:
    """Take from the buckets. `taken` by model: how many calls, their input tokens, their output tokens; `found`: the
    headroom that this transaction has read."""
    columns: list[tuple[str, str, float, float]] = []
    for model, (calls, read, written) in sorted(taken.items()):
        of_model = found.get(model) or _first(provider, model)
        for kind, amount in amounts_of(read, written, calls).items():
            left = of_model.buckets[kind].level - amount if kind in of_model.buckets else 0.0
            columns.append((model, kind, amount, left))
    if columns:
        models, kinds, amounts, remaining = (list(column) for column in zip(*columns, strict=True))
        named = {"models": models, "kinds": kinds, "amounts": amounts, "remaining": remaining}
        db.execute(session, TAKE, provider=provider, **named)


# Calls of a process that died never settle; after a quarter of an hour without any claim, none can be on its way. How
# long a new window lasts is guessed until an answer reports it.
TAKE = f"""
INSERT INTO rate_limit AS l (provider, model, kind, remaining, refilled_at, taken)
SELECT :provider, model, kind, remaining, clock_timestamp() - interval '{LATE} s', amount
FROM unnest(CAST(:models AS text[]), CAST(:kinds AS text[]), CAST(:amounts AS float8[]), CAST(:remaining AS float8[]))
  AS t(model, kind, amount, remaining)
ON CONFLICT (provider, model, kind) DO UPDATE SET remaining = excluded.remaining, refilled_at = excluded.refilled_at,
  renewed_at = CASE WHEN l.renewed_at < clock_timestamp() THEN clock_timestamp() + interval '1 minute'
    ELSE l.renewed_at END,
  taken = l.taken + excluded.taken,
  settled = CASE WHEN l.refilled_at < clock_timestamp() - interval '15 minutes' THEN l.taken ELSE l.settled END
"""


def output_room(provider: str, body: Mapping[str, Any], expected: int) -> int:
    """The output tokens that a call counts for: the limit in its body, or the expected ones, by provider."""
    if not provider_rows.can(provider).limits_count_max_output:
        return expected
    given = [body.get(name) for name in OUTPUT_LIMITS]
    return max((limit for limit in given if isinstance(limit, int)), default=expected)


def take_one(session: Session, call: Call) -> Taken:
    """Take for one attempt of a call. Raises NoRoom if it may not go out now."""
    tokens = call.input_tokens, output_room(call.provider, call.body, call.output_tokens)
    found = headroom(session, call.provider, call.model).get(call.model)
    if found is None:
        return Taken(*tokens, {})
    if wait := found.wait_s(*tokens):
        raise NoRoom(call.provider, call.model, wait)
    take(session, call.provider, {call.model: (1, *tokens)}, {call.model: found})
    return Taken(*tokens, found.settled)


def again(call: Call) -> float:
    """Take for another attempt of a call. Returns 0 if it may go out now, else the seconds until it may."""
    try:
        with db.transaction() as session:
            take_one(session, call)
    except NoRoom as none:
        return none.wait_s
    return 0.0


def record_outcomes(session: Session, outcomes: Iterable[Outcome]) -> None:
    """Count ended calls as settled, and store what the headers of answers and refusals reported."""
    ended: dict[tuple[str, str], list[Kept | Failed]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Kept | Failed) and outcome.call.taken is not None:
            ended.setdefault((outcome.call.provider, outcome.call.model), []).append(outcome)
    # Sorted: two transactions that settle the same rows do not deadlock.
    for (provider, model), of_model in sorted(ended.items()):
        if provider_rows.can(provider).has_rate_limits:
            lessons = rate_limit_lessons.of(of_model, datetime.now(UTC))
            columns = {name: [getattr(lesson, name) for lesson in lessons] for name in COLUMNS}
            blocks = [one.retry_after for one in of_model if isinstance(one, Failed) and one.retry_after is not None]
            known = any(isinstance(one, Kept) or one.limits for one in of_model)
            named = {"provider": provider, "model": model, "block": max(blocks, default=None), "known": known}
            db.execute(session, SETTLE, **named, **columns, **caps_for(provider))


COLUMNS = tuple(field.name for field in fields(Lesson))

# A cap that is lower than the provider's limit has a bucket of its own size: what the provider has left cannot fill it.
SETTLE = f"""
UPDATE rate_limit l SET known = l.known OR :known, settled = l.settled + ended,
  blocked_until = CASE WHEN l.kind = 'requests' THEN
    greatest(l.blocked_until, at + make_interval(secs => CAST(:block AS float8))) ELSE l.blocked_until END,
  a_minute = coalesce(reported, l.a_minute), per_second = coalesce(rate, l.per_second),
  remaining = CASE WHEN reported IS NULL THEN l.remaining ELSE least(ceiling - rate * {LATE}, reported, greatest(
    CASE WHEN l.a_minute IS NULL AND cap IS NULL THEN '-infinity' ELSE level END,
    CASE WHEN cap < reported THEN '-infinity'
      ELSE coalesce(left_and_settled, reported - l.settled) - l.taken END)) END,
  renewed_at = CASE WHEN reported IS NULL THEN l.renewed_at
    WHEN resets_in_s > 0 OR l.renewed_at IS NOT NULL THEN at + make_interval(secs => abs(resets_in_s)) END,
  refilled_at = CASE WHEN reported IS NULL THEN l.refilled_at ELSE at - interval '{LATE} s' END
FROM (SELECT l.provider, l.model, l.kind, at, cap, level FROM rate_limit l {CURRENT_LEVEL_SQL}
  WHERE l.provider = :provider AND l.model = :model ORDER BY l.kind FOR UPDATE OF l) was
JOIN unnest(CAST(:kind AS text[]), CAST(:ended AS float8[]), CAST(:a_minute AS bigint[]),
  CAST(:per_second AS float8[]), CAST(:level_ceiling AS float8[]), CAST(:remaining_plus_settled AS float8[]),
  CAST(:window_resets_in_s AS float8[]))
  AS t(ended_kind, ended, reported, rate, ceiling, left_and_settled, resets_in_s) ON ended_kind = was.kind
WHERE l.provider = was.provider AND l.model = was.model AND l.kind = was.kind
"""
