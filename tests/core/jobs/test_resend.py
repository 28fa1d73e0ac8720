"""What is sent again, and what is left out because it would fail again."""

from datetime import UTC, datetime
from typing import Any

import pytest

from core.documents import deletion
from core.jobs import resend
from core.runtime import db
from tests.pages import made
from tests.pipeline import add_document, rows, states

pytestmark = pytest.mark.usefixtures("database")
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def job() -> str:
    return made.job("completed", started_at=NOW)


def left_out(job: str, **asked: Any) -> dict[str, int]:
    return {one.why: one.requests for one in resend.resend_estimate(job, NOW, **asked).left_out}


def merge(job: str, whole: str, *parts: str) -> None:
    """Make one request, without a body, the merge of others."""
    with db.transaction() as session:
        of = "SELECT id FROM request WHERE job_id = :job AND custom_id = :whole"
        db.execute(session, f"DELETE FROM request_body WHERE request_id = ({of})", job=job, whole=whole)
        db.execute(
            session,
            f"UPDATE request SET merge_id = ({of}) WHERE job_id = :job AND custom_id = ANY(:parts)",
            job=job,
            whole=whole,
            parts=list(parts),
        )


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("document_too_long", "too_long"),
        ("context_too_long", "too_long"),
        ("content_filter", "filtered"),
        ("refusal", None),
        ("server_error", None),
        ("expired", None),
        (None, None),
    ],
)
def test_what_would_fail_again_is_left_out(job: str, code: str | None, why: str | None) -> None:
    made.requests(job, "failed" if code else "cancelled", 2, error_code=code)
    made.requests(job, "succeeded")
    found = resend.resend_estimate(job, NOW)
    assert (found.requests, left_out(job)) == ((0, {why: 2}) if why else (2, {}))
    assert resend.retry(job) == found.requests
    assert states(job).get("pending", 0) == found.requests
    said = [row["message"] for row in rows("SELECT message FROM job_event WHERE kind = 'retry'")]
    assert said == ([] if why else ["2 requests are sent again."])


def test_what_a_filter_stopped_is_sent_again_where_it_is_asked_for(job: str) -> None:
    made.requests(job, "failed", 2, error_code="content_filter")
    made.requests(job, "failed", 1, error_code="server_error")
    assert (left_out(job), left_out(job, filtered=True)) == ({"filtered": 2}, {})
    assert resend.retry(job) == 1
    assert rows("SELECT message FROM job_event WHERE kind = 'retry'")[0]["message"] == (
        "1 requests are sent again. 2 would fail again and are left out."
    )
    assert resend.retry(job, filtered=True) == 2


def test_left_out_documents_are_named_and_deleted_ones_counted(job: str) -> None:
    document, gone = add_document(name="long.pdf"), add_document("Another document. It goes.", "gone.txt")
    made.requests(job, "failed", document_id=document, error_code="context_too_long")
    made.requests(job, "failed", document_id=gone, error_code="server_error")
    deletion.delete(gone)
    found = {one.why: one.documents for one in resend.resend_estimate(job, NOW).left_out}
    assert found["too_long"] == ["long.pdf"]
    assert (set(found), resend.retry(job)) == ({"too_long", "deleted"}, 0)


def test_parts_whose_sibling_cannot_be_sent_again_stay_with_their_merge(job: str) -> None:
    for name, code in (("a.1", "context_too_long"), ("a.2", "server_error"), ("a", "part_failed")):
        made.requests(job, "failed", custom_id=name, error_code=code)
    for name, code in (("b.1", "server_error"), ("b.2", "server_error"), ("b", "part_failed")):
        made.requests(job, "failed", custom_id=name, error_code=code)
    merge(job, "a", "a.1", "a.2")
    merge(job, "b", "b.1", "b.2")
    assert left_out(job) == {"too_long": 1, "part": 2}
    assert resend.retry(job) == 3
    now = {row["custom_id"]: row["state"] for row in rows("SELECT custom_id, state FROM request")}
    assert now == {"a": "failed", "a.1": "failed", "a.2": "failed", "b": "held", "b.1": "pending", "b.2": "pending"}
