"""Connections: one engine per process, and what each connection and each transaction on it begin with."""

import os
import socket
import threading
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from core.environment import get_settings
from core.errors import ConfigurationError
from core.runtime import beginning
from core.runtime.beginning import ALL

_engine: Engine | None = None
_lock = threading.Lock()


def process_name() -> str:
    """host:pid, by which an operator finds this process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def configure(url: str, *, pool_size: int | None = None, application_name: str | None = None) -> Engine:
    """Point this process at a database. Called once at start; tests call it again for a fresh database."""
    global _engine
    settings = get_settings()
    with _lock:
        if _engine is not None:
            _engine.dispose()
        _engine = _made(url, application_name, pool_size=pool_size or settings.database_pool_size)
    return _engine


def _made(url: str, application_name: str | None, **pool: int) -> Engine:
    made = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_timeout=get_settings().database_pool_timeout,
        pool_pre_ping=True,
        # The one that was used last has the plans of its statements at hand.
        pool_use_lifo=True,
        # An error's message goes to the logs, and parameters hold document text and prompts.
        hide_parameters=True,
        connect_args={
            "application_name": application_name or f"cairn {process_name()}",
            "connect_timeout": 10,
            # Transactions are begun here, with what they carry: see `_begin`.
            "autocommit": True,
        },
        **pool,
    )
    event.listen(made, "connect", _connected)
    event.listen(made, "begin", _begin)
    return made


def _connected(connection: Any, record: ConnectionPoolEntry) -> None:
    """The role that sees all workspaces, where there is one for ours: core.runtime.policies."""
    (record.info[EVERYWHERE],) = connection.cursor().execute(ROLE_EVERYWHERE).fetchone()
    connection.prepared_max = PREPARED


EVERYWHERE = "everywhere"
# All pages together have more statements than the hundred that the driver would keep; a prepared one takes half as
# long.
PREPARED = 400
# Owners and superusers see all as they are, and would see less as any other.
ROLE_EVERYWHERE = """
SELECT (SELECT e.rolname::text FROM pg_roles e JOIN pg_class t ON t.oid = to_regclass('workspace')
        WHERE e.rolname = session_user || '_everywhere' AND pg_has_role(session_user, e.oid, 'MEMBER')
          AND NOT pg_has_role(session_user, t.relowner, 'MEMBER'))
"""


def _begin(connection: Connection) -> None:
    """One round trip, as long as a bare BEGIN takes. The settings end with the transaction."""
    options = connection.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    carried = options.get("carries")
    role = connection.info[EVERYWHERE] if carried == ALL else None
    begin = b"BEGIN" if carried is None else beginning.opening(carried, role, options["reads"])
    driver_connection = connection.connection.driver_connection
    assert isinstance(driver_connection, psycopg.Connection)
    driver_connection.execute(begin)


def apart(application_name: str, url: str | None = None) -> Engine:
    """An engine with one connection, for work that must not wait for this process's pool, or as another role. The
    caller disposes of it."""
    url = url or engine().url.render_as_string(hide_password=False)
    return _made(url, application_name, pool_size=1, max_overflow=0)


def engine() -> Engine:
    if _engine is None:
        url = get_settings().database_url
        if url is None:
            raise ConfigurationError("No database is configured: set DATABASE_URL or start the app with `make run`.")
        return configure(url)
    return _engine
