"""From documents to requests."""

import pytest

from core import db, expand, upkeep
from tests.pipeline import add_document, make_job, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")


def test_a_request_knows_the_bytes_of_its_body() -> None:
    upkeep.expand_job(make_job([add_document("Die Pumpe läuft – wieder.")]))
    (row,) = rows(
        "SELECT body_bytes, CAST(body AS text) AS body FROM request r JOIN request_body b ON b.request_id = r.id"
    )
    assert row["body_bytes"] == len(row["body"].encode()) > len(row["body"])


def test_a_job_with_a_request_that_is_held_is_not_through() -> None:
    job = make_job(ready_documents(1))
    upkeep.expand_job(job)
    with db.transaction() as session:
        db.execute(session, "UPDATE request SET state = 'held'")
        assert not expand.finish_if_done(session, job)


def test_a_document_that_is_being_deleted_is_not_asked_about_any_more() -> None:
    job = make_job(ready_documents(2))
    with db.transaction() as session:
        db.execute(session, "SELECT 1 FROM document WHERE id = 'doc_0000' FOR UPDATE")
        upkeep.expand_job(job)
    assert rows("SELECT document_id FROM request") == [{"document_id": "doc_0001"}]
