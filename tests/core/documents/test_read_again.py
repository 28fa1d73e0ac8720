"""A document that is read again keeps its text until the new one has taken its place, with all of its evidence."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.documents import content, deletion, extract, read_again, reading, upload
from core.documents.extraction import failures
from core.documents.extraction.process import Extracted
from core.documents.report import Filters, by_ids
from core.insight_base import field_quotes, writing
from core.insight_base.field_quotes import Quoted
from core.insight_base.writing import Finding, Source
from core.runtime import db, worker_lease
from core.runtime.text import text_hash
from core.upkeep import takeover, tick
from tests.pipeline import (
    PATIENCE_S,
    SLEPT,
    TEXT,
    WAITS_FOR_A_LOCK,
    add_document,
    are_alive,
    change,
    make_job,
    ready_documents,
    rows,
    run_job,
    until_now,
)

pytestmark = pytest.mark.usefixtures("database")
OLD = "What an older reader made of it. The northern plant lost eleven percent of its output in March."
QUOTE = "The northern plant lost eleven percent of its output in March"
# Of the new text alone.
REPAIRS = "Repairs took nine days and cost 48,000 euros"


def read_before(text: str = OLD) -> str:
    """A document whose text comes from an older release, which said nothing of what it left out."""
    document = add_document()
    change("UPDATE document SET warnings = NULL, characters = :n", n=len(text))
    change("UPDATE document_text SET text = :text, sha256 = :sha", text=text, sha=text_hash(text))
    return document


def quoted(document: str, quote: str, statement: str = "It lost output.", response: int = 1) -> None:
    with db.transaction() as session:
        found = Finding(statement, (quote,), {})
        writing.write(session, [(Source(document, response, "key_points"), found)])


def read_now(document: str) -> bool:
    extract.retry(document)
    return read_again.read_next(worker_lease.register("test"), threading.Event())


def text() -> str:
    (row,) = rows("SELECT text FROM document_text")
    return str(row["text"])


def spans() -> list[str]:
    """What the evidence's spans cut out of the text that is stored."""
    found = rows("""SELECT substr(t.text, e.start + 1, e."end" - e.start) AS quoted
                    FROM evidence e JOIN document_text t USING (document_id) WHERE e."end" > 0 ORDER BY e.id""")
    return [row["quoted"] for row in found]


def test_the_new_text_and_the_verdicts_in_it_come_together() -> None:
    document = read_before()
    quoted(document, QUOTE)
    quoted(document, "What an older reader made of it", "Older readers made it.", response=2)
    with db.transaction() as session:
        field_quotes.write(session, [Quoted(document, 1, "cost", "48000", REPAIRS)])
    assert rows("SELECT supported FROM field_quote") == [{"supported": False}]
    assert read_now(document)
    assert rows("SELECT supported, start FROM field_quote") == [{"supported": True, "start": TEXT.index(REPAIRS)}]
    assert text() == TEXT
    assert rows("SELECT verdict, supported, start FROM evidence ORDER BY id") == [
        {"verdict": "found", "supported": True, "start": 0},
        {"verdict": "absent", "supported": False, "start": None},
    ]
    assert rows("SELECT support FROM insight ORDER BY first_seen, id") == [{"support": 1}, {"support": 0}]
    (row,) = by_ids([document])
    assert (row.state, row.warnings, row.again, row.characters) == ("ready", (), None, len(TEXT))
    assert not read_again.read_next(worker_lease.register("test"), threading.Event())


def test_a_document_that_is_read_again_is_ready_all_the_while() -> None:
    document = read_before()
    extract.retry(document)
    assert [(row.state, row.again) for row in by_ids([document])] == [("ready", "waiting")]
    change("UPDATE read_again SET worker_id = 1")
    assert [(row.state, row.again) for row in by_ids([document])] == [("ready", "reading")]
    extract.retry(document)  # it is at it
    assert rows("SELECT worker_id FROM read_again") == [{"worker_id": 1}]
    assert text() == OLD


def test_what_cannot_be_read_again_keeps_its_text_and_says_so() -> None:
    document = read_before()
    quoted(document, QUOTE)
    change("UPDATE blob_chunk SET data = decode(repeat('01', octet_length(data)), 'hex')")
    assert read_now(document)
    (row,) = by_ids([document])
    assert (row.state, row.again, row.again_error_code, row.error_code) == ("ready", "failed", "CORRUPT", None)
    assert row.again_error_message
    assert text() == OLD
    assert spans() == [QUOTE]
    assert not read_again.read_next(worker_lease.register("test"), threading.Event())
    extract.retry(document)  # a person may try again
    assert [row.again for row in by_ids([document])] == ["waiting"]


