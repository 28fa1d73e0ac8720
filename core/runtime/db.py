"""The one place where a transaction begins and ends.

Only use cases open `transaction()`; everything below them is handed its session. A transaction carries its workspace
(`core.runtime.workspace`): a statement that names `:workspace`, or `%(workspace)s` with arrays, is given it, and the
policies of the walled tables (`core.runtime.policies`) show it no rows of another. Machinery for all workspaces opens
`transaction(everywhere=True)`.

Reports open `reading()`. A page asks many of them in one run: within `together()` they share one transaction, and
`side_by_side()` reads several in one round trip.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Literal, Protocol, TypeVar, cast

import psycopg
from sqlalchemy import CursorResult, Engine, Row, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlmodel import Session, col, select

from core.runtime import abreast, beginning, database_errors, engines, workspace
from core.runtime.abreast import Found, Given
from core.runtime.beginning import ALL, Reads


def make_session(of: Engine | None = None, *, everywhere: bool | None = None, reads: Reads = "and writes") -> Session:
    carries, here = _carried(everywhere)
    session = Session(_carrying(of or engines.engine(), carries, reads), expire_on_commit=False)
    session.info.update(workspace=here, carries=carries, reads=reads)
    return session


def _carried(everywhere: bool | None) -> tuple[str, str]:
    """(whose rows are seen, the workspace at hand)."""
    here = workspace.current()
    return ALL if (workspace.is_everywhere() if everywhere is None else everywhere) else here, here


@lru_cache(maxsize=100)
def _carrying(of: Engine, carries: str, reads: Reads) -> Engine:
    return of.execution_options(carries=carries, reads=reads)


@contextmanager
def transaction(
    of: Engine | None = None, *, everywhere: bool | None = None, reads: Reads = "and writes"
) -> Iterator[Session]:
    """A session that commits at the end of the block and rolls back on any exception. `everywhere`: whether it sees the
    rows of all workspaces; None: as this process does. `reads` "snapshot": all of its statements see the database as it
    is at the first of them, and change nothing.

    A database that cannot be reached becomes Unavailable, which is worth a retry.
    """
    assert abreast.here() is None, "what is read side by side opens no transaction"
    # Whoever held one connection and waited for a second could wait for ever for others who do the same.
    if (shared := _shared_here()) is not None:
        shared.end()
    try:
        with make_session(of, everywhere=everywhere, reads=reads) as session, session.begin():
            yield session
    except Exception as error:
        database_errors.hide_values(error)
        database_errors.raise_if_away(error)
        raise
    finally:
        if shared is not None:
            shared.known.clear()


@contextmanager
def reading(*, everywhere: bool | None = None) -> Iterator[Session]:
    """A session for statements that change nothing: a transaction, or the one that is shared `together()`."""
    if abreast.here() is not None:
        yield _asking(everywhere)
        return
    if (shared := _shared_here()) is None:
        with transaction(everywhere=everywhere, reads="now") as session:
            yield session
        return
    try:
        with shared.seeing(everywhere) as session:
            yield session
    except Exception as error:
        shared.end(failed=True)
        database_errors.hide_values(error)
        database_errors.raise_if_away(error)
        raise


@contextmanager
def snapshot() -> Iterator[Session]:
    """A reading whose statements are all of one moment."""
    here = abreast.here() is not None or _shared_here() is not None
    with reading() if here else transaction(reads="snapshot") as session:
        yield session


@contextmanager
def together() -> Iterator[None]:
    """Within the block this thread's readings share one transaction, until another one is opened: they are of one
    moment, and see what the block itself has written."""
    if _shared_here() is not None:
        yield
        return
    shared = _Shared()
    token = _shared.set(shared)
    try:
        yield
    finally:
        _shared.reset(token)
        shared.close()


@contextmanager
def side_by_side(within: Session | None = None) -> Iterator[abreast.Group]:
    """Reports that are handed to what this yields have been read at the end of the block, in as many round trips as the
    one that needs most: by `within`, else in a reading. Until the transaction ends, `read` knows them."""
    outer = abreast.here()
    with nullcontext() if outer or within else together():
        group = abreast.Group(outer.ask if outer else partial(_answered, within), again=within is None)
        yield group
        group.finish()
        if (shared := _shared_here()) is not None:
            shared.known += group.reports


def read(report: Callable[Given, Found], /, *args: Given.args, **kwargs: Given.kwargs) -> Found:
    """What a part of a page shows: as it was read `side_by_side` with the rest of the page, else it is read now."""
    shared, here = _shared_here(), workspace.current()
    for one in shared.known if shared else ():
        if one.answers(report, args, kwargs) and one.context.run(workspace.current) == here:
            found: Found = one.found
            return found
    return report(*args, **kwargs)


def _answered(within: Session | None, asked: Sequence[abreast.Asked]) -> list[abreast.Rows]:
    with nullcontext(within) if within else reading() as session:
        see, connection = partial(_seeing, session), driver_connection(session)
        try:
            return abreast.answered(connection, asked, session.info["carries"], see)
        except psycopg.Error as error:
            raise DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True) from error


@dataclass(frozen=True)
class _Asking:
    """What a report has for a session where it is read side by side with others: `rows`, `row`, `scalar` and `columns`
    take it, and nothing else does."""

    info: dict[str, Any]


def _asking(everywhere: bool | None) -> Session:
    carries, here = _carried(everywhere)
    return cast(Session, _Asking({"workspace": here, "carries": carries, "reads": "page"}))


class _Shared:
    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self._session: Session | None = None
        self._within = 0  # readings that are open
        self.known: list[abreast.Report[Any]] = []
        self._begun: dict[str, Any] = {}
        self._ended: list[Session] = []

    @contextmanager
    def seeing(self, everywhere: bool | None) -> Iterator[Session]:
        """Of the workspace at hand, seeing its rows or all. What a reading within another one sees ends with it."""
        wanted = make_session(everywhere=everywhere, reads="page")
        if self._session is None:
            self._session, self._begun = wanted, dict(wanted.info)
        session, before = self._session, dict(self._session.info)
        _look(session, wanted.info)
        self._within += 1
        try:
            yield session
        finally:
            self._within -= 1
        if self._within and session is self._session:
            _look(session, before)

    def end(self, *, failed: bool = False) -> None:
        session, self._session = self._session, None
        self.known.clear()
        if session is not None:
            _close(session, failed=failed)
            # A reading that still holds it begins another transaction with it, which carries this.
            session.info.update(self._begun)
            self._ended.append(session)

    def close(self) -> None:
        self.end()
        for session in self._ended:
            _close(session)


def _close(session: Session, *, failed: bool = False) -> None:
    """A connection that broke has been reported by the statement that met it."""
    # Nothing was changed, and a rollback has the driver forget the statements that it has prepared: as it should after
    # an error, for what they are about may have been migrated.
    if not failed:
        with suppress(SQLAlchemyError):
            session.commit()
    with suppress(SQLAlchemyError):
        session.close()


def _look(session: Session, wanted: Mapping[str, Any]) -> None:
    """One round trip where another transaction would take four."""
    if session.info["carries"] != wanted["carries"]:
        _see(session, wanted["carries"])
    session.info.update(wanted)


_shared: ContextVar[_Shared | None] = ContextVar("shared", default=None)


def _shared_here() -> _Shared | None:
    """A thread that was given this one's context has its own transactions."""
    shared = _shared.get()
    return shared if shared is not None and shared.thread == threading.get_ident() else None


