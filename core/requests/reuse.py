"""Which answers are reused, and how they are found.

A fingerprint's answer is looked up in PostgreSQL: for jobs inside the statement that claims a block of requests, for a
single text alone. In front of the single lookups stands a memory of fingerprint -> response id, so that what is known
need not wait for anyone's claim. That pair never changes; whether the answer is still there and still reusable does,
so PostgreSQL is asked on every use and memory is never believed.

Where the lookup fails and the rest of the database works, work goes on without it: what is known is asked again, and
`health` says so.
"""

import functools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from core.errors import InvalidInput, NotFound, Unavailable
from core.requests import former_models
from core.runtime import db
from core.tables.settings import AuditEntry

log = structlog.get_logger()
P = ParamSpec("P")
T = TypeVar("T")
# As in the index ix_response_reusable.
REUSABLE = "s.verdict = 'ok' AND s.invalidated_at IS NULL"
MEMORY_ENTRIES = 10_000
# After a lookup that failed, so long without any.
WITHOUT_SECONDS = 30.0
_without_until = 0.0


def looks_up() -> bool:
    return time.monotonic() >= _without_until


def known(fingerprint: str) -> str:
    """SQL for the response that answers this SQL's fingerprint, or NULL."""
    if not looks_up():
        return "CAST(NULL AS bigint)"
    return f"(SELECT s.id FROM response s WHERE s.fingerprint = {fingerprint} AND {REUSABLE} ORDER BY s.id LIMIT 1)"


def is_known(fingerprint: str) -> str:
    """SQL for whether there is one."""
    if not looks_up():
        return "false"
    return f"EXISTS (SELECT 1 FROM response s WHERE s.fingerprint = {fingerprint} AND {REUSABLE})"


def or_without(work: Callable[P, T]) -> Callable[P, T]:
    """A use case that is done once more, without reuse, where it is the lookup that fails."""

    @functools.wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        global _without_until
        try:
            return work(*args, **kwargs)
        except DBAPIError as error:
            if not looks_up() or health().healthy:
                raise
            _without_until = time.monotonic() + WITHOUT_SECONDS
            log.error("answers cannot be looked up; work goes on without reuse", reason=type(error.orig).__name__)
            return work(*args, **kwargs)

    return run


@dataclass(frozen=True)
class ReuseHealth:
    healthy: bool
    latency_ms: float | None
    message: str


def health() -> ReuseHealth:
    """Measured by a lookup that finds nothing."""
    begun = time.perf_counter()
    try:
        with db.transaction() as session:
            db.row(session, f"SELECT s.id FROM response s WHERE s.fingerprint = :none AND {REUSABLE}", none="")
    except Unavailable as error:
        return ReuseHealth(False, None, error.message)
    except DBAPIError as error:
        return ReuseHealth(False, None, FAILING.format(kind=type(error.orig).__name__))
    milliseconds = round((time.perf_counter() - begun) * 1000, 2)
    return ReuseHealth(True, milliseconds, f"{memory.size:,} of {memory.most:,} fingerprints in this process's memory")


FAILING = (
    "Answers cannot be looked up ({kind}): work goes on without reuse and pays for what is known. Look at the table "
    "response and its index ix_response_reusable: REINDEX, or migrate."
)


class Memory:
    """The fingerprints that were met last, with their response's id."""

    def __init__(self, most: int):
        self.most = most
        self.hits = 0
        self._ids: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        return len(self._ids)

    def get(self, fingerprint: str) -> int | None:
        with self._lock:
            found = self._ids.get(fingerprint)
            if found is not None:
                self._ids.move_to_end(fingerprint)
            return found

    def put(self, fingerprint: str, response_id: int) -> None:
        with self._lock:
            self._ids[fingerprint] = response_id
            self._ids.move_to_end(fingerprint)
            while len(self._ids) > self.most:
                self._ids.popitem(last=False)

    def forget(self, fingerprint: str) -> None:
        with self._lock:
            self._ids.pop(fingerprint, None)

    def count_hit(self) -> None:
        with self._lock:
            self.hits += 1


memory = Memory(MEMORY_ENTRIES)


def remembered(session: Session, fingerprint: str) -> int | None:
    """The response that memory knows for this fingerprint, if PostgreSQL says that it may be reused."""
    response_id = memory.get(fingerprint) if looks_up() else None
    if response_id is None:
        return None
    if not db.scalar(session, STANDS, response=response_id, fingerprint=fingerprint):
        memory.forget(fingerprint)
        return None
    memory.count_hit()
    return response_id


STANDS = f"SELECT 1 FROM response s WHERE s.id = :response AND s.fingerprint = :fingerprint AND {REUSABLE}"


@dataclass(frozen=True)
class Which:
    """The answers that fit everything that is given. `everything` is said in words: nothing given means nothing."""

    template: str | None = None
    model: str | None = None
    collection: str | None = None
    before: datetime | None = None
    everything: bool = False


# What was asked is in the usage records for good; requests go with their job. A collection's answers count with all of
# the same fingerprint: one of another collection would take their place.
CONDITIONS: dict[str, str] = {
    "template": "s.request_id IN (SELECT u.request_id FROM usage_record u WHERE u.template_id = :template)",
    "model": f"""(s.model = :model OR s.request_id IN (
        SELECT r.id FROM request r LEFT JOIN job j ON j.id = r.job_id
        WHERE coalesce(r.model, {former_models.asked("model")}, r.single ->> 'model') = :model))""",
    "collection": """s.fingerprint IN (
        SELECT r.fingerprint FROM request r JOIN document d ON d.id = r.document_id
        JOIN collection c ON c.id = d.collection_id WHERE c.name = :collection
        UNION SELECT o.fingerprint FROM response o JOIN evidence e ON e.response_id = o.id
        JOIN document d ON d.id = e.document_id JOIN collection c ON c.id = d.collection_id
        WHERE c.name = :collection)""",
    "before": "s.created_at < :before",
}


def count(which: Which) -> int:
    """How many answers `invalidate` would take out of use."""
    with db.transaction() as session:
        where, given = _chosen(session, which)
        found: int = db.scalar(session, f"SELECT count(*)::int FROM response s WHERE {where}", **given)
        return found


def invalidate(which: Which, user: str = "") -> int:
    """From now on these answers are not reused. They stay as they are. Returns how many they were."""
    with db.transaction() as session:
        where, given = _chosen(session, which)
        done = db.execute(session, INVALIDATE.format(where=where), **given)
        said = {name: str(value) for name, value in (given or {"everything": True}).items()}
        session.add(AuditEntry(user=user, action="invalidate", subject="reuse", after={**said, "answers": done}))
    return done


# One that is locked is being deleted, or is another's who does the same.
INVALIDATE = """
WITH chosen AS MATERIALIZED (SELECT s.id FROM response s WHERE {where} FOR UPDATE SKIP LOCKED)
UPDATE response s SET invalidated_at = now() FROM chosen WHERE s.id = chosen.id
"""


def _chosen(session: Session, which: Which) -> tuple[str, dict[str, Any]]:
    given = {name: value for name in CONDITIONS if (value := getattr(which, name)) is not None}
    if bool(given) == which.everything:
        raise InvalidInput("Say which answers: those of a template, model, collection or age, or else everything.")
    for table, column in (("template", "id"), ("collection", "name")):
        name = given.get(table)
        if name and db.scalar(session, f"SELECT 1 FROM {table} WHERE {column} = :name", name=name) is None:
            raise NotFound(f"There is no {table} {name!r}.")
    return " AND ".join([REUSABLE, *(CONDITIONS[name] for name in given)]), given
