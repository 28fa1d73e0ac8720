"""Counters and gauges for Prometheus, all from the database: only there is known what all processes do.

Counters must never go back. Those of usage are read from its sums. Rows of call_minute older than an hour do not change
any more, so each process sums them once and adds to the sum from hour to hour.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from core.runtime import db

Sum = int | Decimal
Number = Sum | float
Sums = dict[tuple[str, ...], list[Sum]]
SETTLED_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Metric:
    """`kind` is counter, gauge or histogram. A sample: labels, value, and a histogram's suffix of the name, else ""."""

    name: str
    kind: str
    help: str
    samples: Sequence[tuple[dict[str, str], Number, str]]


def gauge(name: str, help_: str, *samples: tuple[dict[str, str], Number]) -> Metric:
    return Metric(name, "gauge", help_, [(labels, value, "") for labels, value in samples])


@dataclass
class Counted:
    """Sums of columns by key, over rows that are only ever added."""

    sql: str
    keys: int
    _until: datetime | None = None
    _settled: Sums = field(default_factory=dict)

    def read(self, session: Session, at: datetime) -> Sums:
        """Sums of all rows up to now, by key. `at` is the database's time."""
        until = at.replace(minute=0, second=0, microsecond=0) - SETTLED_AFTER
        if self._until is None or until > self._until:
            self._settled = self._plus(session, self._until, until)
            self._until = until
        return self._plus(session, self._until, None)

    def _plus(self, session: Session, start: datetime | None, stop: datetime | None) -> Sums:
        sums = {key: list(values) for key, values in self._settled.items()}
        for row in db.rows(session, self.sql, start=start, stop=stop):
            key, values = tuple(row[: self.keys]), row[self.keys :]
            sums[key] = [a + b for a, b in zip(sums.get(key, [0] * len(values)), values, strict=True)]
        return sums


RANGE = """(CAST(:start AS timestamptz) IS NULL OR {0} >= :start)
  AND (CAST(:stop AS timestamptz) IS NULL OR {0} < :stop)"""

# Sums of all time, and what is not folded into them yet.
USAGE = """
SELECT provider, model, lane, status, sum(calls)::bigint AS calls, sum(reused)::bigint AS reused,
  sum(input_tokens - cached_input_tokens)::bigint AS input, sum(cached_input_tokens)::bigint AS cached_input,
  sum(cache_write_tokens)::bigint AS cache_write, sum(output_tokens)::bigint AS output, sum(cost_usd) AS cost,
  sum(unpriced)::bigint AS unpriced
FROM (
  SELECT provider, model, lane, status, calls, reused, input_tokens, cached_input_tokens, cache_write_tokens,
    output_tokens, cost_usd, unpriced
  FROM usage_sum WHERE edition = (SELECT edition FROM sums_edition)
  UNION ALL
  SELECT provider, model, lane, status, calls, reused, input_tokens, cached_input_tokens, cache_write_tokens,
    output_tokens, cost_usd, unpriced
  FROM usage_delta) s
GROUP BY 1, 2, 3, 4
"""

CALLS = f"""
SELECT provider, model, coalesce(sum(answered), 0)::bigint AS answered, coalesce(sum(failed), 0)::bigint AS failed
FROM call_minute WHERE {RANGE.format("minute")} GROUP BY 1, 2
"""

LATENCIES = f"""
SELECT provider, model, place::text, sum(number)::bigint AS number
FROM call_minute, unnest(latencies) WITH ORDINALITY AS t(number, place)
WHERE {RANGE.format("minute")} GROUP BY 1, 2, 3
"""


