"""What the pages say of retention: what would go, what is asked before, what is left of a document's time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.retention import removal, rules
from core.retention.rules import RetentionRule
from core.runtime import db
from tests.pages import made
from tests.pages.seeing import buttons, press, show, words
from tests.pipeline import add_document, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")


def aged(days: int) -> None:
    with db.transaction() as session:
        db.execute(session, "UPDATE document SET created_at = now() - make_interval(days => :days)", days=days)


def days(at: AppTest, kind: str) -> Any:
    """The field where a kind's days are entered."""
    return next(one for one in at.number_input if str(one.key).startswith(f"days-{kind}"))


def preview(at: AppTest, kind: str) -> AppTest:
    return next(button for button in at.button if button.key == f"retention-{kind}").click().run()


def save(at: AppTest) -> Any:
    return [button for button in at.button if button.label == "Save"][-1]


def test_nothing_is_deleted_and_said_to_be_until_it_is_set() -> None:
    add_document()
    told = words(show("settings", part="Retention"))
    assert "Everything is kept for ever unless set here" in told
    assert "Older than that now: **none**." in told
    assert "Next run" not in told
    for page in ("documents", "jobs"):
        assert "are deleted" not in words(show(page))


def test_what_goes_is_told_and_its_number_typed_before_it_is_saved() -> None:
    ready_documents(3)
    aged(100)
    at = show("settings", part="Retention")
    assert "Older than that now: **3 documents**, 0.1 KB, the oldest of" in words(at)
    at = preview(days(at, "documents").set_value(30).run(), "documents")
    assert "It deletes **3 documents**" in at.warning[0].value
    typed = next(one for one in at.text_input if one.label == "Type 3 to confirm")
    typed.set_value("2")
    at = save(at).click().run()
    assert "Nothing was changed" in at.warning[0].value
    assert rules.rule("documents") is None
    at = preview(at, "documents")
    next(one for one in at.text_input if one.label == "Type 3 to confirm").set_value("3")
    save(at).click().run()
    assert rules.rule("documents") == RetentionRule(30)
    told = words(show("settings", part="Retention"))
    listed = words(show("settings", part="Changes"))
    assert "**retention of documents** nothing set here → 30 days" in listed
    assert "Next run at" in told


def test_what_is_being_asked_is_told() -> None:
    (document,) = ready_documents(1)
    aged(100)
    made.requests(made.job("running"), "pending", document_id=document)
    at = preview(show("settings", part="Retention"), "documents")
    assert "1 of them is being asked" in words(at)


def test_jobs_have_a_rule_of_their_own() -> None:
    made.job("completed", finished_at=datetime.now(UTC) - timedelta(days=5))
    at = preview(days(show("settings", part="Retention"), "jobs").set_value(7).run(), "jobs")
    assert "Nothing is that old now" in words(at)
    save(at).click().run()
    assert (rules.rule("jobs"), rules.rule("documents")) == (RetentionRule(7), None)
    (job,) = rows("SELECT id FROM job")
    assert ":orange[deleted in 1 d 23 h]" in words(show("job", id=job["id"]))
    assert "Jobs are deleted 7 days after their end." in words(show("jobs"))


def test_collections_are_excepted() -> None:
    add_document(collection="samples")
    at = show("settings", part="Retention")
    at = preview(at.multiselect[0].set_value(["samples"]).run(), "documents")
    assert "except those in samples are deleted for good after **90 days**" in words(at)
    save(at).click().run()
    assert rules.rule("documents") == RetentionRule(90, ("samples",))
    assert "except those in samples. Within 7 days: 0." in words(show("documents"))
    (document,) = rows("SELECT id FROM document")
    assert "deleted" not in words(show("document", id=document["id"]))


def test_it_is_kept_for_ever_again_by_one_click() -> None:
    rules.change("documents", RetentionRule(5))
    press(show("settings", part="Retention"), "Keep for ever")
    assert rules.rule("documents") is None
    assert "Keep for ever" not in buttons(show("settings", part="Retention"))


def test_pages_say_when_a_document_goes() -> None:
    document = add_document()
    rules.change("documents", RetentionRule(30))
    assert "· deleted in 29 d 23 h" in words(show("document", id=document))
    assert "Documents are deleted 30 days after their upload. Within 7 days: 0." in words(show("documents"))
    aged(28)
    assert ":orange[deleted in 1 d 23 h]" in words(show("document", id=document))
    assert "Within 7 days: 1." in words(show("documents"))
    aged(31)
    assert ":orange[deleted by the next run]" in words(show("document", id=document))


def test_what_went_is_listed() -> None:
    ready_documents(2)
    rules.change("documents", RetentionRule(1))
    removal.run(datetime.now(UTC) + timedelta(days=2))
    told = words(show("settings", part="Retention"))
    assert "Deleted lately" in told
    assert "2 documents, 0.1 KB: older than 1 day" in told
