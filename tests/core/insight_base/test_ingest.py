"""What a statement is one with, how it is counted, and what of it outlives its documents."""

import pytest

from core.documents import deletion, reading
from core.documents.extraction.process import Extracted
from core.insight_base import counts, decisions, renewal, text_groups, writing
from core.insight_base.writing import Finding, Source
from core.insights import evidence_report
from core.runtime import db, workspace
from tests.pipeline import add_document, change, make_job, ready_documents, rows, run_job

pytestmark = pytest.mark.usefixtures("database")
ARTICLE = " ".join(f"Sentence {n} of the article is about pump {n * 7} of the plant." for n in range(60))


def write(
    document: str, statement: str, *quotes: str, response: int = 1, question: str | None = None, to: str | None = None
) -> None:
    finding = Finding(statement, quotes or ("It works again.",), {}, question)
    with db.transaction(everywhere=True) as session:
        writing.write(session, [(Source(document, response, "key_points", to), finding)])


def store(document: str, text: str) -> None:
    with db.transaction(everywhere=True) as session:
        reading.store_text(session, document, Extracted(text, (0,), "en", 9, False))


def insights(columns: str = "statement, support, confidence") -> list[dict[str, object]]:
    return rows(f"SELECT {columns} FROM insight ORDER BY first_seen, id")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The contract costs EUR 45,000.", "The contract costs €45,000."),
        ("It ends on 5 August 2026.", "It ends on August 5, 2026."),
        ("It didn't fail.", "It did not fail."),
        ("It handled twenty-four trains.", "It handled 24 trains."),
    ],
)
def test_other_writing_is_the_same_insight(one: str, other: str) -> None:
    first, second = ready_documents(2)
    write(first, one)
    write(second, other)
    assert insights("statement, support") == [{"statement": one, "support": 2}]


def test_what_differs_in_a_word_that_matters_is_another_insight() -> None:
    (document,) = ready_documents(1)
    for statement in ("Sales rose by 3 %.", "Sales rose to 3 %.", "Sales rose by 4 %.", "Sales did not rise by 3 %."):
        write(document, statement)
    assert len(insights()) == 4


def test_the_same_answer_to_two_questions_is_two_insights() -> None:
    (document,) = ready_documents(1)
    for question in ("Is it insured?", "is it  insured?", "Is it rented?"):
        write(document, "Yes.", question=question)
    assert insights("question, support") == [
        {"question": "Is it insured?", "support": 1},
        {"question": "Is it rented?", "support": 1},
    ]


def test_the_question_comes_with_the_answers_of_a_job() -> None:
    document = add_document()
    for question in ("What did the two pumps cost?", "What did the northern plant pay?"):
        run_job(make_job([document], "qa", params={"question": question}))
    assert len({row["question"] for row in insights("question")}) == len(insights())


def test_an_answer_is_in_the_language_that_it_was_asked_for_in() -> None:
    one, other = ready_documents(2)
    change("UPDATE document SET language = 'de'")
    write(one, "Der Preis beträgt 3 Euro.")
    write(other, "Le prix est de 3 euros.", to="fr")
    assert [row["language"] for row in insights("language")] == ["de", "fr"]


def test_one_file_in_two_collections_counts_once() -> None:
    documents = [add_document(collection=name) for name in ("one", "other")]
    for document in documents:
        write(document, "It works.", "Repairs took nine days")
    assert insights("support, documents, confidence") == [{"support": 1, "documents": 2, "confidence": 0.5}]


def test_asking_a_document_again_changes_no_count() -> None:
    one, other = ready_documents(2)
    write(one, "It works.")
    write(other, "It works.", "It never did.")
    known = insights("id, support, confidence")
    assert known[0]["confidence"] == 0.25  # one of two documents, supported by one
    for response in (2, 3, 3):
        write(one, "It works.", response=response)
    assert insights("id, support, confidence") == known
    (row,) = evidence_report.evidence([str(known[0]["id"])], most=1)
    assert (row.document, row.response, row.times) == (one, 1, 3)


def test_a_repeated_sighting_updates_no_row() -> None:
    (document,) = ready_documents(1)
    write(document, "It works.")
    updated = "SELECT sum(n_tup_upd) FROM pg_stat_xact_user_tables"
    with db.transaction(everywhere=True) as session:
        before = db.scalar(session, updated)
        writing.write(session, [(Source(document, 2, "key_points"), Finding("It works.", ("It works again.",), {}))])
        assert db.scalar(session, updated) == before
    assert len(rows("SELECT 1 FROM sighting")) == 1


def test_texts_that_are_nearly_the_same_are_one_source() -> None:
    first, second, third = ready_documents(3)
    store(first, ARTICLE)
    store(second, ARTICLE.replace("pump 14 ", "pump 15 "))
    store(third, "Something else is written here, at some length, and by somebody else. " * 9)
    for document in (first, second, third):
        write(document, "It works.", "of the article is about" if document != third else "by somebody else")
    assert insights("support, documents") == [{"support": 2, "documents": 3}]
    assert rows("SELECT id, text_group FROM document ORDER BY id") == [
        {"id": first, "text_group": first},
        {"id": second, "text_group": first},
        {"id": third, "text_group": third},
    ]


def test_a_group_is_told_by_its_first_document_and_not_along_a_chain() -> None:
    documents = ready_documents(3)
    words = ARTICLE.split()
    for n, document in enumerate(documents):
        # Each is like the one before, and the last is not like the first.
        store(document, " ".join(f"{word}{'x' if at % 60 < n else ''}" for at, word in enumerate(words)))
    groups = [row["text_group"] for row in rows("SELECT text_group FROM document ORDER BY id")]
    assert groups == [documents[0], documents[0], documents[2]]


