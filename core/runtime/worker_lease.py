"""A worker's lease: a thread of its own renews `last_seen` of the worker's row every few seconds. What a worker claims
is its own for as long as its lease holds."""

import threading
from collections.abc import Callable
from typing import Literal

import psutil
import structlog
from sqlmodel import Session

from core.environment import get_settings
from core.errors import Unavailable
from core.runtime import db, engines, shared_clock

log = structlog.get_logger()


Kind = Literal["jobs", "web"]


def alive(worker: str) -> str:
    """SQL: the lease of this row of table worker holds. Parameter `lease`: seconds."""
    return f"{worker}.last_seen > now() - make_interval(secs => :lease)"


def dead(worker_id: str) -> str:
    """SQL: no worker that is alive has this id. Parameter `lease`: seconds."""
    return f"NOT EXISTS (SELECT 1 FROM worker WHERE worker.id = {worker_id} AND {alive('worker')})"


# SQL: PostgreSQL runs for less than a lease. While it was away nobody could renew one, so nobody counts as dead yet.
# A start in the future means that the server's clock was set back since.
JUST_STARTED = "pg_postmaster_start_time() BETWEEN now() - make_interval(secs => :lease) AND now()"


def register(name: str, kind: Kind = "jobs") -> int:
    """The id of a new worker, whose lease begins now."""
    with db.transaction() as session:
        shared_clock.read(session)
        made = "INSERT INTO worker (name, kind) VALUES (:name, :kind) RETURNING id"
        worker_id: int = db.scalar(session, made, name=name, kind=kind)
        return worker_id


def renew(session: Session, worker_id: int | None) -> None:
    """With each claim: a worker that was stopped for longer than its lease, as a machine that slept, may claim before
    its heartbeat goes on, and what it claims would be taken over at once. None: of no worker."""
    db.execute(session, "UPDATE worker SET last_seen = now() WHERE id = :worker", worker=worker_id)


def connection_name(worker_id: int, kind: Kind = "jobs") -> str:
    """The name of this worker's connections in pg_stat_activity: the connections of a dead worker are found by it."""
    return f"cairn {kind} {worker_id} {engines.process_name()}"


def name_connections(worker_id: int, kind: Kind = "jobs") -> None:
    """From now on this process's connections carry its worker's name."""
    url = engines.engine().url.render_as_string(hide_password=False)
    engines.configure(url, application_name=connection_name(worker_id, kind))


def end_transactions_of_the_dead(session: Session) -> None:
    """A worker that is stopped, or loses its network, within a transaction would keep its locks for ever."""
    db.execute(session, END_TRANSACTIONS, lease=get_settings().worker_lease_seconds)


END_TRANSACTIONS = f"""
SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.usename = session_user AND a.xact_start IS NOT NULL
  AND a.application_name ~ '^cairn (jobs|web) [0-9]+ '
  AND NOT {JUST_STARTED} AND {dead("split_part(a.application_name, ' ', 3)::bigint")}
"""


# Renews the lease. A worker that could not for a day was forgotten, so its row may have to be made again.
SEEN = """
INSERT INTO worker (id, name, kind, busy, leader, memory_bytes, cpu_seconds) OVERRIDING SYSTEM VALUE
VALUES (:id, :name, :kind, :busy, :leader, :memory, :cpu)
ON CONFLICT (id) DO UPDATE SET last_seen = now(), busy = excluded.busy, leader = excluded.leader,
  memory_bytes = excluded.memory_bytes, cpu_seconds = excluded.cpu_seconds
"""


class Heartbeat:
    """Renews a worker's lease. `look` returns the number of calls in flight and whether this process leads."""

    def __init__(self, worker_id: int, name: str, look: Callable[[], tuple[int, bool]], kind: Kind = "jobs"):
        self._worker_id = worker_id
        self._name = name
        self._kind = kind
        self._look = look
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the lease: what the worker still holds is free at once."""
        self._stop.set()
        self._thread.join(timeout=2)
        try:
            with db.transaction() as session:
                db.execute(session, "DELETE FROM worker WHERE id = :id", id=self._worker_id)
        except Unavailable:
            log.info("the database is gone before the worker could leave; its lease ends by itself")

    def _run(self) -> None:
        # A connection of its own: a process whose other connections are all busy is alive.
        connection = engines.apart(connection_name(self._worker_id, self._kind))
        own = psutil.Process()
        interval = min(3.0, get_settings().worker_lease_seconds / 5)
        while not self._stop.wait(interval):
            try:
                busy, leader = self._look()
                times = own.cpu_times()
                seen = {
                    "id": self._worker_id,
                    "name": self._name,
                    "kind": self._kind,
                    "busy": busy,
                    "leader": leader,
                    "memory": own.memory_info().rss,
                    "cpu": times.user + times.system,
                }
                with db.transaction(connection) as session:
                    shared_clock.read(session)
                    db.execute(session, SEEN, **seen)
            except Unavailable as error:
                log.warning("heartbeat missed", reason=error.message)
            except Exception:
                # Without renewals all that this worker does would be taken from it: this thread must outlive any error.
                log.exception("heartbeat missed")
        connection.dispose()
