"""Rate limits of each provider and model, shared by all processes: a bucket in a row for each kind of limit.

A claim takes for all its calls at once, in its transaction, before any of them goes out; a repeated attempt takes
again. Every answer tells what the provider has left. That is the most there can be, and less what may still be on its
way to it, it is the least: our own count, which goes by estimates, is kept between the two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from core.calls import rate_limit_rooms
from core.calls.outcomes import Call, Failed, Kept, Outcome, Taken
from core.calls.rate_limit_rooms import SHORTEST_WAIT, Bucket, NoRoom, Room
from core.providers import capabilities
from core.providers.rate_limit_headers import KINDS
from core.providers.usage import Limit
from core.runtime import db
from core.settings.rate_caps import caps_of

OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
# Until a model's first answer tells of its limits, so many calls go out at once, and so many a second.
START, START_A_SECOND = 4, 1.0
# What refills counts so much later: a call is on its way to the provider for longer at one time than at another.
LATE = 1.0
# A limit that is whole again that much later or sooner than a bucket would be is counted by the minute instead.
SHARE_OFF, SECONDS_OFF = 0.1, 2.0
# No minute's limit is whole only after this: a day's is told in its place, which refills that much slower.
LONGER_THAN_A_MINUTE = 90.0


def rooms(session: Session, provider: str, model: str | None) -> dict[str, Room]:
    """Of one model, or of all that were ever called; kept as they are until the transaction ends."""
    if not capabilities.of(provider).has_rate_limits:
        return {}
    found: dict[str, list[Any]] = {}
    for row in db.rows(session, ROOMS, provider=provider, model=model, **caps_for(provider)):
        found.setdefault(row.model, []).append(row)
    known = {name: _room(provider, name, rows) for name, rows in found.items()}
    return known if model is None or model in known else {model: _first_room(provider, model)}


def caps_for(*providers: str) -> dict[str, list[Any]]:
    """What NOW is to be given."""
    caps = [caps_of(provider) for provider in providers]
    return {
        "capped": list(providers),
        "cap_requests": [cap.requests for cap in caps],
        "cap_tokens": [cap.tokens for cap in caps],
    }


def _room(provider: str, model: str, rows: Sequence[Any]) -> Room:
    buckets = [
        Bucket(row.kind, row.level, row.most, row.refill, row.renews_in, row.settled)
        for row in rows
        if row.most is not None
    ]
    return Room(
        provider=provider,
        model=model,
        buckets={one.kind: one for one in buckets},
        settled={row.kind: row.settled for row in rows},
        blocked_s=max(row.blocked_s for row in rows),
    )


def _first_room(provider: str, model: str) -> Room:
    """Of a model that was never called."""
    caps = caps_of(provider)
    requests = float(min(START, caps.requests or START))
    buckets = {"requests": Bucket("requests", requests, requests, START_A_SECOND, None, 0.0)}
    if caps.tokens:
        buckets["tokens"] = Bucket("tokens", float(caps.tokens), float(caps.tokens), caps.tokens / 60, None, 0.0)
    return Room(provider, model, buckets)


# A bucket as it is now: a row, the caps, and the clock, not the transaction's begin, which may have waited for its
# turn. Where a window begins anew, what is on its way may count for either.
NOW = f"""
LEFT JOIN unnest(CAST(:capped AS text[]), CAST(:cap_requests AS bigint[]), CAST(:cap_tokens AS bigint[]))
  AS caps(capped, cap_requests, cap_tokens) ON capped = l.provider
CROSS JOIN LATERAL (SELECT clock_timestamp() AS at, NOT l.known AND l.kind = 'requests' AS starting,
  CASE l.kind WHEN 'requests' THEN cap_requests WHEN 'tokens' THEN cap_tokens END AS cap) given
CROSS JOIN LATERAL (SELECT
  least(l.a_minute, cap, CASE WHEN starting THEN {START} END)::float8 AS most,
  least(l.per_second, cap / 60.0)::float8 AS refill,
  extract(epoch FROM at - l.refilled_at)::float8 AS passed,
  extract(epoch FROM l.renewed_at - at)::float8 AS renews_in,
  greatest(0, l.taken - l.settled) AS on_their_way) size
CROSS JOIN LATERAL (SELECT least(
  CASE WHEN l.renewed_at IS NULL THEN least(most, l.remaining + refill * (passed - {LATE}))
    WHEN renews_in <= 0 THEN most - on_their_way
    ELSE least(most, l.remaining) END,
  CASE WHEN starting THEN {START} - on_their_way + {START_A_SECOND} * passed END) AS level) filled
"""

ROOMS = f"""
SELECT l.model, l.kind, l.settled, most, coalesce(refill, {START_A_SECOND}) AS refill, level,
  CASE WHEN renews_in IS NOT NULL THEN greatest(0, renews_in) END AS renews_in,
  coalesce(greatest(0, extract(epoch FROM l.blocked_until - at)), 0)::float8 AS blocked_s
