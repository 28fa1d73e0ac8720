"""From documents to requests."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from core.documents import upload
from core.errors import NotFound
from core.jobs import launch
from core.jobs.launch import Estimate, JobSpec
from core.requests import expansion, finishing
from core.runtime import db
from tests.pipeline import add_document, make_job, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")


def test_a_request_knows_the_bytes_of_its_body() -> None:
    expansion.expand_job(make_job([add_document("Die Pumpe läuft – wieder.")]))
    (row,) = rows(
        "SELECT body_bytes, CAST(body AS text) AS body FROM request r JOIN request_body b ON b.request_id = r.id"
    )
    assert row["body_bytes"] == len(row["body"].encode()) > len(row["body"])


def test_an_estimate_is_the_same_by_collection_and_by_documents() -> None:
    short, long = add_document("It works. It is short.", "a.txt"), add_document("It works again. " * 40, "b.txt")
    twin = add_document("\ufeffIt works. It is short.", "c.txt")
    broken = upload.add("d.exe", io.BytesIO(b"\x7fELF\0\0")).document.id
    add_document("It is elsewhere.", "e.txt", collection="other")

    def estimate(**chosen: Any) -> Estimate:
        return launch.estimate(JobSpec(template="summarize", provider="offline", **chosen), datetime.now(UTC))

    found = estimate(collection="default")
    assert found == estimate(documents=(short, long, twin, broken))
    assert (found.requests, found.reused) == (3, 1)
    with pytest.raises(NotFound, match="no collection 'gone'"):
        estimate(collection="gone")


def test_a_job_with_a_request_that_is_held_is_not_through() -> None:
    job = make_job(ready_documents(1))
    expansion.expand_job(job)
    with db.transaction() as session:
        db.execute(session, "UPDATE request SET state = 'held'")
        assert not finishing.finish_if_done(session, job)


def test_a_document_that_is_being_deleted_is_not_asked_about_any_more() -> None:
    job = make_job(ready_documents(2))
    with db.transaction() as session:
        db.execute(session, "SELECT 1 FROM document WHERE id = 'doc_0000' FOR UPDATE")
        expansion.expand_job(job)
    assert rows("SELECT document_id FROM request") == [{"document_id": "doc_0001"}]
