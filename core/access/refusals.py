"""Refusals are recorded, but for one a minute of the same kind: whoever tries again and again fills no disk."""

from datetime import datetime, timedelta

from core.access import actor, audit
from core.access.actor import Caller
from core.access.keys import COUNT
from core.runtime import db, workspace

KEPT = timedelta(hours=1)


def note(action: str, route: str, at: datetime) -> None:
    """The caller's role was refused `action` on this route, or page."""
    who = actor.caller()
    whose = who.key or who.user or who.label or who.ip or ""
    _note("access.refused", f"{whose} {route}", at, route, {"role": who.role, "refused": action})


def note_key(ip: str | None, request_id: str | None, at: datetime) -> None:
    """Somebody at this address sent a key that lets nobody in."""
    with actor.bound(Caller("api", "key", None, ip=ip, request_id=request_id)):
        _note("api_key.refused", ip or "", at, None, None)


def _note(action: str, of: str, at: datetime, name: str | None, after: audit.Side) -> None:
    minute = at.replace(second=0, microsecond=0)
    with db.transaction() as session:
        if db.scalar(session, COUNT, key=f"{action} {of}"[:300], minute=minute) != 1:
            return
        db.execute(session, "DELETE FROM api_minute WHERE minute < :before", before=minute - KEPT)
        kind = "route" if action == "access.refused" else "api_key"
        nowhere = action == "api_key.refused" or not workspace.current()
        audit.write(session, action, kind, name=name, after=after, of_machine=nowhere, outcome="refused")
