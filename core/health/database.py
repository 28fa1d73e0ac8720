"""Whether the database answers and is migrated."""

import time
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from core.errors import Unavailable
from core.runtime import db, engines, migrate


@dataclass(frozen=True)
class DatabaseHealth:
    """`response_time_ms` is one round trip; `migration_status` up_to_date, pending, newer or unknown, `revision` the
    schema's own."""

    connected: bool
    response_time_ms: float | None
    active_connections: int
    pool_size: int
    migration_status: str
    error: str | None
    revision: str | None = None

    @property
    def healthy(self) -> bool:
        return self.connected and self.migration_status == "up_to_date"


REVISION = "SELECT version_num FROM alembic_version"


def database() -> DatabaseHealth:
    pool = engines.engine().pool
    assert isinstance(pool, QueuePool)
    active, size = pool.checkedout(), pool.size()
    try:
        with db.reading(everywhere=True) as session:
            migrated = db.scalar(session, "SELECT to_regclass('alembic_version')")
            begun = time.perf_counter()
            revision = db.scalar(session, REVISION if migrated else "SELECT NULL")
            milliseconds = (time.perf_counter() - begun) * 1000
    except (SQLAlchemyError, Unavailable):
        return DatabaseHealth(False, None, active, size, "unknown", "Database connection failed")
    status, error = standing(revision)
    return DatabaseHealth(True, round(milliseconds, 2), active, size, status, error, revision)


def standing(revision: str | None) -> tuple[str, str | None]:
    """(migration_status of a schema at this revision, what to do about it or None)."""
    head = migrate.head()
    if revision == head:
        return "up_to_date", None
    if revision is None or revision in migrate.known():
        at = revision or "nothing"
        return "pending", f"The schema is at {at} and not at {head}. Start Cairn again, or run: alembic upgrade head"
    return "newer", f"The schema is at {revision}, which this version does not know: run the version that made it."
