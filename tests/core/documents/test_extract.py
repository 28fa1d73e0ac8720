"""Extraction as a use case: claims, restarts, and a database that goes away under it."""

import io
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.documents import claims, extract, upload
from core.documents.extraction import failures
from core.environment import get_settings
from core.runtime import worker_lease
from tests.pipeline import PATIENCE_S, change, database_away, rows, until_now

pytestmark = pytest.mark.usefixtures("database")


def added(text: str = "Two pumps failed.") -> str:
    return upload.add("report.txt", io.BytesIO(text.encode())).document.id


def state() -> dict[str, Any]:
    (row,) = rows("SELECT state, stage, worker_id, error_code FROM document")
    return row


def test_a_document_becomes_ready_and_belongs_to_nobody() -> None:
    extract.extract_document(added(), worker_lease.register("test"), threading.Event())
    assert state() == {"state": "ready", "stage": None, "worker_id": None, "error_code": None}
    assert [row["text"] for row in rows("SELECT text FROM document_text")] == ["Two pumps failed."]


def test_a_stopping_worker_puts_it_back() -> None:
    stop = threading.Event()
    stop.set()
    extract.extract_document(added(), worker_lease.register("test"), stop)
    assert state() == {"state": "queued", "stage": None, "worker_id": None, "error_code": None}


def test_what_another_worker_has_is_left_alone() -> None:
    document = added()
    other = worker_lease.register("other")
    assert claims.claim(document, other) is not None
    extract.extract_document(document, worker_lease.register("test"), threading.Event())
    assert (state()["state"], state()["worker_id"]) == ("extracting", other)


def test_a_database_that_goes_away_meanwhile_costs_no_document(database: str) -> None:
    document = added("Pump 7 failed in the northern plant. " * 200_000)
    worker = worker_lease.register("test")
    work = threading.Thread(target=extract.extract_document, args=(document, worker, threading.Event()))
    work.start()
    until_now(lambda: state()["stage"] is not None and state()["state"] == "extracting")
    with database_away(database):
        work.join(2.5)
        assert work.is_alive()
    work.join(PATIENCE_S)
    assert not work.is_alive()
    assert state()["state"] in ("ready", "queued")
    assert state()["worker_id"] is None


def test_a_fault_that_nobody_foresaw_fails_the_document_and_keeps_no_worker(setting: Any, tmp_path: Path) -> None:
    setting(DATA_DIR=tmp_path)
    (tmp_path / "scratch").touch()  # where a folder is to be
    document, worker = added(), worker_lease.register("test")
    with capture_logs() as logged:
        extract.extract_document(document, worker, threading.Event())
    assert state() == {"state": "failed", "stage": None, "worker_id": None, "error_code": "INTERNAL_ERROR"}
    assert rows("SELECT error_message FROM document") == [{"error_message": failures.unforeseen().message}]
    assert [line["log_level"] for line in logged if line.get("exc_info")] == ["error"]
    (tmp_path / "scratch").unlink()
    extract.retry(document)
    extract.extract_document(document, worker, threading.Event())
    assert state()["state"] == "ready"


def test_a_text_that_cannot_be_stored_fails_the_document(own_database: str) -> None:
    change("ALTER TABLE document_text ADD CHECK (false)")
    extract.extract_document(added(), worker_lease.register("test"), threading.Event())
    assert state() == {"state": "failed", "stage": None, "worker_id": None, "error_code": "INTERNAL_ERROR"}


def test_what_a_document_does_not_hold_is_stored_with_it() -> None:
    whole, damaged = added(), added("Bytes that are no character: \ufffd and \ufffd.")
    for document in (whole, damaged):
        extract.extract_document(document, worker_lease.register("test"), threading.Event())
    found = {row["id"]: row["warnings"] for row in rows("SELECT id, warnings FROM document")}
    assert found == {whole: [], damaged: [{"code": "CHARACTERS_UNREAD", "count": 2, "pages": [], "names": []}]}


def test_what_is_read_lies_where_nobody_else_may_look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where an older release left a folder open, and a killed process its file."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    get_settings.cache_clear()
    document = added()
    left = tmp_path / "scratch" / document
    left.mkdir(mode=0o755, parents=True)
    (left / "original").write_text("half of i")
    seen: dict[str, int] = {}
    stop = threading.Event()

    class Looking(threading.Event):
        """The reader's thread looks at this again and again while the file is there."""

        def is_set(self) -> bool:
            seen.update({path.name: stat.S_IMODE(path.stat().st_mode) for path in [left.parent, left, *left.iterdir()]})
            return stop.is_set()

    umask = os.umask(0)
    try:
        extract.extract_document(document, worker_lease.register("test"), Looking())
    finally:
        os.umask(umask)
        get_settings.cache_clear()
    assert seen == {"scratch": 0o700, document: 0o700, "original": 0o600}
    assert state()["state"] == "ready"
    assert list(left.parent.iterdir()) == []
