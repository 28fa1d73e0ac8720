"""What is well and what is not: the database measured at once for the routes, everything sampled every 30 s."""

import time
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from core import db, migrate
from core.errors import Unavailable


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