FROM rate_limit l {NOW}
WHERE l.provider = :provider AND (CAST(:model AS text) IS NULL OR l.model = :model)
ORDER BY l.model, l.kind FOR UPDATE OF l
"""


def take(session: Session, provider: str, taken: Mapping[str, tuple[int, int, int]], found: Mapping[str, Room]) -> None:
    """By model: how many calls, their input and their output tokens. Only with rooms of this transaction."""
    columns: list[tuple[str, str, float, float]] = []
    for model, (calls, read, written) in sorted(taken.items()):
        room = found.get(model) or _first_room(provider, model)
        for kind, amount in rate_limit_rooms.amounts_of(read, written, calls).items():
            columns.append((model, kind, amount, room.buckets[kind].level - amount if kind in room.buckets else 0.0))
    if columns:
        models, kinds, amounts, remaining = (list(column) for column in zip(*columns, strict=True))
        named = {"models": models, "kinds": kinds, "amounts": amounts, "remaining": remaining}
        db.columns(session, TAKE, provider=provider, **named)


# A process that died left calls that never ended; after a quarter of an hour without any, none can be on its way.
# How long a new window lasts is guessed until an answer tells.
TAKE = f"""
INSERT INTO rate_limit AS l (provider, model, kind, remaining, refilled_at, taken)
SELECT %(provider)s, model, kind, remaining, clock_timestamp() - interval '{LATE} s', amount
FROM unnest(%(models)s::text[], %(kinds)s::text[], %(amounts)s::float8[], %(remaining)s::float8[])
  AS t(model, kind, amount, remaining)
ON CONFLICT (provider, model, kind) DO UPDATE SET remaining = excluded.remaining, refilled_at = excluded.refilled_at,
  renewed_at = CASE WHEN l.renewed_at < clock_timestamp() THEN clock_timestamp() + interval '1 minute'
    ELSE l.renewed_at END,
  taken = l.taken + excluded.taken,
  settled = CASE WHEN l.refilled_at < clock_timestamp() - interval '15 minutes' THEN l.taken ELSE l.settled END
