"""What stands still is listed with its reason, and one press brings it back, told in the audit."""

import io
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from core.access import actor
from core.documents import claims, extract, upload
from core.errors import Conflict
from core.health import report
from core.runtime import worker_lease
from core.upkeep import requeue_by_hand, stuck, takeover
from core.upkeep.stuck import Kind, StuckRow
from tests.callers import by
from tests.pages import made
from tests.pipeline import change, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")
LONG_AGO = "now() - interval '16 minutes'"
A_WHILE = "now() - interval '5 minutes'"


def dead() -> int:
    """A worker that was not seen for five minutes."""
    worker = worker_lease.register("dead")
    change(f"UPDATE worker SET last_seen = {A_WHILE} WHERE id = :id", id=worker)
    return worker


def task(name: str, lock: str, deferred: str, status: str = "todo") -> None:
    change(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock) VALUES ('jobs', :name, :lock)",
        name=name,
        lock=lock,
    )
    change("UPDATE procrastinate_jobs SET status = :status WHERE queueing_lock = :lock", status=status, lock=lock)
    change(
        f"""UPDATE procrastinate_events SET at = {deferred} WHERE job_id =
             (SELECT max(id) FROM procrastinate_jobs WHERE queueing_lock = :lock)""",
        lock=lock,
    )


def found(kind: Kind) -> list[StuckRow]:
    return [row for row in stuck.read() if row.kind == kind]


def ids(kind: Kind) -> list[str]:
    return [row.id for row in found(kind)]


def requeue(kind: Kind, *chosen: str) -> int:
    with actor.bound(by("anna")):
        return requeue_by_hand.requeue(kind, chosen or ids(kind), datetime.now(UTC))


def waiting() -> set[str]:
    """Tasks that wait to be taken."""
    return {row["queueing_lock"] for row in rows("SELECT queueing_lock FROM procrastinate_jobs WHERE status = 'todo'")}


def documents(state: str, since: str, number: int, worker: int | None = None) -> list[str]:
    made_now = ready_documents(number)
    change(f"UPDATE document SET state = :state, waiting_since = {since}, worker_id = :w", state=state, w=worker)
    return made_now


def test_nothing_is_stuck_on_a_fresh_or_busy_machine() -> None:
    assert stuck.read() == []
    documents("extracting", A_WHILE, 1, worker_lease.register("one"))
    job = made.job("running", lane="live")
    made.requests(job, "in_flight", 2, lane="live", worker_id=worker_lease.register("two"), claimed_at="2026-01-01")
    made.batch(job, "in_progress", next_at=datetime.now(UTC), tries=2)
    task("derive", "derive", A_WHILE)
    assert stuck.read() == []


def test_kinds_are_told_in_their_order_the_oldest_first() -> None:
    first, second = ready_documents(2)
    change(f"UPDATE document SET state = 'queued', waiting_since = {LONG_AGO} WHERE id = :id", id=first)
    change("UPDATE document SET state = 'queued', waiting_since = now() - interval '1 day' WHERE id = :id", id=second)
    made.batch(made.job("running"), "in_progress", next_at=datetime(2026, 1, 1, tzinfo=UTC))
    task("read_documents", "late", "now() - interval '2 days'")
    told = [(row.kind, row.id) for row in stuck.read()]
    assert told[:2] == [("documents", second), ("documents", first)]
    assert [kind for kind, _ in told[2:]] == ["batches", "tasks"]


@pytest.mark.parametrize("worker", [lambda: None, dead, lambda: worker_lease.register("one")])
def test_a_document_that_is_read_by_nobody_or_for_long_is_queued_again(worker: Callable[[], int | None]) -> None:
    (document,) = documents("extracting", LONG_AGO, 1, worker())
    assert ids("documents") == [document]
    assert requeue("documents") == 1
    (row,) = rows("SELECT state, worker_id, waiting_since > now() - interval '1 minute' AS now FROM document")
    assert row == {"state": "queued", "worker_id": None, "now": True}
    assert waiting() == {f"extract_document:{document}"}
    assert rows('SELECT "user", action, subject, after FROM audit_entry') == [
        {"user": "anna", "action": "stuck.requeue", "subject": "documents", "after": {"ids": [document], "requeued": 1}}
    ]


