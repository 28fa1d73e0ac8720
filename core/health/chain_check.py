"""Whether the audit's chain fits, a part at each look: what came since, and all of it anew every day.

The whole walk is for `python -m core.access.audit verify` and the Audit page: it takes as long as there are entries.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.access import chain
from core.access.chain import Walked
from core.health.readings import Reading
from core.runtime import db

EVERY = timedelta(minutes=1)
ANEW = timedelta(days=1)
AT_ONCE = 2000
AUDIT = "audit"


@dataclass
class _Look:
    walked: Walked
    begun: datetime
    at: datetime


_last: _Look | None = None
_looking = threading.Lock()


def reading(at: datetime) -> list[Reading]:
    """Empty as long as it fits."""
    broken = _look(at)
    if broken is None:
        return []
    said = f"Entry {broken:,} is the first that does not fit: the audit was changed outside of Cairn, or is not whole."
    remedy = "Keep a copy of the database, and compare with a backup. The button on Audit walks all of it."
    return [Reading(AUDIT, False, f"{said} {remedy}")]


def _look(at: datetime) -> int | None:
    global _last
    with _looking:
        if _last is None or at - _last.begun >= ANEW:
            _last = _Look(Walked(), at, at - EVERY)
        if _last.walked.broken is None and at - _last.at >= EVERY:
            with db.reading() as session:
                _last = _Look(chain.walk_on(session, _last.walked, AT_ONCE), _last.begun, at)
        return _last.walked.broken


def forget() -> None:
    global _last
    _last = None
