"""The time that all processes share: the database's, carried on here by a clock that never jumps.

Clocks of machines differ, and jump: set by hand, corrected, or behind after a sleep. So what one process writes and
another compares comes from the database, and a jump of that one is noticed: right after it every lease looks as if
it had ended long ago, or would never end.
"""

import threading
import time
from datetime import UTC, datetime, timedelta

import structlog
from sqlmodel import Session

from core.runtime import db

log = structlog.get_logger()
# What was read slower than this says too little about now; what differs by more than twice of it has jumped.
PRECISE = timedelta(seconds=1)

_lock = threading.Lock()
_begin: datetime | None = None
_jumped_at: float | None = None


def listen(session: Session) -> None:
    """Hear the database's clock; only as the first statement of a transaction, whose begin is its `now()`."""
    before = time.monotonic()
    moment = db.now(session)
    after = time.monotonic()
    if after - before < PRECISE.total_seconds():
        heard(moment, after)


def heard(moment: datetime, at: float) -> None:
    """`at` is of the clock that never jumps."""
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
    """As the database's clock says. The machine's own where nothing was heard of that one yet."""
    return _begin + timedelta(seconds=time.monotonic()) if _begin else datetime.now(UTC)


def steady_since(moment: datetime) -> bool:
    """Whether, as far as this process knows, the database's clock has gone on from then without a jump."""
    jumped_at = _jumped_at
    return jumped_at is None or now() - moment < timedelta(seconds=time.monotonic() - jumped_at)