def test_a_document_of_a_dead_worker_does_not_wait_to_be_late() -> None:
    documents("extracting", A_WHILE, 1, dead())
    assert len(ids("documents")) == 1


def waits_since_just_now(document: str) -> bool:
    (row,) = rows("SELECT waiting_since > now() - interval '1 minute' AS now FROM document WHERE id = :id", id=document)
    return bool(row["now"])


def uploaded_long_ago() -> str:
    """A queued document whose upload was as long ago as its waiting."""
    document = upload.add("a.txt", io.BytesIO(b"Two pumps failed."), "default").document.id
    change(f"UPDATE document SET created_at = {LONG_AGO}, waiting_since = {LONG_AGO}")
    assert ids("documents") == [document]
    return document


def test_a_document_is_late_from_when_it_was_taken_not_from_its_upload() -> None:
    document = uploaded_long_ago()
    claimed = claims.claim(document, worker_lease.register("one"))
    assert claimed is not None
    assert (waits_since_just_now(document), ids("documents")) == (True, [])


def test_a_document_that_a_stopping_worker_puts_back_waits_anew() -> None:
    document = uploaded_long_ago()
    stop = threading.Event()
    stop.set()
    extract.extract_document(document, worker_lease.register("one"), stop)
    assert rows("SELECT state FROM document") == [{"state": "queued"}]
    assert (waits_since_just_now(document), ids("documents")) == (True, [])


def test_a_document_that_is_taken_from_the_dead_waits_anew(setting: Callable[..., None]) -> None:
    server_started(setting)
    (document,) = documents("extracting", LONG_AGO, 1, dead())
    takeover.take_over(datetime.now(UTC))
    assert rows("SELECT state FROM document") == [{"state": "queued"}]
    assert (waits_since_just_now(document), ids("documents")) == (True, [])


def test_a_document_that_is_tried_again_waits_from_then_on() -> None:
    (document,) = documents("failed", LONG_AGO, 1)
    assert ids("documents") == []
    extract.retry(document)
    assert rows("SELECT state FROM document") == [{"state": "queued"}]
    assert (waits_since_just_now(document), ids("documents")) == (True, [])


def test_the_queues_oldest_item_is_the_document_that_waits_longest() -> None:
    documents("queued", LONG_AGO, 1)
    change(f"UPDATE document SET created_at = {LONG_AGO} - interval '1 day'")
    oldest = report.queue().oldest
    assert oldest is not None
    assert 15 <= (datetime.now(UTC) - oldest).total_seconds() / 60 < 20
    change("UPDATE document SET waiting_since = now()")
    assert report.queue().oldest_document > oldest  # type: ignore[operator]


def test_a_queued_document_gets_a_new_task_and_stays_late_until_it_is_read() -> None:
    document, other = documents("queued", LONG_AGO, 2)
    task("extract_document", f"extract_document:{document}", LONG_AGO)
    (before,) = rows("SELECT id FROM procrastinate_jobs")
    assert requeue("documents", document) == 1
    (after,) = rows("SELECT id, queueing_lock FROM procrastinate_jobs")
    assert after["id"] != before["id"]
    assert after["queueing_lock"] == f"extract_document:{document}"
    assert ids("documents") == [document, other]


def test_what_is_not_stuck_any_more_is_left_alone() -> None:
    (document,) = documents("extracting", A_WHILE, 1, worker_lease.register("one"))
    batch = made.batch(made.job("running"), "in_progress", next_at=datetime.now(UTC), tries=0)
    assert (requeue("documents", document), requeue("batches", batch)) == (0, 0)
    assert rows("SELECT state FROM document") == [{"state": "extracting"}]
    assert waiting() == set()


