"""Evidence of an older release gets its verdict after the upgrade, and insights their support."""

import pytest
from sqlmodel import Session

from core.insight_base import rechecking, writing
from core.insight_base.writing import Finding, Source
from core.runtime import db
from core.upkeep import tick
from tests.pipeline import ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")


def written(quote: str, document: str) -> None:
    with db.transaction() as session:
        writing.write(session, [(Source(document, 1, "key_points"), Finding(f"Says: {quote}", (quote,), {}))])


def as_before(session: Session) -> None:
    """No curly quotation marks were found, and words that were cut were."""
    db.execute(session, "UPDATE evidence SET verdict = NULL, supported = NOT supported, start = NULL, spans = NULL")


def test_evidence_without_a_verdict_is_checked_again_and_support_counted_anew() -> None:
    one, other = ready_documents(2)
    written("It “works” again.", one)
    written("laced. It works again.", other)
    known = rows("SELECT verdict, supported, start FROM evidence ORDER BY id")
    assert [row["verdict"] for row in known] == ["found", "differs"]
    with db.transaction() as session:
        as_before(session)
    rechecking.recheck_all()
    assert rows("SELECT verdict, supported, start FROM evidence ORDER BY id") == known
    assert rows("SELECT support FROM insight ORDER BY first_seen, id") == [{"support": 1}, {"support": 0}]
    assert rechecking.recheck_document() == 0


def test_what_was_known_stays_where_the_text_is_gone() -> None:
    (document,) = ready_documents(1)
    written("It works again.", document)
    with db.transaction() as session:
        db.execute(session, "UPDATE evidence SET verdict = NULL")
        db.execute(session, "DELETE FROM document_text")
    rechecking.recheck_all()
    assert rows("SELECT verdict, supported FROM evidence") == [{"verdict": "found", "supported": True}]


def test_the_scheduler_defers_it_while_there_is_something_to_check() -> None:
    (document,) = ready_documents(1)
    written("It works again.", document)
    deferred = "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'recheck_quotes'"
    with db.transaction() as session:
        tick.nudge(session)
    assert rows(deferred) == []
    with db.transaction() as session:
        db.execute(session, "UPDATE evidence SET verdict = NULL")
        tick.nudge(session)
    assert len(rows(deferred)) == 1
