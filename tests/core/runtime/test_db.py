import pytest

from core.errors import Unavailable
from core.runtime import db
from tests.pipeline import PATIENCE_S

pytestmark = pytest.mark.usefixtures("database")
LOCK = "LOCK TABLE collection"


def lock_within(seconds: float) -> None:
    with db.transaction() as session:
        db.execute(session, f"SET LOCAL statement_timeout = '{PATIENCE_S}s'")
        db.bound_lock_waits(session, seconds)
        db.execute(session, LOCK)


def test_a_wait_for_a_lock_ends_at_its_bound() -> None:
    with db.transaction() as holder:
        db.execute(holder, LOCK)
        with pytest.raises(Unavailable) as caught:
            lock_within(0.1)
    assert str(caught.value.__cause__).startswith("LockNotAvailable")