def workspace_of(session: Session) -> str:
    """The id of the workspace that this transaction carries."""
    carried: str = session.info["workspace"]
    return carried


def is_snapshot(session: Session) -> bool:
    """Whether all statements of this transaction see the same."""
    return session.info["reads"] in beginning.OF_ONE_MOMENT


@contextmanager
def seeing_all(session: Session) -> Iterator[None]:
    """Within the block this transaction sees the rows of all workspaces: for what is counted or kept once for all."""
    before = session.info["carries"]
    if before == ALL:
        yield
        return
    _see(session, ALL)
    session.info["carries"] = ALL
    try:
        yield
    finally:
        session.info["carries"] = before
        # After an error of the database the transaction is over, and its settings with it.
        with suppress(SQLAlchemyError):
            _see(session, before)


def _see(session: Session, carries: str) -> None:
    sql, given = _seeing(session, carries)
    session.connection().exec_driver_sql(sql, dict(given))


def _seeing(session: Session, carries: str) -> abreast.Sent:
    role = session.connection().info[engines.EVERYWHERE] if carries == ALL else None
    return beginning.seeing(carries, role, session.info["reads"])


class Walled(Protocol):
    id: str
    workspace_id: str


Row_ = TypeVar("Row_", bound=Walled)
Lock = Literal["update", "no key update"]