def server_started(setting: Callable[..., None]) -> None:
    """So long ago that it is known who lives."""
    setting(WORKER_LEASE_SECONDS=1)


def test_requests_of_a_dead_process_go_back_and_may_have_been_billed(setting: Callable[..., None]) -> None:
    server_started(setting)
    job = made.job("running", lane="live")
    made.requests(job, "in_flight", 3, lane="live", worker_id=dead(), claimed_at="2026-01-01", attempts=1)
    made.requests(job, "in_flight", 1, lane="live", worker_id=worker_lease.register("one"), claimed_at="2026-01-01")
    (row,) = found("requests")
    assert (row.id, row.name, row.number) == (job, "Made", 3)
    assert requeue("requests") == 3
    states = rows("SELECT state, count(*) AS n FROM request GROUP BY 1 ORDER BY 1")
    assert states == [{"state": "in_flight", "n": 1}, {"state": "pending", "n": 3}]
    assert rows("SELECT status, count(*) AS n FROM usage_record GROUP BY 1") == [{"status": "unheard", "n": 3}]
    assert f"pump_job:{job}" in waiting()
    assert found("requests") == []


def test_while_nobody_can_know_who_lives_requests_stay(setting: Callable[..., None]) -> None:
    setting(WORKER_LEASE_SECONDS=2_000_000)
    job = made.job("running", lane="live")
    made.requests(job, "in_flight", 1, lane="live", claimed_at="2026-01-01")
    with pytest.raises(Conflict, match="just started"):
        requeue("requests")
    assert rows("SELECT state FROM request") == [{"state": "in_flight"}]
    assert rows("SELECT count(*) AS n FROM audit_entry") == [{"n": 0}]


def test_a_batch_whose_step_keeps_failing_is_stepped_at_once() -> None:
    job = made.job("running")
    failing = made.batch(job, "in_progress", next_at="2100-01-01", tries=3, error="Set the base URL back.")
    late = made.batch(job, "ended", next_at="2026-01-01", tries=0)
    made.batch(job, "completed", next_at=None, tries=9)
    reasons = {row.id: row.reason for row in found("batches")}
    assert reasons == {failing: "Set the base URL back.", late: "nobody makes its next step"}
    assert requeue("batches", failing) == 1
    assert rows("SELECT id FROM provider_batch WHERE next_at <= now() AND tries = 0 AND id = :id", id=failing)
    assert waiting() == {f"advance_batch:{failing}"}


def test_answers_that_were_not_derived_are_nudged() -> None:
    job = made.job("running")
    made.requests(job, "answered", 2)
    change(
        f"""WITH made AS (
              INSERT INTO response (fingerprint, model, raw, finish_reason, input_tokens, cached_input_tokens,
                output_tokens, created_at) SELECT 'f', 'm', '{{}}', 'stop', 1, 0, 1, {LONG_AGO} RETURNING id)
            UPDATE request SET response_id = made.id FROM made"""
    )
    (row,) = found("answers")
    assert (row.id, row.number) == (job, 2)
    task("derive", "derive", LONG_AGO)
    assert requeue("answers") == 2
    assert waiting() == {"derive"}
    assert found("tasks") == []


def test_a_task_that_nobody_takes_or_ends_is_forgotten_and_what_is_due_is_queued() -> None:
    (document,) = documents("queued", A_WHILE, 1)
    task("extract_document", "extract_document:doc_gone", LONG_AGO)
    task("expand_job", "expand_job:job_gone", A_WHILE, status="doing")
    task("pump_job", "pump_job:job_1", A_WHILE)
    stuck_tasks = found("tasks")
    assert {(row.name, row.reason) for row in stuck_tasks} == {
        ("extract_document", "nobody takes it"),
        ("expand_job", "its worker is gone"),
    }
    assert requeue("tasks", *(row.id for row in stuck_tasks), "999999") == 2
    assert waiting() == {"pump_job:job_1", f"extract_document:{document}"}