def test_when_the_first_of_a_group_goes_the_others_stay_one() -> None:
    documents = ready_documents(3)
    for n, document in enumerate(documents):
        store(document, ARTICLE + f" Copy {n}.")
        write(document, "It works.", "of the article is about")
    deletion.delete(documents[0])
    assert {row["text_group"] for row in rows("SELECT text_group FROM document")} == {documents[1]}
    assert insights("support, documents") == [{"support": 1, "documents": 2}]
    store(documents[1], "It was read again, and says something else now. " * 5)
    assert len({row["text_group"] for row in rows("SELECT text_group FROM document")}) == 2
    assert rows("SELECT id FROM text_group ORDER BY id") == [{"id": one} for one in documents[1:]]


def test_texts_of_two_workspaces_have_nothing_to_do_with_each_other() -> None:
    one, other = ready_documents(2)
    change("INSERT INTO workspace (id, name) VALUES ('ws_2', 'second')")
    change("UPDATE document SET workspace_id = 'ws_2' WHERE id = :d", d=other)
    for document in (one, other):
        store(document, ARTICLE)
        write(document, "It works.", "of the article is about")
    assert [row["text_group"] for row in rows("SELECT text_group FROM document ORDER BY id")] == [one, other]
    assert insights("workspace_id, support") == [
        {"workspace_id": workspace.DEFAULT, "support": 1},
        {"workspace_id": "ws_2", "support": 1},
    ]


@pytest.mark.parametrize("state", ["dismissed", "confirmed"])
def test_a_decision_outlives_the_statement_and_holds_no_text(state: str) -> None:
    one, other = ready_documents(2)
    write(one, "The contract costs EUR 45,000.")
    change("UPDATE insight SET state = :state", state=state)
    with db.transaction(everywhere=True) as session:
        decisions.remember(session, [row["id"] for row in rows("SELECT id FROM insight")])
    deletion.delete(one)
    assert insights() == []
    (kept,) = rows("SELECT * FROM decision")
    assert set(kept) == {"hash", "workspace_id", "key_version", "state", "decided_at"}
    write(other, "The contract costs €45,000.")
    assert insights("state, confidence") == [{"state": state, "confidence": 0.0 if state == "dismissed" else 0.95}]


def test_a_decision_that_was_taken_back_is_forgotten() -> None:
    (document,) = ready_documents(1)
    write(document, "It works.")
    for state in ("dismissed", "new"):
        change("UPDATE insight SET state = :state", state=state)
        with db.transaction(everywhere=True) as session:
            decisions.remember(session, [row["id"] for row in rows("SELECT id FROM insight")])
    assert rows("SELECT 1 FROM decision") == []


def test_insights_of_an_older_release_are_told_apart_and_joined_by_their_keys() -> None:
    one, other = ready_documents(2)
    write(one, "Yes.", question="Is it insured?")
    write(other, "The contract costs EUR 45,000.")
    insured, contract = (row["id"] for row in rows("SELECT id FROM insight ORDER BY question"))
    change("UPDATE insight SET exact_key = NULL, masked_key = NULL, question = NULL, language = NULL")
    change(
        """UPDATE evidence SET template_id = 'qa', attributes = '{"question": "Is it insured?"}'
           WHERE document_id = :d""",
        d=one,
    )
    change(
        """INSERT INTO evidence (insight_id, document_id, response_id, template_id, quote, quote_key, supported,
             attributes)
           SELECT insight_id, :other, 2, 'qa', quote, quote_key, true, '{"question": "Is it rented?"}'
           FROM evidence WHERE document_id = :one""",
        one=one,
        other=other,
    )
    change("UPDATE insight SET state = 'dismissed' WHERE id = :id", id=contract)
    # Meanwhile it was found again.
    write(one, "The contract costs €45,000.")
    while renewal.renew():
        pass
    assert [(row["question"], row["support"]) for row in insights("question, support") if row["question"]] == [
        ("Is it insured?", 1),
        ("Is it rented?", 1),
    ]
    assert rows("SELECT id FROM insight WHERE question = 'Is it insured?'") == [{"id": insured}]
    (joined,) = rows("SELECT statement, support, documents, state FROM insight WHERE question IS NULL")
    assert (joined["documents"], joined["state"]) == (2, "dismissed")
    assert renewal.renew() == 0


def test_a_recount_of_everything_changes_nothing() -> None:
    one, other = ready_documents(2)
    write(one, "It works.", "It works again.", "It never did.")
    write(other, "It works.", "It never did.")
    write(other, "Nothing supports this.", "It never did.")
    known = insights("*")
    with db.transaction(everywhere=True) as session:
        assert counts.recount(session, [str(row["id"]) for row in known]) == 0
    assert insights("*") == known


def test_documents_of_an_older_release_get_their_group() -> None:
    one, other = ready_documents(2)
    for document in (one, other):
        store(document, ARTICLE)
        write(document, "It works.", "of the article is about")
    change("DELETE FROM text_group")
    change("UPDATE document SET text_group = NULL")
    with db.transaction(everywhere=True) as session:
        counts.recount(session, text_groups.insights_of(session, [one]))
    assert insights("support") == [{"support": 2}]
    while renewal.renew():
        pass
    assert insights("support") == [{"support": 1}]
