"""What answers teach about rate limits: from the headers of ended calls to what is stored for each bucket. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.calls.headroom import SHORTEST_WAIT, amounts_of
from core.calls.outcomes import Failed, Kept
from core.providers.rate_limit_headers import KINDS
from core.providers.usage import Limit

# A limit that is reset this much later or sooner than a bucket would be full is counted by windows of a minute.
SHARE_OFF, SECONDS_OFF = 0.1, 2.0
# No limit of a minute is reset only after so many seconds: a longer one, of a day, is reported in its place.
LONGER_THAN_A_MINUTE = 90.0


@dataclass(frozen=True)
class Lesson:
    """For one kind of limit, in requests or tokens. All but `ended` are None if no answer reported this limit.

    `ended`: what these calls had taken. `per_second`: how fast the bucket refills. `level_ceiling`: the most that can
    be left now. `remaining_plus_settled`: what was left plus the counter of what had been settled when the call was
    claimed; less all that has been taken by now, it is the least that can be left. `window_resets_in_s`: seconds until
    a new window begins; negative if that counts only for a bucket that is counted by windows already.
    """

    kind: str
    ended: float
    a_minute: int | None = None
    per_second: float | None = None
    level_ceiling: float | None = None
    remaining_plus_settled: float | None = None
    window_resets_in_s: float | None = None


@dataclass(frozen=True)
class Report:
    """A limit as one answer reported it. `age_s`: seconds since the answer came; `latency_s`: how long it took;
    `settled`: the bucket's counter when the call was claimed."""

    limit: Limit
    age_s: float
    latency_s: float
    settled: float

    @property
    def resets_in_s(self) -> float | None:
        return None if self.limit.resets_in_s is None else self.limit.resets_in_s - self.age_s

    @property
    def by_windows(self) -> bool:
        """Whether it is reset at another time than a bucket that refills steadily would be full."""
        left, resets_in_s = self.limit.left, self.limit.resets_in_s
        if left is None or resets_in_s is None or resets_in_s > LONGER_THAN_A_MINUTE:
            return False
        expected = (self.limit.a_minute - left) * 60 / self.limit.a_minute
        late = resets_in_s > expected * (1 + SHARE_OFF) + SECONDS_OFF
        return late or resets_in_s < expected * (1 - SHARE_OFF) - SECONDS_OFF - self.latency_s

    @property
    def is_over(self) -> bool:
        """Its window has ended since: it teaches nothing."""
        return self.by_windows and self.resets_in_s is not None and self.resets_in_s <= 0

    @property
    def per_second(self) -> float:
        by_the_minute, left, resets_in_s = self.limit.a_minute / 60, self.limit.left, self.limit.resets_in_s
        if left is None or resets_in_s is None or resets_in_s <= LONGER_THAN_A_MINUTE:
            return by_the_minute
        return min(by_the_minute, max(1, self.limit.a_minute - left) / resets_in_s)


def of(ended: Sequence[Kept | Failed], now: datetime) -> list[Lesson]:
    """A lesson for each kind of limit, from calls of one model that had taken from its buckets."""
    amounts = dict.fromkeys(KINDS, 0.0)
    reports: dict[str, list[Report]] = {kind: [] for kind in KINDS}
    for outcome in ended:
        taken = outcome.call.taken
        assert taken is not None
        attempts = outcome.failures + 1 if isinstance(outcome, Kept) else max(1, outcome.failures)
        for kind, amount in amounts_of(taken.input_tokens, taken.output_tokens).items():
            amounts[kind] += attempts * amount
        age_s, latency_s = 0.0, 0.0
        if isinstance(outcome, Kept):
            age_s, latency_s = max(0.0, (now - outcome.at).total_seconds()), outcome.latency_ms / 1000
        for limit in outcome.limits:
            reports[limit.kind].append(Report(limit, age_s, latency_s, taken.settled.get(limit.kind, 0.0)))
    return [_lesson(kind, amounts[kind], [one for one in reports[kind] if not one.is_over]) for kind in KINDS]


def _lesson(kind: str, ended: float, reports: Sequence[Report]) -> Lesson:
    if not reports:
        return Lesson(kind, ended)
    per_second = min(one.per_second for one in reports)
    by_windows = any(one.by_windows for one in reports)
    refill = 0.0 if by_windows else per_second
    left = [(one, float(one.limit.left)) for one in reports if one.limit.left is not None]
    return Lesson(
        kind=kind,
        ended=ended,
        a_minute=reports[-1].limit.a_minute,
        per_second=per_second,
        level_ceiling=min((n + refill * (one.latency_s + one.age_s) for one, n in left), default=None),
        remaining_plus_settled=max((n + one.settled for one, n in left), default=None),
        window_resets_in_s=_window_resets_in_s(reports, by_windows=by_windows),
    )


def _window_resets_in_s(reports: Sequence[Report], *, by_windows: bool) -> float | None:
    resets = [one.resets_in_s for one in reports if one.resets_in_s is not None]
    if not resets or max(resets) > LONGER_THAN_A_MINUTE:
        return None
    latest = max(SHORTEST_WAIT, *resets)
    return latest if by_windows else -latest
