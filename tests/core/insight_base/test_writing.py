"""Insights by their statement, and evidence by its quotes."""

import pytest

from core.insight_base import writing
from core.insight_base.writing import Finding, Source
from core.runtime import db
from tests.pipeline import ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")


def write(*found: tuple[Source, Finding]) -> None:
    with db.transaction() as session:
        writing.write(session, found)


def source(document_id: str, response_id: int = 1) -> Source:
    return Source(document_id, response_id, "key_points")


def finding(statement: str, *quotes: str) -> Finding:
    return Finding(statement, quotes, {"level": 1})


def test_a_statement_of_two_documents_is_one_insight_with_the_evidence_of_both() -> None:
    one, other = ready_documents(2)
    write(
        (source(one), finding("It works.", "It works again.")), (source(other), finding("it  works", "It never did."))
    )
    assert rows("SELECT kind, support FROM insight") == [{"kind": "key_points", "support": 1}]
    found = rows("SELECT document_id, quote, supported, attributes FROM evidence ORDER BY document_id")
    assert [(row["document_id"], row["supported"]) for row in found] == [(one, True), (other, False)]
    assert {row["attributes"]["level"] for row in found} == {1}


def test_what_is_written_again_changes_nothing() -> None:
    (document,) = ready_documents(1)
    for _ in range(2):
        write((source(document), finding("It works.", "It works again.", "was replaced")))
    assert len(rows("SELECT 1 FROM insight")) == 1
    assert len(rows("SELECT 1 FROM evidence")) == 2


def test_a_finding_without_a_quote_is_evidence_that_is_not_supported() -> None:
    (document,) = ready_documents(1)
    write((source(document), finding("It works.")))
    assert rows("SELECT quote, supported, start FROM evidence") == [{"quote": "", "supported": False, "start": None}]


def test_nothing_is_written_of_a_statement_without_words_and_of_a_document_that_is_gone() -> None:
    (document,) = ready_documents(1)
    write((source(document), finding(" . ", "It works again.")), (source("doc_gone"), finding("Gone.", "Gone.")))
    assert rows("SELECT 1 FROM evidence") == rows("SELECT 1 FROM insight") == []


def test_what_came_of_looking_a_quote_up_is_stored_with_its_places() -> None:
    (document,) = ready_documents(1)
    given = f"{document} was ... works again.", "It works never again.", "", "Nothing of that sort stands there."
    write((source(document), finding("It works.", *given)))
    text = f"{document} was replaced. It works again."
    found = {row["quote"]: row for row in rows("SELECT * FROM evidence")}
    assert [found[quote]["verdict"] for quote in given] == ["found", "differs", "short", "absent"]
    assert [text[a:b] for a, b in found[given[0]]["spans"]] == [f"{document} was", "works again."]
    differs = found[given[1]]
    assert (differs["supported"], differs["start"], differs["spans"]) == (False, None, None)
    assert "works again" in text[differs["nearest_start"] : differs["nearest_end"]]
