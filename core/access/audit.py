"""Audit entries: who changed what. All of them are written here, in the transaction of the change."""

import json
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from core.access import actor
from core.runtime import db

# One side of a change; None where there was nothing before, or nothing is left.
Side = Mapping[str, Any] | None


def write(session: Session, action: str, subject: str, *, before: Side = None, after: Side = None) -> int:
    """Record an action of the current actor, and return the entry's id. `before` and `after` must hold no secret."""
    sides = {"before": _json(before), "after": _json(after)}
    entry: int = db.scalar(session, WRITE, actor=actor.current(), action=action, subject=subject, **sides)
    return entry


WRITE = """
INSERT INTO audit_entry ("user", action, subject, before, after)
VALUES (:actor, :action, :subject, CAST(:before AS jsonb), CAST(:after AS jsonb)) RETURNING id
"""


def replace_after(session: Session, entry: int, after: Side) -> None:
    """Give an entry of work in several transactions what has been done up to this one."""
    db.execute(
        session, "UPDATE audit_entry SET after = CAST(:after AS jsonb) WHERE id = :id", id=entry, after=_json(after)
    )


def _json(side: Side) -> str | None:
    return None if side is None else json.dumps(dict(side))
