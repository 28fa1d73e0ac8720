"""Read-only: workers, queue, reuse and samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.environment import get_settings
from core.runtime import db, worker_lease
from core.tables.jobs import MOVABLE, in_sql


@dataclass(frozen=True)
class WorkerRow:
    """`alive` while its lease holds. `kind` is jobs or web."""

    id: int
    name: str
    kind: str
    started_at: datetime
    last_seen: datetime
    leader: bool
    busy: int
    memory_bytes: int
    cpu_seconds: float
    alive: bool


@dataclass(frozen=True)
class SampleRow:
    """The newest sample of a component; `since`: from when on, without a break, `healthy` has been the same."""

    component: str
    time: datetime
    since: datetime
    healthy: bool
    message: str
    figures: Mapping[str, float]


@dataclass(frozen=True)
class PastRow:
    """A component in a stretch of time from `time` on: the share of healthy samples, and the means of its figures."""

    component: str
    time: datetime
    healthy: float
    figures: Mapping[str, float]


@dataclass(frozen=True)
class QueueRow:
    """Work that waits, and since when the oldest of it does. `tasks` are the queue engine's."""

    queued_documents: int
    pending_requests: int
    in_flight_requests: int
    tasks: int
    oldest_document: datetime | None
    oldest_task: datetime | None

    @property
    def oldest(self) -> datetime | None:
        return min((moment for moment in (self.oldest_document, self.oldest_task) if moment), default=None)


@dataclass(frozen=True)
class ReuseRow:
    """Answers of the last hour: from a call, and reused."""

    called: int
    reused: int


def workers(kind: str | None = "jobs") -> list[WorkerRow]:
    """Workers seen in the last hour, the newest first, of each kind at most 50. `kind` None: jobs and web."""
    with db.reading(everywhere=True) as session:
        lease = get_settings().worker_lease_seconds
        return [WorkerRow(**row._mapping) for row in db.rows(session, WORKERS, lease=lease, kind=kind)]


WORKERS = f"""
SELECT id, name, kind, started_at, last_seen, leader, busy, memory_bytes, cpu_seconds, alive FROM (
  SELECT *, {worker_lease.alive("worker")} AS alive, row_number() OVER (PARTITION BY kind ORDER BY id DESC) AS place
  FROM worker WHERE (CAST(:kind AS text) IS NULL OR kind = :kind) AND last_seen > now() - interval '1 hour'
) w WHERE place <= 50 ORDER BY id DESC
"""


def latest_samples() -> list[SampleRow]:
    """The newest sample of each component."""
    with db.reading(everywhere=True) as session:
        return [SampleRow(**row._mapping) for row in db.rows(session, LATEST)]


# Steps from component to component on the index: DISTINCT ON would read every sample of thirty days.
LATEST = """
WITH RECURSIVE known AS (
  SELECT min(component) AS component FROM health_sample
  UNION ALL
  SELECT (SELECT min(component) FROM health_sample h WHERE h.component > known.component) FROM known
  WHERE known.component IS NOT NULL
)
SELECT s.component, s.time, s.healthy, s.message, s.figures, coalesce(f.since, s.time) AS since
FROM known
CROSS JOIN LATERAL (
  SELECT * FROM health_sample h WHERE h.component = known.component ORDER BY time DESC LIMIT 1
) s
LEFT JOIN LATERAL (
  SELECT max(time) AS time FROM health_sample h WHERE h.component = s.component AND NOT healthy AND s.healthy
) ill ON true
LEFT JOIN LATERAL (
  SELECT time FROM health_sample h WHERE h.component = s.component AND healthy AND NOT s.healthy
  ORDER BY h.time DESC LIMIT 1
) well ON true
LEFT JOIN LATERAL (
  SELECT min(time) AS since FROM health_sample h
  WHERE h.component = s.component AND h.time > coalesce(ill.time, well.time, '-infinity')
) f ON true
ORDER BY s.component
"""


