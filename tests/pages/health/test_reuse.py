"""Reuse on the Health page: figures, and taking answers out of use after a question."""

from typing import Any

import pytest

from core.runtime import db
from pages.common import formats
from tests.local_provider import LocalProvider
from tests.pages.seeing import buttons, press, show, words
from tests.pipeline import add_document, make_job, rows, run_job

pytestmark = pytest.mark.usefixtures("database")


def job(document: str, template: str, **params: Any) -> None:
    run_job(make_job([document], template, provider="openai", model="gpt-5-mini", params=params))


@pytest.fixture
def analysed(openai: LocalProvider) -> None:
    document = add_document()
    job(document, "summarize")
    job(document, "summarize")
    job(document, "key_points", count=2)


def test_nothing_to_reuse_offers_nothing() -> None:
    at = show("health")
    assert "Known already – " in words(at)
    assert "Stop reusing answers" not in buttons(at)


@pytest.mark.usefixtures("analysed")
def test_the_page_tells_what_reuse_is_worth() -> None:
    (spent,) = rows("SELECT cost_usd FROM usage_record WHERE template_id = 'summarize' AND NOT reused")
    at = show("health")
    assert "Known already 33%" in words(at)
    assert "Answers to reuse 2" in words(at)
    assert f"Saved {formats.money(spent['cost_usd'])} " in words(at)


@pytest.mark.usefixtures("analysed")
def test_answers_are_taken_out_of_use_after_a_question() -> None:
    assert "**2 answers** of all would be asked" in words(press(show("health"), "Stop reusing answers"))
    at = show("health")
    at.session_state["afresh_template"] = "key_points"
    at = press(at, "Stop reusing answers")
    assert "**1 answer** would be asked" in words(at)
    at = press(at, "Clear 1")
    assert formats.plain("Not reused any more: 1 answer.") in words(at)
    assert rows("SELECT after ->> 'template' AS template FROM audit_entry") == [{"template": "key_points"}]
    assert "Answers to reuse 1" in words(show("health"))


@pytest.mark.usefixtures("own_database", "analysed")
def test_lookups_that_fail_are_said() -> None:
    with db.transaction() as session:
        db.execute(session, "ALTER TABLE response RENAME COLUMN invalidated_at TO lost")
    at = show("health")
    assert not at.exception
    assert "work goes on without reuse" in words(at)
