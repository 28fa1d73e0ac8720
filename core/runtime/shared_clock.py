"""The time that all processes share: the database's, read now and then and continued by the monotonic clock.

Clocks of machines differ, and jump: they are set by hand, corrected, or behind after a sleep. So times that one process
writes and another compares come from the database. A jump of the database's own clock is noticed: right after it every
lease looks as if it had ended long ago, or would never end.
"""

import threading
import time
from datetime import UTC, datetime, timedelta

import structlog
from sqlmodel import Session

from core.runtime import db

log = structlog.get_logger()
# A reading that took longer is not used; a clock that differs by more than twice of this has jumped.
PRECISE = timedelta(seconds=1)

_lock = threading.Lock()
_begin: datetime | None = None
_jumped_at: float | None = None


def read(session: Session) -> bool:
    """Read the database's clock. Only as the first statement of a transaction: `now()` is the time of its begin.

    False where that took too long to be used: a jump may have gone unnoticed.
    """
    before = time.monotonic()
    moment = db.now(session)
    after = time.monotonic()
    precise = after - before < PRECISE.total_seconds()
    if precise:
        take_reading(moment, after)
    return precise


def take_reading(moment: datetime, at: float) -> None:
    """The database's clock showed `moment` when this process's monotonic clock showed `at` (seconds)."""
    global _begin, _jumped_at
    begin = moment - timedelta(seconds=at)
    with _lock:
        jump = begin - _begin if _begin else timedelta(0)
        if abs(jump) > 2 * PRECISE:
            _jumped_at = at
            log.warning("the database's clock has jumped", seconds=round(jump.total_seconds()))
        _begin = begin


def forget() -> None:
    global _begin, _jumped_at
    _begin = _jumped_at = None


def now() -> datetime:
    """The time of the database's clock; of the machine's own before the first reading."""
    return _begin + timedelta(seconds=time.monotonic()) if _begin else datetime.now(UTC)


def steady_since(moment: datetime) -> bool:
    """Whether, as far as this process knows, the database's clock has gone on from then without a jump."""
    jumped_at = _jumped_at
    return jumped_at is None or now() - moment < timedelta(seconds=time.monotonic() - jumped_at)
