"""What is well and what is not: measured now for the routes, sampled every 30 s for the page."""

import time
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool
from sqlmodel import Session

from core import db, migrate
from core.errors import Unavailable
from core.models import HealthSample
from core.settings import get_settings


@dataclass(frozen=True)
class DatabaseHealth:
    """`response_time_ms` is one round trip; `migration_status` up_to_date, pending or unknown."""

    connected: bool
    response_time_ms: float | None
    active_connections: int
    pool_size: int
    migration_status: str
    error: str | None

    @property
    def healthy(self) -> bool:
        return self.connected and self.migration_status == "up_to_date"


def database() -> DatabaseHealth:
    pool = db.engine().pool
    assert isinstance(pool, QueuePool)
    active, size = pool.checkedout(), pool.size()
    try:
        with db.engine().connect() as connection:
            begun = time.perf_counter()
            connection.execute(text("SELECT 1"))
            milliseconds = (time.perf_counter() - begun) * 1000
            at_head = migrate.revision(connection) == migrate.head()
    except (SQLAlchemyError, Unavailable):
        return DatabaseHealth(False, None, active, size, "unknown", "Database connection failed")
    error = None if at_head else "The database's schema is not at this version: run `alembic upgrade head`."
    return DatabaseHealth(True, round(milliseconds, 2), active, size, "up_to_date" if at_head else "pending", error)


def take_samples(*, ticking: bool) -> None:
    """One sample each of database, worker and scheduler; of the last only while it ticks: its newest one gets old."""
    found = database()
    with db.transaction() as session:
        samples = [
            HealthSample(
                component="database",
                healthy=found.healthy,
                latency_ms=found.response_time_ms,
                message=found.error or "",
            ),
            _worker_sample(session),
        ]
        if ticking:
            samples.append(HealthSample(component="scheduler", healthy=True, message="ticking"))
        session.add_all(samples)
        db.execute(session, "DELETE FROM health_sample WHERE time < now() - interval '30 days'")


def _worker_sample(session: Session) -> HealthSample:
    lease = get_settings().worker_lease_seconds
    counted = "SELECT count(*) FROM worker WHERE kind = 'jobs' AND last_seen > now() - make_interval(secs => :lease)"
    alive = db.scalar(session, counted, lease=lease)
    message = f"{alive} alive" if alive else "No worker is alive: start `python -m jobs`."
    return HealthSample(component="worker", healthy=alive > 0, message=message)
