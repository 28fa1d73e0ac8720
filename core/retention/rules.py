"""How long documents and ended jobs are kept: for ever, unless days are set while Cairn runs. Pure but for `change`."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

import structlog

from core.access.roles import require
from core.environment import get_settings
from core.errors import InvalidInput
from core.runtime import db
from core.settings import store

log = structlog.get_logger()
RETENTION = "retention"
Kind = Literal["documents", "jobs"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LEAST_DAYS, MOST_DAYS = 1, 3650
# A younger rule removes nothing: a mistake can be undone.
GRACE = timedelta(hours=1)
# Runs are at multiples of their interval from here, so that the time of the next one is known to all.
FIRST_RUN = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RetentionRule:
    """Documents count from their upload, jobs from their end. `excepted` are names of collections, kept for ever."""

    days: int
    excepted: tuple[str, ...] = ()

    @property
    def period(self) -> timedelta:
        return timedelta(days=self.days)


def name(kind: Kind) -> str:
    return f"{RETENTION}:{kind}"


def rule(kind: Kind) -> RetentionRule | None:
    """None: kept for ever."""
    value = store.values().get(name(kind))
    return None if value is None else of(value)


def of(value: store.Value) -> RetentionRule | None:
    """None, with a warning in the log, for a value that this version cannot read: it removes nothing."""
    try:
        found = RetentionRule(value["days"], tuple(value.get("excepted", ())))
        _check("documents", found)
    except (KeyError, TypeError, InvalidInput):
        log.warning("a stored retention cannot be read; nothing is removed by it")
        return None
    return found


def change(kind: Kind, wanted: RetentionRule | None) -> None:
    """Store the rule; None: kept for ever from now on. Raises InvalidInput."""
    if kind not in KINDS:
        raise InvalidInput(f"How long {kind!r} are kept cannot be set. It can for {' and '.join(KINDS)}.")
    if wanted is not None:
        _check(kind, wanted)
    value: dict[str, Any] | None = None if wanted is None else {"days": wanted.days}
    if wanted is not None and wanted.excepted:
        value = asdict(wanted)
    require("retention.change")
    with db.transaction() as session:
        if db.scalar(session, "SELECT count(*) FROM workspace") > 1:
            require("retention.change_all")
        store.put(session, name(kind), value)
    store.load()


def _check(kind: Kind, wanted: RetentionRule) -> None:
    if type(wanted.days) is not int or not LEAST_DAYS <= wanted.days <= MOST_DAYS:
        raise InvalidInput(f"Days are a whole number from {LEAST_DAYS} to {MOST_DAYS:,}.")
    if wanted.excepted and kind != "documents":
        raise InvalidInput("Collections hold documents: only those can be excepted by them.")


def next_run(after: datetime, changed_at: datetime | None = None) -> datetime:
    """The first run after `after` that applies a rule changed at `changed_at`; None: changed long ago."""
    every = timedelta(seconds=get_settings().retention_every_seconds)
    earliest = max(after, changed_at + GRACE) if changed_at else after
    return FIRST_RUN + ((earliest - FIRST_RUN) // every + 1) * every


def document_ends(created_at: datetime, collection: str) -> datetime | None:
    """The moment from which a document may be removed; None: it is kept."""
    found = rule("documents")
    return None if found is None or collection in found.excepted else created_at + found.period


def job_ends(finished_at: datetime | None) -> datetime | None:
    found = rule("jobs")
    return None if found is None or finished_at is None else finished_at + found.period