def test_a_fault_that_nobody_foresaw_leaves_the_text_and_keeps_no_worker(setting: Any, tmp_path: Path) -> None:
    document = read_before()
    setting(DATA_DIR=tmp_path)
    (tmp_path / "scratch").touch()  # where a folder is to be
    assert read_now(document)
    (row,) = by_ids([document])
    assert (row.state, row.again, row.again_error_message) == ("ready", "failed", failures.unforeseen().message)
    assert rows("SELECT worker_id, error_code FROM read_again") == [{"worker_id": None, "error_code": "INTERNAL_ERROR"}]
    assert text() == OLD


def test_a_stopping_worker_puts_it_back() -> None:
    document, stop = read_before(), threading.Event()
    stop.set()
    extract.retry(document)
    assert read_again.read_next(worker_lease.register("test"), stop)
    assert rows("SELECT worker_id, error_code FROM read_again") == [{"worker_id": None, "error_code": None}]
    assert text() == OLD


def test_what_a_dead_worker_was_reading_is_read_by_another_and_stored_once(setting: Any) -> None:
    setting(WORKER_LEASE_SECONDS=1)  # the database has been up for longer
    document = read_before()
    extract.retry(document)
    change("UPDATE read_again SET worker_id = 4711")
    with db.transaction() as session:
        takeover.release(session, datetime.now(UTC))
    assert rows("SELECT worker_id FROM read_again") == [{"worker_id": None}]
    assert read_again.read_next(worker_lease.register("test"), threading.Event())
    change("UPDATE document_text SET text = 'as the other left it'")
    extracted = extract_of(document)
    read_again._replace(document, 4711, extracted, {})  # the dead one was only slow
    assert text() == "as the other left it"


def extract_of(document: str) -> Extracted:
    return reading.read(content.get(document), lambda stage, done, total: None, threading.Event())


def test_evidence_that_is_written_meanwhile_points_into_the_new_text() -> None:
    document = read_before()
    extract.retry(document)
    with deriving(document) as derived:
        work = threading.Thread(target=read_again.read_next, args=(worker_lease.register("test"), threading.Event()))
        work.start()
        until_now(lambda: bool(rows(WAITS_FOR_A_LOCK)))
        derived()
    work.join(PATIENCE_S)
    assert text() == TEXT
    assert spans() == [QUOTE]


@contextmanager
def deriving(document: str) -> Iterator[Any]:
    """A chunk of answers that is checked against the old text, and commits at the end of the block."""
    with db.transaction() as session:
        db.rows(session, "SELECT id FROM document WHERE id = :id FOR KEY SHARE", id=document)
        found = Finding("It lost output.", (QUOTE,), {})
        yield lambda: writing.write(session, [(Source(document, 1, "key_points"), found)])


def test_the_same_text_is_not_asked_again_and_another_one_is() -> None:
    document, asked = read_before(), []
    for _ in range(3):
        run_job(make_job([document], params={"count": 2}))
        assert read_now(document)
        asked = [row["reused"] for row in rows("SELECT reused FROM request ORDER BY id")]
    assert asked == [False, False, True]
    quotes = rows("SELECT quote FROM evidence WHERE supported ORDER BY id")
    assert [span.rstrip(".") for span in spans()] == [row["quote"].rstrip(".") for row in quotes]


def test_all_that_match_are_read_again_and_one_that_is_asked_for_by_itself_goes_first() -> None:
    ids = ready_documents(4)
    change("UPDATE document SET warnings = '[]' WHERE id = :id", id=ids[0])
    change("UPDATE document SET state = 'failed' WHERE id = :id", id=ids[1])
    assert read_again.ask_all(Filters(warnings="unknown")) == 2
    extract.retry(ids[0])
    assert [row["document_id"] for row in rows(f"{read_again.NEXT}")] == [ids[0]]
    assert rows("SELECT count(*) AS n FROM read_again") == [{"n": 3}]
    deletion.delete(ids[2])
    assert rows("SELECT count(*) AS n FROM read_again") == [{"n": 2}]


def test_the_scheduler_defers_it_while_there_is_something_to_read_again() -> None:
    document = read_before()
    deferred = "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'read_again'"
    with db.transaction() as session:
        tick.nudge(session)
    assert rows(deferred) == []
    extract.retry(document)
    change("DELETE FROM procrastinate_jobs")  # lost
    with db.transaction() as session:
        tick.nudge(session)
    assert len(rows(deferred)) == 1


def test_a_failed_document_is_queued_as_before() -> None:
    document = upload.add("broken.pdf", io.BytesIO(b"%PDF-1.4 nothing")).document.id
    extract.extract_document(document, worker_lease.register("test"), threading.Event())
    assert extract.retry(document).state == "queued"
    assert rows("SELECT 1 FROM read_again") == []


def test_who_slept_keeps_the_document_that_is_read_again_on_waking() -> None:
    extract.retry(read_before())
    change("DELETE FROM worker")
    slept = worker_lease.register("slept")
    change(SLEPT)
    assert read_again.read_next(slept, threading.Event())
    assert are_alive()
