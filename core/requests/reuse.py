"""Reuse: which answers may be given again, and how they are found by their fingerprint.

Jobs look answers up inside the statement that claims a block of requests. A single text first asks this process's
memory of fingerprint -> response id, so that a known answer need not wait for other claims; PostgreSQL is asked on
every use whether that response still exists and may be reused.

Where the lookup fails and the rest of the database works, work goes on without reuse: known answers are asked and paid
for again, and `health` reports it.
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

from core.access import audit
from core.access.roles import require
from core.errors import InvalidInput, NotFound, Unavailable
from core.requests import former_models
from core.runtime import db
from core.runtime.workspace import DEFAULT

log = structlog.get_logger()
P = ParamSpec("P")
T = TypeVar("T")
# As in the index ix_response_reusable.
# A fingerprint ends with a hash, and begins with the scope of its workspace.
OURS = f"left(s.fingerprint, -64) = CASE WHEN :workspace = '{DEFAULT}' THEN '' ELSE :workspace || ':' END"
REUSABLE = "s.verdict = 'ok' AND s.invalidated_at IS NULL"
MEMORY_ENTRIES = 10_000
# After a lookup has failed, none is tried for so long.
WITHOUT_SECONDS = 30.0
_without_until = 0.0


def looks_up() -> bool:
    """False for a while after a lookup has failed in this process."""
    return time.monotonic() >= _without_until


def look_up_again() -> None:
    """Forget that a lookup has failed."""
    global _without_until
    _without_until = 0.0


def known(fingerprint: str) -> str:
    """SQL expression: the id of the response to reuse for this SQL expression's fingerprint, or NULL."""
    if not looks_up():
        return "CAST(NULL AS bigint)"
    return f"(SELECT s.id FROM response s WHERE s.fingerprint = {fingerprint} AND {REUSABLE} ORDER BY s.id LIMIT 1)"


def is_known(fingerprint: str) -> str:
    """SQL condition: there is such a response."""
    if not looks_up():
        return "false"
    return f"EXISTS (SELECT 1 FROM response s WHERE s.fingerprint = {fingerprint} AND {REUSABLE})"


def or_without(work: Callable[P, T]) -> Callable[P, T]:
    """Decorate a use case: where the lookup of answers fails, it is run once more without reuse."""

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
    """Time one lookup of a fingerprint that does not exist."""
    begun = time.perf_counter()
    try:
        with db.reading() as session:
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
    """The `most` recently used pairs of fingerprint -> response id. Thread-safe."""

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
    """The id of the response in memory for this fingerprint, if PostgreSQL says that it may be reused."""
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
    """A choice of answers: those that fit every field that is set. All of them need `everything`, not empty fields."""

    template: str | None = None
    model: str | None = None
    collection: str | None = None
    before: datetime | None = None
    everything: bool = False


# The template is looked up in usage records, which stay when a job and its requests are deleted. A collection's answers
# include all with the same fingerprint: an equal answer from another collection would be reused in their place.
CONDITIONS: dict[str, str] = {
    "template": """s.request_id IN (SELECT u.request_id FROM usage_record u
        WHERE u.workspace_id = :workspace AND u.template_id = :template)""",
    "model": f"""(s.model = :model OR s.request_id IN (
        SELECT r.id FROM request r LEFT JOIN job j ON j.id = r.job_id
        WHERE coalesce(r.model, {former_models.asked("model")}, r.single ->> 'model') = :model))""",
    "collection": """s.fingerprint IN (
        SELECT r.fingerprint FROM request r JOIN document d ON d.id = r.document_id
        JOIN collection c ON c.id = d.collection_id WHERE c.workspace_id = :workspace AND c.name = :collection
        UNION SELECT o.fingerprint FROM response o JOIN evidence e ON e.response_id = o.id
        JOIN document d ON d.id = e.document_id JOIN collection c ON c.id = d.collection_id
        WHERE c.workspace_id = :workspace AND c.name = :collection)""",
    "before": "s.created_at < :before",
}


def count(which: Which) -> int:
    """How many answers `invalidate` would take out of use. Raises InvalidInput, NotFound for a senseless choice."""
    with db.reading() as session:
        where, given = _chosen(session, which)
        found: int = db.scalar(session, f"SELECT count(*)::int FROM response s WHERE {where}", **given)
        return found


def invalidate(which: Which) -> int:
    """Take these answers out of use; they stay where they are shown. Returns how many. Raises as `count`."""
    require("cache.invalidate")
    with db.transaction() as session:
        where, given = _chosen(session, which)
        done = db.execute(session, INVALIDATE.format(where=where), **given)
        said = {name: str(value) for name, value in (given or {"everything": True}).items()}
        audit.write(session, "cache.invalidate", "reuse", after={**said, "answers": done})
    return done


# A response that is locked is being deleted, or invalidated by another transaction.
INVALIDATE = """
WITH chosen AS MATERIALIZED (SELECT s.id FROM response s WHERE {where} FOR UPDATE SKIP LOCKED)
UPDATE response s SET invalidated_at = now() FROM chosen WHERE s.id = chosen.id
"""


def _chosen(session: Session, which: Which) -> tuple[str, dict[str, Any]]:
    given = {name: value for name in CONDITIONS if (value := getattr(which, name)) is not None}
    if bool(given) == which.everything:
        raise InvalidInput("Say which answers: those of a template, model, collection or age, or else everything.")
    for kind, there in THERE.items():
        name = given.get(kind)
        if name and db.scalar(session, there, name=name) is None:
            raise NotFound(f"There is no {kind} {name!r}.")
    return " AND ".join([REUSABLE, OURS, *(CONDITIONS[name] for name in given)]), given


THERE = {
    "template": "SELECT 1 FROM template WHERE id = :name AND (built_in OR workspace_id = :workspace)",
    "collection": "SELECT 1 FROM collection WHERE workspace_id = :workspace AND name = :name",
}