def newest_sample() -> datetime | None:
    """When the newest sample was taken: what `past` returns changes with it alone."""
    with db.reading() as session:  # of no workspace
        newest: datetime | None = db.scalar(session, NEWEST)
        return newest


def past(start: datetime, step: timedelta) -> list[PastRow]:
    """Samples since `start`, in stretches of `step`; from one hour on, out of the hours that were rolled up."""
    hourly = step >= timedelta(hours=1)
    with db.reading(everywhere=True) as session:
        found = db.rows(session, HOURS if hourly else SAMPLES, start=start, step=step)
        return [PastRow(row.component, row.time, row.healthy, row.figures) for row in found]


NEWEST = "SELECT greatest((SELECT max(time) FROM health_sample), (SELECT max(hour) FROM health_hour))"

_BINNED = """
, figure AS (
  SELECT b.component, b.bin, f.key, sum(f.value::float8 * b.weight) / sum(b.weight) AS mean
  FROM binned b CROSS JOIN LATERAL jsonb_each_text(b.figures) f GROUP BY 1, 2, 3
), figures AS (
  SELECT component, bin, jsonb_object_agg(key, mean) AS figures FROM figure GROUP BY 1, 2
), well AS (
  SELECT component, bin, sum(healthy)::float8 / sum(weight) AS healthy FROM binned GROUP BY 1, 2
)
SELECT w.component, w.bin AS time, w.healthy, coalesce(f.figures, '{}') AS figures
FROM well w LEFT JOIN figures f USING (component, bin) ORDER BY 1, 2
"""

SAMPLES = f"""
WITH binned AS (
  SELECT component, date_bin(:step, time, CAST(:start AS timestamptz)) AS bin, healthy::int AS healthy, 1 AS weight,
    figures
  FROM health_sample WHERE time >= :start
) {_BINNED}
"""

HOURS = f"""
WITH binned AS (
  SELECT component, date_bin(:step, hour, CAST(:start AS timestamptz)) AS bin, healthy, samples AS weight, figures
  FROM health_hour WHERE hour >= :start
) {_BINNED}
"""


def queue() -> QueueRow:
    with db.reading(everywhere=True) as session:
        found = db.row(session, QUEUE)
    assert found is not None
    return QueueRow(**found._mapping)


QUEUE = """
SELECT
  (SELECT count(*) FROM document WHERE state = 'queued') AS queued_documents,
  (SELECT count(*) FROM request r JOIN job j ON j.id = r.job_id
    WHERE r.state = 'pending' AND j.state = 'running') AS pending_requests,
  (SELECT count(*) FROM request WHERE state IN ('in_flight', 'answered')) AS in_flight_requests,
  (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo') AS tasks,
  (SELECT min(waiting_since) FROM document WHERE state = 'queued') AS oldest_document,
  (SELECT min(e.at) FROM procrastinate_jobs t JOIN procrastinate_events e ON e.job_id = t.id AND e.type = 'deferred'
    WHERE t.status = 'todo') AS oldest_task
"""


def reuse() -> ReuseRow:
    sql = """SELECT count(*) FILTER (WHERE NOT reused) AS called, count(*) FILTER (WHERE reused) AS reused
             FROM usage_record WHERE time > now() - interval '1 hour'"""
    with db.reading(everywhere=True) as session:
        found = db.row(session, sql)
    assert found is not None
    return ReuseRow(**found._mapping)


def database_bytes() -> int:
    with db.reading(everywhere=True) as session:
        size: int = db.scalar(session, "SELECT pg_database_size(current_database())")
        return size


def models_of_jobs() -> set[tuple[str, str]]:
    """Providers and models of the jobs of thirty days, and of those that are under way."""
    with db.reading(everywhere=True) as session:
        return {(row.provider, row.model) for row in db.rows(session, MODELS_OF_JOBS)}


MODELS_OF_JOBS = f"""
SELECT DISTINCT provider, model FROM job
WHERE created_at > now() - interval '30 days' OR state IN {in_sql(MOVABLE)}
"""