def within(session: Session, kind: type[Row_], id_: str, lock: Lock | None = None) -> Row_ | None:
    """The row of that id if it belongs to this transaction's workspace: `session.get` that keeps the wall."""
    here = select(kind).where(col(kind.id) == id_, col(kind.workspace_id) == workspace_of(session))
    if lock:
        here = here.with_for_update(key_share=lock == "no key update").execution_options(populate_existing=True)
    return session.exec(here).first()


def _given(session: Session, sql: str, mark: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"workspace": workspace_of(session), **params} if mark in sql else params


def _run(session: Session, sql: str, params: dict[str, Any]) -> CursorResult[Any]:
    return session.connection().execute(_statement(sql), _given(session, sql, ":workspace", params))


# Statements are constants: what is read of each once need not be read again.
_statement = lru_cache(maxsize=1000)(text)


@lru_cache(maxsize=1000)
def _as_driver(sql: str) -> str:
    return str(_statement(sql).compile(engines.engine()))


def _asked(session: Session, sql: str, given: Mapping[str, Any], group: abreast.Group) -> list[Row[Any]]:
    (found,) = group.ask([abreast.Asked(sql, given, session.info["carries"])])
    return found


def rows(session: Session, sql: str, **params: Any) -> list[Row[Any]]:
    """All rows of a set-based statement."""
    if (group := abreast.here()) is not None:
        return _asked(session, _as_driver(sql), _given(session, sql, ":workspace", params), group)
    return list(_run(session, sql, params))


def stream(session: Session, sql: str, **params: Any) -> Iterator[Row[Any]]:
    """The rows of a statement that may have very many, by a cursor: a few hundred of them are in memory at a time."""
    given = _given(session, sql, ":workspace", params)
    yield from session.connection().execute(_statement(sql), given, execution_options={"yield_per": 500})


def row(session: Session, sql: str, **params: Any) -> Row[Any] | None:
    return next(iter(rows(session, sql, **params)), None)


def scalar(session: Session, sql: str, **params: Any) -> Any:
    found = row(session, sql, **params)
    return None if found is None else found[0]


def execute(session: Session, sql: str, **params: Any) -> int:
    """Run a statement and return how many rows it touched, for conditional updates."""
    return _run(session, sql, params).rowcount


def bound_lock_waits(session: Session, seconds: float) -> None:
    """From now on a statement of this transaction that waits longer for a lock fails.

    A process that is stopped in a transaction keeps its locks: taking over from it must not wait for them.
    """
    execute(session, "SELECT set_config('lock_timeout', :wait, true)", wait=f"{seconds}s")


def columns(session: Session, sql: str, **columns: Any) -> list[Row[Any]]:
    """Run a statement that takes an array for each column, as `unnest(%(name)s::type[])`; returns its rows, if any.

    Long texts go as `%(name)b::text[]`: with `s` the driver escapes every quote in them, which takes thirty times as
    long.
    """
    given = _given(session, sql, "%(workspace)s", columns)
    if (group := abreast.here()) is not None:
        return _asked(session, sql, given, group)
    result = session.connection().exec_driver_sql(sql, given)
    return list(result) if result.returns_rows else []


def driver_connection(session: Session) -> psycopg.Connection[Any]:
    """The psycopg connection under this session's transaction, for COPY and the queue."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def now(session: Session) -> datetime:
    """The database's clock: the only one that all processes share."""
    moment: datetime = scalar(session, "SELECT now()")
    return moment
