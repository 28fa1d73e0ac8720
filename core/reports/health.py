"""Workers, queue and samples, as the Health page shows them."""

from dataclasses import dataclass
from datetime import datetime

from core import db
from core.settings import get_settings


@dataclass(frozen=True)
class WorkerRow:
    """`alive` while its lease holds."""

    id: int
    name: str
    started_at: datetime
    last_seen: datetime
    leader: bool
    busy: int
    alive: bool


@dataclass(frozen=True)
class SampleRow:
    component: str
    time: datetime
    healthy: bool
    latency_ms: float | None
    message: str


@dataclass(frozen=True)
class QueueRow:
    """Work that waits: how much, and since when the oldest of it."""

    queued_documents: int
    pending_requests: int
    in_flight_requests: int
    oldest_document: datetime | None


def workers() -> list[WorkerRow]:
    sql = """SELECT id, name, started_at, last_seen, leader, busy,
               last_seen > now() - make_interval(secs => :lease) AS alive
             FROM worker WHERE kind = 'jobs' AND last_seen > now() - interval '1 hour' ORDER BY id DESC LIMIT 50"""
    with db.transaction() as session:
        lease = get_settings().worker_lease_seconds
        return [WorkerRow(**row._mapping) for row in db.rows(session, sql, lease=lease)]


def latest_samples() -> list[SampleRow]:
    """The newest sample of each component."""
    sql = """SELECT DISTINCT ON (component) component, time, healthy, latency_ms, message FROM health_sample
             ORDER BY component, time DESC"""
    with db.transaction() as session:
        return [SampleRow(**row._mapping) for row in db.rows(session, sql)]


def samples(component: str, since: datetime) -> list[SampleRow]:
    sql = """SELECT component, time, healthy, latency_ms, message FROM health_sample
             WHERE component = :component AND time >= :since ORDER BY time"""
    with db.transaction() as session:
        return [SampleRow(**row._mapping) for row in db.rows(session, sql, component=component, since=since)]


def queue() -> QueueRow:
    sql = """SELECT
        (SELECT count(*) FROM document WHERE state = 'queued') AS queued_documents,
        (SELECT count(*) FROM request r JOIN job j ON j.id = r.job_id
          WHERE r.state = 'pending' AND j.state = 'running') AS pending_requests,
        (SELECT count(*) FROM request WHERE state IN ('in_flight', 'answered')) AS in_flight_requests,
        (SELECT min(created_at) FROM document WHERE state = 'queued') AS oldest_document"""
    with db.transaction() as session:
        found = db.row(session, sql)
    assert found is not None
    return QueueRow(**found._mapping)
