"""Quotes of fields: asked for, looked up in each document that the answer is for, and again in a new text."""

from typing import Any

import pytest
from sqlmodel import Session

from core.asking import templates
from core.documents import content
from core.evidence.quotes import SourceText
from core.fields import FieldSpec
from core.insight_base import field_quotes
from core.insight_base.field_quotes import Quoted
from core.providers.offline import OfflineProvider
from core.runtime import db
from tests.pipeline import TEXT, add_document, make_job, ready_documents, rows, run_job

pytestmark = pytest.mark.usefixtures("database")
FIELDS = (
    FieldSpec("cost", "number", "what repairs cost", quote=True),
    FieldSpec("supplier", "string", "what the supplier has agreed to", quote=True),
    FieldSpec("late", "boolean", quote=True),
    FieldSpec("days", "integer", "days of repairs"),
)
NAMES = 'document_id, field, value, quote, verdict, supported, start, "end"'


def stored() -> list[dict[str, Any]]:
    return rows(f"SELECT {NAMES} FROM field_quote ORDER BY document_id, field")


def test_the_quotes_of_an_answer_are_looked_up_in_each_document_that_it_is_for() -> None:
    own = templates.create("Repairs", "What do repairs cost?", FIELDS, insights=False)
    first, second = add_document(), add_document(collection="again")
    for document in (first, second):
        run_job(make_job([document], own.id))
    assert rows("SELECT count(*) AS answers FROM response") == [{"answers": 1}]
    cost = "Repairs took nine days and cost 48,000 euros."
    supplier = "The supplier has agreed to replace both pumps before the end of June."
    assert stored() == [
        {
            "document_id": document,
            "field": field,
            "value": value,
            "quote": quote,
            "verdict": "found",
            "supported": True,
            "start": TEXT.index(quote),
            "end": TEXT.index(quote) + len(quote),
        }
        for document in sorted((first, second))
        for field, value, quote in (("cost", "48000", cost), ("supplier", supplier, supplier))
    ]
    text, place = content.quoted_in(first, TEXT.index(cost), TEXT.index(cost) + len(cost))
    assert text.text == TEXT
    assert place is not None
    with db.transaction() as session:
        db.execute(session, "DELETE FROM document WHERE id = :id", id=first)
    assert {row["document_id"] for row in stored()} == {second}


def write(session: Session, *given: tuple[str, str]) -> None:
    field_quotes.write(session, [Quoted("doc_0000", 1, field, "48", quote) for field, quote in given])


def test_each_has_the_verdict_that_it_has_in_the_text_of_now() -> None:
    ready_documents(1)
    with db.transaction() as session:
        write(session, ("found", "It works again."), ("absent", "Nobody said any such thing."), ("short", "again"))
    verdicts = [{"field": name, "verdict": name} for name in ("absent", "found", "short")]
    assert rows("SELECT field, verdict FROM field_quote ORDER BY field") == verdicts
    with db.transaction() as session:
        write(session, ("found", "It works again."))  # derived again
        field_quotes.recheck(session, "doc_0000", SourceText("Now 48 new words: nobody said any such thing."))
    found = rows("SELECT field, verdict, supported, start FROM field_quote ORDER BY field")
    assert [(row["verdict"], row["supported"], row["start"]) for row in found] == [
        ("found", True, 18),
        ("absent", False, None),
        ("short", False, None),
    ]


def test_who_asks_for_no_quote_asks_the_same_as_before() -> None:
    """The hash of a template's question decides which answers are known."""
    own = templates.create("Plain", "Say it.", [FieldSpec("days", "integer")], insights=False)
    with db.transaction() as session:
        plain = templates.asking(session, own.id, {})
    assert rows("SELECT fields FROM template_version WHERE template_id = :id", id=own.id)[0]["fields"] == [
        {"name": "days", "type": "integer", "description": "", "choices": [], "required": True}
    ]
    from core.asking import prompts

    body = OfflineProvider().body(prompts.build(plain, "", "0" * 64), "offline-1")
    assert "quote" not in body["fields"][0]
    assert "quotes" not in plain.instructions
    assert plain.schema["required"] == ["days"]
