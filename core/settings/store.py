"""Settings that are changed while Cairn runs: the table `setting`, of which every process holds a copy in memory. So it
holds the admins' prices, which are rows of a table of their own.

A change writes the setting and its audit entry and notifies in one transaction. Every process listens on a connection
of its own, and reads all settings again after it has connected anew. It also reads them every few seconds, for
notifications that a broken network loses.
"""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

import psycopg
import structlog
from sqlmodel import Session

from core.access import actor, audit
from core.access.roles import require
from core.environment import get_settings
from core.errors import Conflict, NotFound
from core.runtime import db, engines
from core.tables.access import called

log = structlog.get_logger()
CHANNEL = "cairn_setting"
APPLICATION = "cairn settings"
Value = Mapping[str, Any]
# Where the value in force comes from; "here": it was changed while Cairn runs.
Source = Literal["default", "environment", "here"]
# Settings whose names begin with it are sealed secrets: their audit entries hold no value, and none can be undone.
KEY = "key:"
# Those of how long things are kept: their changes are called so in the audit.
RETENTION = "retention"
# The action of what a call has taught Cairn itself: whoever asked may be of any role.
LEARNED = "learn"
# What their audit entries are about.
SETTING = "setting"
# And with this one those that hold a provider.
ROW = "provider:"
NOTHING: Mapping[str, Value] = MappingProxyType({})

_reading = threading.Lock()
_values: Mapping[str, Value] = NOTHING
_prices: tuple[Value, ...] = ()


@dataclass(frozen=True)
class SettingChange:
    """An audit entry of a setting. `before` and `after` are None where nothing was stored."""

    id: int
    time: datetime
    # How they are called; "" where there is no person.
    user: str
    door: str
    action: str
    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def values() -> Mapping[str, Value]:
    """All stored settings by name, from memory; none if the environment locks them. It is another object if, and only
    if, a setting changed, so that callers can cache what they make of it."""
    return NOTHING if get_settings().settings_locked else _values


def stored() -> Mapping[str, Value]:
    """As `values`, also while the environment locks the settings: for what is not in force and yet has to be known."""
    return _values


def prices() -> tuple[Value, ...]:
    """The admins' prices, from memory, as rows of `own_price`: another object if, and only if, one changed. Also while
    the environment locks the settings: what a provider charges is no setting of ours."""
    return _prices


def announce_prices(session: Session) -> None:
    """In the transaction that changes an admin's price: every process reads them anew."""
    db.execute(session, "SELECT pg_notify(:channel, 'prices')", channel=CHANNEL)


PRICES = "SELECT to_jsonb(p)::text FROM own_price p WHERE removed_at IS NULL ORDER BY id"


def load() -> None:
    with db.transaction() as session:
        _read(db.driver_connection(session))


def _read(connection: psycopg.Connection[Any]) -> None:
    """One thread at a time, so that an older reading never replaces a newer one."""
    global _values, _prices
    with _reading:
        prices_now = tuple(json.loads(row) for (row,) in connection.execute(PRICES).fetchall())
        found = connection.execute("SELECT name, value::text FROM setting").fetchall()
        now = {name: json.loads(value) for name, value in found}
        if now != _values:
            _values = MappingProxyType(now)
        if prices_now != _prices:
            _prices = prices_now


def put(session: Session, name: str, value: Value | None, *, action: str = "change") -> bool:
    """Store a setting, or remove it for None, with its audit entry. Returns False if that changes nothing.

    Raises Conflict if the environment locks the settings.
    """
    if action != LEARNED:
        require("retention.change" if name.startswith(RETENTION) else "settings.change")
    if get_settings().settings_locked:
        raise Conflict("Settings are locked by the environment. Take SETTINGS_LOCKED away to change them here.")
    db.execute(session, "SELECT pg_advisory_xact_lock(hashtext(:lock))", lock=subject(name))
    row = db.row(session, "SELECT value FROM setting WHERE name = :name", name=name)
    before = None if row is None else row[0]
    if before == value:
        return False
    if value is None:
        db.execute(session, "DELETE FROM setting WHERE name = :name", name=name)
    else:
        db.execute(session, STORE, name=name, value=json.dumps(dict(value)), actor=actor.current())
    db.execute(session, "SELECT pg_notify(:channel, :name)", channel=CHANNEL, name=name)
    _write_down(session, name, before, value, action)
    return True


def _write_down(session: Session, name: str, before: Value | None, after: Value | None, action: str) -> None:
    """Of a secret only that it was set or removed."""
    if is_secret(name):
        done = "provider_key.remove" if after is None else "provider_key.set"
        told: dict[str, Any] = {"before": before and {"key": "set"}, "after": {"key": "set" if after else "removed"}}
    else:
        done = f"{RETENTION if name.startswith(RETENTION) else 'settings'}.{action}"
        told = {"before": before, "after": after}
    audit.write(session, done, SETTING, name, **told, of_machine=True)


