"""Places at which jobs processes are caught in the act: a call at the provider, a table they are about to write.

with place.armed(server, url) as reached:
    reached()  # now a process stands there, and does until the block ends
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg

from tests import databases
from tests.batch_provider import BatchProvider
from tests.databases import IN_THIS_DATABASE
from tests.processes.running import until


class Place(Protocol):
    def armed(self, server: BatchProvider, url: str) -> Any: ...


class AtProvider:
    """Points of the provider's holds; one that is named twice holds two calls.

    `before`: nothing is done yet, nor will be if the client has gone by then. `after`: all is done.
    """

    def __init__(self, *points: str, even_if_gone: bool = False):
        self.points = Counter(points)
        self.even_if_gone = even_if_gone

    @contextmanager
    def armed(self, server: BatchProvider, url: str) -> Iterator[Callable[[], None]]:
        for point, times in self.points.items():
            server.hold(point, times, even_if_gone=self.even_if_gone)
        yield lambda: self._reached(server)
        for point in self.points:
            server.release(point)

    def _reached(self, server: BatchProvider) -> None:
        for point, times in self.points.items():
            server.reached(point, count=times)


@dataclass(frozen=True)
class AtTable:
    """In a transaction, before a write to this table. `since`: locked from then on, as it is written before, too."""

    table: str
    writers: int = 1
    since: AtProvider | None = None
    mode: str = "SHARE"

    @contextmanager
    def armed(self, server: BatchProvider, url: str) -> Iterator[Callable[[], None]]:
        with psycopg.connect(databases.owners(url)) as connection:
            if self.since is None:
                self._lock(connection)
                yield lambda: self._reached(url)
            else:
                with self.since.armed(server, url) as reached_before:
                    yield lambda: self._lock_when(reached_before, connection, server, url)
            connection.rollback()

    def _lock_when(
        self, reached: Callable[[], None], connection: psycopg.Connection[Any], server: BatchProvider, url: str
    ) -> None:
        assert self.since is not None
        reached()
        self._lock(connection)
        for point in self.since.points:
            server.release(point)
        self._reached(url)

    def _lock(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(f"LOCK TABLE {self.table} IN {self.mode} MODE")

    def _reached(self, url: str) -> None:
        until(lambda: waiting(url, self.table) >= self.writers, lambda: f"nobody waits for {self.table}")


def waiting(url: str, table: str) -> int:
    """How many transactions wait for a lock on it."""
    with psycopg.connect(databases.owners(url), autocommit=True) as connection:
        row = connection.execute(
            f"""SELECT count(*)::int FROM pg_locks
                WHERE NOT granted AND relation = to_regclass(%s) AND {IN_THIS_DATABASE}""",
            (table,),
        ).fetchone()
    assert row is not None
    return int(row[0])
