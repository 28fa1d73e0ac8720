"""A document is read again by real jobs processes, of which one is killed while it replaces the text."""

from pathlib import Path
from typing import Any

import pytest

from core.documents import extract
from core.insight_base import writing
from core.insight_base.writing import Finding, Source
from core.runtime import db
from core.runtime.text import text_hash
from tests.pipeline import TEXT, WAITS_FOR_A_LOCK, add_document, change, rows
from tests.processes.running import Start, until

pytestmark = pytest.mark.kills
QUOTE = "Repairs took nine days and cost 48,000 euros"
OLD = f"Of an older reader. {QUOTE}."


@pytest.fixture(autouse=True)
def _soon(setting: Any, tmp_path: Path) -> None:
    setting(WORKER_LEASE_SECONDS=1, SCHEDULER_TICK_SECONDS=0.5, DATA_DIR=tmp_path / "data")


def test_whoever_dies_meanwhile_text_and_evidence_stay_of_one_piece(start: Start) -> None:
    document = add_document()
    change("UPDATE document_text SET text = :text, sha256 = :sha", text=OLD, sha=text_hash(OLD))
    with db.transaction() as session:
        writing.write(session, [(Source(document, 1, "key_points"), Finding("It took days.", (QUOTE,), {}))])
    extract.retry(document)
    with db.transaction() as session:
        db.execute(session, "SELECT 1 FROM document FOR UPDATE")
        first = start()
        until(lambda: rows(WAITS_FOR_A_LOCK), first.text)
        first.kill()
    assert quoted_in(OLD)
    second = start()
    until(lambda: not rows("SELECT 1 FROM read_again"), second.text)
    assert quoted_in(TEXT)


def quoted_in(text: str) -> bool:
    (found,) = rows("SELECT t.text, e.start, e.end FROM document_text t JOIN evidence e USING (document_id)")
    return found["text"] == text and text[found["start"] : found["end"]] == QUOTE