"""


def output_room(provider: str, body: Mapping[str, Any], expected: int) -> int:
    """The output tokens that a call counts for: what it may write at OpenAI and its like, what it writes elsewhere."""
    if not capabilities.of(provider).limits_count_max_output:
        return expected
    given = [body.get(name) for name in OUTPUT_LIMITS]
    return max((limit for limit in given if isinstance(limit, int)), default=expected)


def take_one(session: Session, call: Call) -> Taken:
    """For one attempt of a call; raises NoRoom where it may not go out now."""
    tokens = call.input_tokens, output_room(call.provider, call.body, call.output_tokens)
    room = rooms(session, call.provider, call.model).get(call.model)
    if room is None:
        return Taken(*tokens, {})
    if wait := room.wait_s(*tokens):
        raise NoRoom(call.provider, call.model, wait)
    take(session, call.provider, {call.model: (1, *tokens)}, {call.model: room})
    return Taken(*tokens, room.settled)


def again(call: Call) -> float:
    """Take for another attempt of a call that is under way. The seconds until it may go; 0 where it may now."""
    try:
        with db.transaction() as session:
            take_one(session, call)
    except NoRoom as none:
        return none.wait_s
    return 0.0


def settle(session: Session, outcomes: Iterable[Outcome]) -> None:
    """What ended is not on its way any more; what the headers of answers and refusals said is learned."""
    ended: dict[tuple[str, str], list[Kept | Failed]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Kept | Failed) and outcome.call.taken is not None:
            ended.setdefault((outcome.call.provider, outcome.call.model), []).append(outcome)
    # Sorted: two who settle the same rows do not wait for one another.
    for (provider, model), told in sorted(ended.items()):
        if capabilities.of(provider).has_rate_limits:
            rows = _columns(told)
            columns: dict[str, Any] = {name: [row[name] for row in rows] for name in COLUMNS}
            blocks = [one.retry_after for one in told if isinstance(one, Failed) and one.retry_after is not None]
            known = any(isinstance(one, Kept) or one.limits for one in told)
            columns |= {"provider": provider, "model": model, "block": max(blocks, default=None), "known": known}
            db.execute(session, SETTLE, **columns, **caps_for(provider))


COLUMNS = ("kinds", "amounts", "limits", "rates", "uppers", "anchors", "renewals")


def _columns(told: Sequence[Kept | Failed]) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    amounts = dict.fromkeys(KINDS, 0.0)
    heard: dict[str, list[_Heard]] = {}
    for one in told:
        assert one.call.taken is not None
        times = one.failures + 1 if isinstance(one, Kept) else max(1, one.failures)
        for kind, amount in rate_limit_rooms.amounts_of(
            one.call.taken.input_tokens, one.call.taken.output_tokens
        ).items():
            amounts[kind] += times * amount
        for limit in one.limits:
            age = max(0.0, (now - one.at).total_seconds()) if isinstance(one, Kept) else 0.0
            latency = one.latency_ms / 1000 if isinstance(one, Kept) else 0.0
            heard.setdefault(limit.kind, []).append(
                _Heard(limit, age, latency, one.call.taken.settled.get(limit.kind, 0.0))
            )
    return [{"kinds": kind, "amounts": amounts[kind], **_learnt(heard.get(kind, []))} for kind in KINDS]


@dataclass(frozen=True)
class _Heard:
    """`age`: seconds since the answer came; `latency`: how long it took; `settled` when its call was claimed."""

    limit: Limit
    age: float
    latency: float
    settled: float

    @property
    def whole_in(self) -> float | None:
        return None if self.limit.whole_in is None else self.limit.whole_in - self.age

    @property
    def in_windows(self) -> bool:
        """Whether it is whole again at another time than a bucket that refills all the time would be."""
        left, whole = self.limit.left, self.limit.whole_in
        if left is None or whole is None or whole > LONGER_THAN_A_MINUTE:
            return False
        expected = (self.limit.a_minute - left) * 60 / self.limit.a_minute
        late = whole > expected * (1 + SHARE_OFF) + SECONDS_OFF
        return late or whole < expected * (1 - SHARE_OFF) - SECONDS_OFF - self.latency

    @property
    def rate(self) -> float:
        """Per second."""
        by_the_minute, left, whole = self.limit.a_minute / 60, self.limit.left, self.limit.whole_in
        if left is None or whole is None or whole <= LONGER_THAN_A_MINUTE:
            return by_the_minute
        return min(by_the_minute, max(1, self.limit.a_minute - left) / whole)


def _learnt(heard: Sequence[_Heard]) -> dict[str, Any]:
    """`uppers`: the most that can be left; `anchors`: less all that was taken, the least; `renewals`: in how many
    seconds a new window begins, negative where there are windows only if there were some before."""
    # Of a window that is over nothing can be learned.
    heard = [one for one in heard if not (one.in_windows and one.whole_in is not None and one.whole_in <= 0)]
    if not heard:
        return dict.fromkeys(COLUMNS[2:])
    last = heard[-1].limit
    rate = min(one.rate for one in heard)
    left = [(one, float(one.limit.left)) for one in heard if one.limit.left is not None]
    whole = [one.whole_in for one in heard if one.whole_in is not None]
    windows = any(one.in_windows for one in heard)
    renewal = None if not whole or max(whole) > LONGER_THAN_A_MINUTE else max(SHORTEST_WAIT, *whole)
    aged = 0.0 if windows else rate
    return {
        "limits": last.a_minute,
        "rates": rate,
        "uppers": min((n + aged * (one.latency + one.age) for one, n in left), default=None),
        "anchors": max((n + one.settled for one, n in left), default=None),
        "renewals": renewal if renewal is None or windows else -renewal,
    }


# A cap that is lower than the provider's limit has a bucket of its own size: what the provider has left cannot fill it.
SETTLE = f"""
UPDATE rate_limit l SET known = l.known OR :known, settled = l.settled + amount,
  blocked_until = CASE WHEN l.kind = 'requests' THEN
    greatest(l.blocked_until, at + make_interval(secs => CAST(:block AS float8))) ELSE l.blocked_until END,
  a_minute = coalesce(told, l.a_minute), per_second = coalesce(rate, l.per_second),
  remaining = CASE WHEN told IS NULL THEN l.remaining ELSE least(upper - rate * {LATE}, told, greatest(
    CASE WHEN l.a_minute IS NULL AND cap IS NULL THEN '-infinity' ELSE level END,
    CASE WHEN cap < told THEN '-infinity' ELSE coalesce(anchor, told - l.settled) - l.taken END)) END,
  renewed_at = CASE WHEN told IS NULL THEN l.renewed_at
    WHEN renewal > 0 OR l.renewed_at IS NOT NULL THEN at + make_interval(secs => abs(renewal)) END,
  refilled_at = CASE WHEN told IS NULL THEN l.refilled_at ELSE at - interval '{LATE} s' END
FROM (SELECT l.provider, l.model, l.kind, at, cap, level FROM rate_limit l {NOW}
  WHERE l.provider = :provider AND l.model = :model ORDER BY l.kind FOR UPDATE OF l) was
JOIN unnest(CAST(:kinds AS text[]), CAST(:amounts AS float8[]), CAST(:limits AS bigint[]), CAST(:rates AS float8[]),
  CAST(:uppers AS float8[]), CAST(:anchors AS float8[]), CAST(:renewals AS float8[]))
  AS t(told_kind, amount, told, rate, upper, anchor, renewal) ON told_kind = was.kind
WHERE l.provider = was.provider AND l.model = was.model AND l.kind = was.kind
"""
