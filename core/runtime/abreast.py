"""Reports side by side: while one waits for its rows the others ask for theirs, and what they ask for goes to the
database in one round trip.

Each runs in a greenlet of its own, so it reads like any other report; all are of one thread, and another one goes on
only where one asks.
"""

import threading
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

import psycopg
from greenlet import getcurrent, greenlet
from sqlalchemy.exc import SQLAlchemyError

Given = ParamSpec("Given")
Found = TypeVar("Found")
Rows: TypeAlias = list[Any]
# A statement as the driver takes it, with what it is given.
Sent: TypeAlias = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Asked:
    """A statement that was not sent yet. `sql` is as the driver takes it; `carries`: whose rows it sees."""

    sql: str
    given: Mapping[str, Any]
    carries: str


class Report(Generic[Found]):
    """What becomes of one of the reports of a group."""

    def __init__(self, read: Callable[..., Found], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self._asked = read, args, kwargs
        self.context = copy_context()
        self.error: Exception | None = None

    def run(self) -> None:
        read, args, kwargs = self._asked
        try:
            self._found = read(*args, **kwargs)
        except Exception as error:
            self.error = error

    def answers(self, read: Callable[..., object], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        return self._asked == (read, args, kwargs)

    @property
    def found(self) -> Found:
        """Once the block of its group has ended. Raises what the report raised."""
        if self.error is not None:
            raise self.error
        return self._found


class Group:
    """`answer` brings the rows of several statements, in their order. `again`: it can also after an error, which ends a
    transaction."""

    def __init__(self, answer: Callable[[Sequence[Asked]], Sequence[Rows]], *, again: bool) -> None:
        self._answer = answer
        self._again = again
        self.thread = threading.get_ident()
        self.reports: list[Report[Any]] = []
        self._needed: list[Report[Any]] = []
        self._waiting: list[tuple[greenlet, Sequence[Asked]]] = []

    def read(self, report: Callable[Given, Found], /, *args: Given.args, **kwargs: Given.kwargs) -> Report[Found]:
        """What it raises is raised at the end of the block."""
        added = Report(report, args, kwargs)
        self.reports.append(added)
        self._needed.append(added)
        return added

    def ahead(self, report: Callable[Given, object], /, *args: Given.args, **kwargs: Given.kwargs) -> None:
        """For a part of the page that takes it by `db.read`: what it raises is raised there."""
        self.reports.append(Report(report, args, kwargs))

    def finish(self) -> None:
        for report in self.reports:
            self._begun(report).switch()  # until it asks, or has ended
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for go_on in self._answered(waiting):
                go_on()
        for report in self._needed:
            if report.error is not None:
                raise report.error

    def _answered(self, waiting: Sequence[tuple[greenlet, Sequence[Asked]]]) -> list[Callable[[], object]]:
        """How each goes on: with its rows, or with the error that its own statements meet. None is left where it is: it
        may hold a lock."""
        try:
            answers = iter(self._answer([asked for _, many in waiting for asked in many]))
            return [partial(one.switch, [next(answers) for _ in many]) for one, many in waiting]
        except Exception as error:
            if len(waiting) == 1 or not self._again or not isinstance(error, SQLAlchemyError):
                return [partial(one.throw, error) for one, _ in waiting]
            # One of them failed, and took the others with it.
            return [go_on for each in waiting for go_on in self._answered([each])]

    def _begun(self, report: Report[Any]) -> greenlet:
        one = greenlet(report.run)
        one.gr_context = report.context
        one.gr_context.run(_group.set, self)
        return one

    def ask(self, many: Sequence[Asked]) -> Sequence[Rows]:
        """Called within one of its reports."""
        one = getcurrent()
        self._waiting.append((one, many))
        assert one.parent is not None
        rows: Sequence[Rows] = one.parent.switch()
        return rows


_group: ContextVar[Group | None] = ContextVar("group", default=None)


def here() -> Group | None:
    """The group that this is read in. A thread that was given a report's context reads by itself."""
    group = _group.get()
    return group if group is not None and group.thread == threading.get_ident() else None


def answered(
    connection: psycopg.Connection[Any], asked: Sequence[Asked], carries: str, see: Callable[[str], Sent]
) -> list[Rows]:
    """In one round trip, and what several ask for once. `carries`: whose rows its transaction sees, before and after;
    `see` has it see others."""
    different: list[Asked] = []
    for one in asked:
        if one not in different:
            different.append(one)
    if len(different) == 1 and different[0].carries == carries:
        found = [connection.execute(different[0].sql, different[0].given)]
    else:
        with connection.pipeline():
            found = _sent(connection, different, carries, see)
    rows = [_rows(cursor) for cursor in found]
    return [list(rows[different.index(one)]) for one in asked]


def _sent(
    connection: psycopg.Connection[Any], asked: Sequence[Asked], carries: str, see: Callable[[str], Sent]
) -> list[psycopg.Cursor[Any]]:
    cursors = [connection.cursor() for _ in asked]
    seen = carries
    for wanted in dict.fromkeys([carries, *(one.carries for one in asked)]):
        if wanted != seen:
            connection.execute(*see(wanted))
            seen = wanted
        for one, cursor in zip(asked, cursors, strict=True):
            if one.carries == seen:
                cursor.execute(one.sql, one.given)
    if seen != carries:
        connection.execute(*see(carries))
    return cursors


def _rows(cursor: psycopg.Cursor[Any]) -> Rows:
    result = cursor.pgresult
    assert result is not None
    made = _kind_of_row(tuple(result.fname(number) or b"" for number in range(result.nfields)))
    return list(map(made, cursor.fetchall()))


@lru_cache(maxsize=1000)
def _kind_of_row(names: tuple[bytes, ...]) -> Callable[[Sequence[Any]], Any]:
    """Like those of SQLAlchemy: columns by position, by name, and all of them as `_mapping`."""
    kind: Any = namedtuple("Row", [name.decode() for name in names], rename=True)  # type: ignore[misc]
    setattr(kind, "_mapping", property(kind._asdict))  # noqa: B010
    made: Callable[[Sequence[Any]], Any] = kind._make
    return made