STORE = """
INSERT INTO setting (name, value, changed_by) VALUES (:name, CAST(:value AS jsonb), :actor)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = now(), changed_by = excluded.changed_by
"""


def remember(session: Session, name: str, value: Value) -> None:
    """What Cairn notes for itself beside the settings: nobody sets it, so there is no entry of it."""
    db.execute(session, STORE, name=name, value=json.dumps(dict(value)), actor="")


def is_secret(name: str) -> bool:
    return name.startswith(KEY)


def beginning_with(session: Session, prefix: str) -> dict[str, Value]:
    """What is stored at this moment, by name: other processes may have changed it since `values` were read."""
    sql = "SELECT name, value FROM setting WHERE starts_with(name, :prefix) ORDER BY name"
    return {row.name: row.value for row in db.rows(session, sql, prefix=prefix)}


def subject(name: str) -> str:
    return f"{SETTING}:{name}"


def history(limit: int = 50) -> list[SettingChange]:
    """Changes of settings, newest first."""
    with db.reading() as session:
        rows = db.rows(session, f"{CHANGES} ORDER BY id DESC LIMIT :limit", limit=limit)
        return [SettingChange(**row._mapping) for row in rows]


CHANGES = f"""
SELECT id, time, {called('"user"')} AS user, door, action, object ->> 'id' AS name, before, after
FROM audit_entry WHERE subject LIKE 'setting:%' AND outcome = 'done'
"""


def undo(session: Session, entry_id: int) -> str:
    """Put a setting back to what it was before this change, which must be its newest. Returns the setting's name.

    Raises NotFound; Conflict if the setting is a secret, or was changed again since.
    """
    row = db.row(session, f"{CHANGES} AND id = :id", id=entry_id)
    if row is None:
        raise NotFound(f"There is no change {entry_id} of a setting.")
    change = SettingChange(**row._mapping)
    if is_secret(change.name):
        raise Conflict("A key is not kept once it was replaced or removed, so nothing can put it back. Enter it again.")
    if change.name.startswith(ROW) and _is_there(change.before) != _is_there(change.after):
        raise Conflict("A provider is added and taken away on the page of providers, with all that belongs to it.")
    db.execute(session, "SELECT pg_advisory_xact_lock(hashtext(:lock))", lock=subject(change.name))
    newest = db.scalar(
        session, "SELECT max(id) FROM audit_entry WHERE subject = :subject", subject=subject(change.name)
    )
    if newest != entry_id:
        raise Conflict("This setting was changed again after that. Undo the newest change first.")
    put(session, change.name, change.before, action="undo")
    return change.name


def _is_there(row: Value | None) -> bool:
    """Whether it is a provider that was added, and not taken away."""
    return row is not None and "kind" in row and not row.get("removed")


def last_changed(name: str) -> tuple[datetime, str] | None:
    """When a stored setting was changed, and by which actor; None if it is not stored."""
    with db.reading() as session:
        row = db.row(session, "SELECT changed_at, changed_by FROM setting WHERE name = :name", name=name)
    return (row.changed_at, row.changed_by) if row else None


def changed_since(session: Session, name: str, moment: datetime) -> bool:
    sql = "SELECT 1 FROM audit_entry WHERE subject = :subject AND time > :moment LIMIT 1"
    return db.scalar(session, sql, subject=subject(name), moment=moment) is not None


class Listener:
    """Keeps `values()` up to date, in a thread and with a database connection of its own."""

    def __init__(self, look_every_s: float = 10.0, longest_wait_s: float = 1.0):
        self._look_every = look_every_s
        self._longest_wait = longest_wait_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="settings", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=3)

    def _run(self) -> None:
        wait = 0.1
        while not self._stop.is_set():
            try:
                with _connect() as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    _read(connection)
                    wait = 0.1
                    self._listen(connection)
            except psycopg.Error as error:
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                log.warning("settings are not heard of; connecting again", reason=reason, seconds=wait)
                self._stop.wait(wait)
                wait = min(wait * 2, self._longest_wait)

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        looked = time.monotonic()
        while not self._stop.is_set():
            notified = list(connection.notifies(timeout=0.5, stop_after=1))
            if notified or time.monotonic() - looked > self._look_every:
                _read(connection)
                looked = time.monotonic()


def _connect() -> psycopg.Connection[Any]:
    url = engines.engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    name = f"{APPLICATION} {engines.process_name()}"
    return psycopg.connect(url, autocommit=True, connect_timeout=5, application_name=name)


def follow() -> Listener:
    """Read the settings, and have every later change in this process within a moment."""
    load()
    listener = Listener()
    listener.start()
    return listener