class Counters:
    """The counters, with the sums of settled hours in memory: keep one instance for the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls, self._latencies = Counted(CALLS, 2), Counted(LATENCIES, 3)
        self._most: dict[tuple[str, tuple[tuple[str, str], ...]], Number] = {}

    def read(self) -> list[Metric]:
        with self._lock, db.transaction(everywhere=True) as session:
            at = db.now(session)
            usage: Sums = {tuple(row[:4]): list(row[4:]) for row in db.rows(session, USAGE)}
            called, latencies = self._calls.read(session, at), self._latencies.read(session, at)
            return [*map(self._never_less, _usage(usage)), *_calls(called), _durations(latencies)]

    def _never_less(self, metric: Metric) -> Metric:
        """An estimate gives way to what a call did cost, and an answer turns out to be of no use: what goes back a
        little looks like a start from 0 to Prometheus."""
        samples = []
        for labels, value, suffix in metric.samples:
            key = metric.name, tuple(labels.items())
            self._most[key] = max(value, self._most.get(key, 0))
            samples.append((labels, self._most[key], suffix))
        return replace(metric, samples=samples)


def _usage(usage: Sums) -> Iterator[Metric]:
    records, tokens, money, unpriced = [], [], [], []
    spent: Sums = {}
    for (provider, model, lane, status), (called, reused, *sums) in usage.items():
        of = {"provider": provider, "model": model, "lane": lane}
        for number, is_reused in ((called, "false"), (reused, "true")):
            if number:
                records.append(({**of, "status": status, "reused": is_reused}, number, ""))
        before = spent.get((provider, model, lane), [0] * len(sums))
        spent[provider, model, lane] = [a + b for a, b in zip(before, sums, strict=True)]
    for (provider, model, lane), (*counts, cost, unknown) in spent.items():
        of = {"provider": provider, "model": model, "lane": lane}
        kinds = ("input", "cached_input", "cache_write", "output")
        tokens += [({**of, "kind": kind}, count, "") for kind, count in zip(kinds, counts, strict=True)]
        money.append((of, cost, ""))
        unpriced.append((of, unknown, ""))
    yield Metric("cairn_usage_records_total", "counter", "Calls that were billed, and answers reused.", records)
    yield Metric("cairn_tokens_total", "counter", "Tokens by kind; cached_input is not in input.", tokens)
    yield Metric("cairn_cost_usd_total", "counter", "USD spent, where the price is known.", money)
    yield Metric("cairn_unpriced_calls_total", "counter", "Calls without a known price.", unpriced)


def _calls(called: Sums) -> Iterator[Metric]:
    samples = [
        ({"provider": provider, "model": model, "outcome": outcome}, number, "")
        for (provider, model), numbers in called.items()
        for outcome, number in zip(("answered", "failed"), numbers, strict=True)
    ]
    yield Metric("cairn_calls_total", "counter", "Live calls by how they ended; each attempt counts.", samples)


# Buckets of a histogram; the last one takes all slower answers.
PLACES = 22


def _durations(latencies: Sums) -> Metric:
    """Cumulative buckets, as Prometheus wants them. The sum, in seconds, is estimated from the buckets' middles."""
    samples: list[tuple[dict[str, str], Number, str]] = []
    for provider, model in sorted({key[:2] for key in latencies}):
        of = {"provider": provider, "model": model}
        counted = {int(key[2]) - 1: int(sums[0]) for key, sums in latencies.items() if key[:2] == (provider, model)}
        for place in range(PLACES - 1):
            below = sum(number for other, number in counted.items() if other <= place)
            samples.append(({**of, "le": f"{2**place / 1000:g}"}, below, "_bucket"))
        everything = sum(counted.values())
        middles = sum(number * 0.75 * 2**place / 1000 for place, number in counted.items())
        samples.append(({**of, "le": "+Inf"}, everything, "_bucket"))
        samples += [(of, round(middles, 3), "_sum"), (of, everything, "_count")]
    return Metric("cairn_call_duration_seconds", "histogram", "How long live answers took.", samples)


def states() -> list[Metric]:
    """Gauges: rows by state, now."""
    with db.transaction(everywhere=True) as session:
        return [
            gauge(name, help_, *(_sample(row._mapping) for row in db.rows(session, sql))) for name, help_, sql in STATES
        ]


def _sample(row: object) -> tuple[dict[str, str], Number]:
    labels = {key: str(value) for key, value in row.items()}  # type: ignore[attr-defined]
    return labels, float(labels.pop("value"))


STATES = (
    (
        "cairn_requests",
        "Requests by state.",
        """SELECT r.state, r.lane, coalesce(j.provider, 'unknown') AS provider,
             coalesce(r.model, j.model, 'unknown') AS model, sum(r.number) AS value
           FROM (SELECT job_id, state, lane, coalesce(model, single ->> 'model') AS model, count(*) AS number
                 FROM request GROUP BY 1, 2, 3, 4) r LEFT JOIN job j ON j.id = r.job_id GROUP BY 1, 2, 3, 4""",
    ),
    ("cairn_jobs", "Jobs by state.", "SELECT state, lane, count(*) AS value FROM job GROUP BY 1, 2"),
    ("cairn_documents", "Documents by state.", "SELECT state, count(*) AS value FROM document GROUP BY 1"),
    (
        "cairn_provider_batches",
        "Provider batches by state.",
        "SELECT provider, state, count(*) AS value FROM provider_batch GROUP BY 1, 2",
    ),
    (
        "cairn_queue_tasks",
        "Tasks of the queue engine.",
        """SELECT queue_name AS queue, status::text AS status, count(*) AS value FROM procrastinate_jobs
           GROUP BY 1, 2""",
    ),
    (
        "cairn_breaker_state",
        "1 for the state that a circuit breaker is in.",
        """SELECT provider, model, s AS state, (b.state = s)::int AS value
           FROM breaker b, unnest(ARRAY['closed', 'open', 'half_open']) s""",
    ),
    (
        "cairn_rate_limit_blocked",
        "1 while a provider asked to wait.",
        """SELECT provider, model, coalesce(bool_or(blocked_until > now()), false)::int AS value FROM rate_limit
           GROUP BY 1, 2""",
    ),
)
