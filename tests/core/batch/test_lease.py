"""A batch in the hands of one worker: whoever has lost it writes nothing more."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.batch import lease, steps, transitions
from core.calls import clients
from core.errors import ProviderError
from core.jobs import control
from core.providers.batch_api import Remote
from core.requests import expansion
from core.runtime import db, worker_lease
from core.tables.batches import ProviderBatch
from tests.batch_provider import BatchProvider
from tests.pipeline import SLEPT, change, make_job, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")
REMOTE = Remote("batch_1", "in_progress", "in_progress", datetime.now(UTC))


LATE: dict[str, Callable[[ProviderBatch], object]] = {
    "write": lambda batch: lease.write(batch, state="settling"),
    "confirm": lease.confirm,
    "release": lambda batch: lease.release(batch, timedelta(hours=1)),
    "adopt": lambda batch: transitions.adopt(batch, REMOTE, "submitted", "Late"),
    "progress": lambda batch: transitions.progress(batch, REMOTE),
    "keep": lambda batch: transitions.keep(batch, clients.provider("openai").batches, [Path("none")], REMOTE),
    "gone": transitions.gone,
    "invalid": lambda batch: transitions.invalid(batch, REMOTE),
    "refuse": lambda batch: transitions.refuse(batch, ProviderError("No.", code="auth")),
    "absent": transitions.absent,
}


@pytest.fixture
def batch_id(batch_server: BatchProvider) -> str:
    """A batch that was packed, and nothing more."""
    job = make_job(ready_documents(2), "summarize", provider="openai", model="gpt-5-mini", lane="batch")
    expansion.expand_job(job)
    steps.pack_job(job)
    (row,) = rows("SELECT id FROM provider_batch")
    found: str = row["id"]
    return found


@pytest.mark.parametrize("write", LATE)
def test_who_has_lost_a_batch_writes_nothing(write: str, batch_id: str) -> None:
    late = lease.take(batch_id, worker_lease.register("late"), due_only=True)
    assert late is not None
    with db.transaction() as session:
        db.execute(session, "UPDATE worker SET last_seen = now() - interval '1 hour'")
    assert lease.take(batch_id, worker_lease.register("new"), due_only=True) is not None
    with db.transaction() as session:
        db.execute(session, "UPDATE job SET waits = 2, waits_until = now() + interval '1 hour'")
    before = everything()
    with pytest.raises(lease.Lost):
        LATE[write](late)
    assert everything() == before


def everything() -> list[list[dict[str, object]]]:
    tables = ("job", "provider_batch", "request", "response", "usage_record", "job_event", "procrastinate_jobs")
    return [rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables]


@pytest.mark.parametrize("let_go", ["progress", "release"])
def test_what_is_cancelled_while_it_is_looked_at_is_due_at_once(batch_id: str, let_go: str) -> None:
    taken = lease.take(batch_id, worker_lease.register("one"), due_only=True)
    assert taken is not None
    taken = transitions.adopt(taken, REMOTE, "submitted", "Handed over")
    control.cancel(taken.job_id)
    LATE[let_go](taken)
    assert rows("SELECT state FROM provider_batch WHERE next_at <= now()") == [{"state": "in_progress"}]


def test_a_living_worker_keeps_its_batch(batch_id: str) -> None:
    taken = lease.take(batch_id, worker_lease.register("one"), due_only=True)
    assert taken is not None
    lease.confirm(taken)
    assert lease.take(batch_id, worker_lease.register("other"), due_only=True) is None


def test_who_slept_keeps_the_batch_that_is_taken_on_waking(batch_id: str) -> None:
    slept = worker_lease.register("slept")
    change(SLEPT)
    assert lease.take(batch_id, slept, due_only=True) is not None
    assert lease.take(batch_id, worker_lease.register("other"), due_only=True) is None
