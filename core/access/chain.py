"""The chain of audit entries: each one's hash covers its fields and the hash of the one before.

So an entry that was changed, removed, moved or put between breaks it from there on, and one removed from the end no
longer fits the head.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from core.runtime import db

START = "0" * 64
# The fields of an entry, as programs see it and its hash covers it.
COLUMNS = """id, time, workspace, "user", key, door, ip, request_id, action, object, before, after, outcome,
  previous_hash, hash"""


@dataclass(frozen=True)
class Verified:
    """`first_broken`: the id of the first entry that does not fit, or of the first that is missing at the end."""

    entries: int
    first_broken: int | None
    head: str

    @property
    def valid(self) -> bool:
        return self.first_broken is None


def hashed(previous_hash: str, entry: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of the previous hash, a line feed, and `entry` without its hash as canonical JSON: keys sorted,
    no spaces, UTF-8."""
    fields = {name: value for name, value in entry.items() if name != "hash"}
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous_hash}\n{canonical}".encode()).hexdigest()


def as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of the table as JSON: the id as text, the time in UTC."""
    return {**row, "id": str(row["id"]), "time": moment(row["time"])}


def moment(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def verify() -> Verified:
    """Walk the whole chain, as of one moment."""
    with db.transaction(reads="snapshot") as session:
        return walk(session)


def walk(session: Session) -> Verified:
    head = db.row(session, "SELECT entries, hash FROM audit_head")
    entries, last, broken = 0, START, None
    for row in db.stream(session, f"SELECT {COLUMNS} FROM audit_entry ORDER BY id"):
        entries += 1
        entry = as_json(dict(row._mapping))
        fits = row.id == entries and row.previous_hash == last and hashed(last, entry) == row.hash
        if not fits and broken is None:
            broken = row.id
        last = row.hash
    if broken is None and (head.entries if head else 0, head.hash if head else START) != (entries, last):
        broken = entries + 1
    return Verified(entries, broken, last)


@dataclass(frozen=True)
class Walked:
    """How far a walk came: the last entry's id and hash, and the first that does not fit."""

    id: int = 0
    hash: str = START
    broken: int | None = None


def walk_on(session: Session, before: Walked, most: int) -> Walked:
    """Up to `most` entries after `before`. Whether any are missing at the end, `walk` alone tells."""
    id_, last = before.id, before.hash
    sql = f"SELECT {COLUMNS} FROM audit_entry WHERE id > :id ORDER BY id LIMIT :most"
    for row in db.rows(session, sql, id=id_, most=most):
        entry = as_json(dict(row._mapping))
        if row.id != id_ + 1 or row.previous_hash != last or hashed(last, entry) != row.hash:
            return Walked(id_, last, row.id)
        id_, last = row.id, row.hash
    return Walked(id_, last)
