"""From a document to a checked insight, through the real pipeline."""

import pytest

from tests.pipeline import TEXT, add_document, make_job, rows, run_job


@pytest.mark.usefixtures("database")
def test_key_points_become_insights_whose_quotes_stand_in_the_document() -> None:
    document = add_document()
    job = make_job([document], params={"count": 2})
    run_job(job)
    assert rows("SELECT state FROM job") == [{"state": "completed"}]
    found = rows('SELECT quote, supported, start, "end" FROM evidence')
    assert len(found) == 2
    assert all(row["supported"] and TEXT[row["start"] : row["end"]] == row["quote"] for row in found)
    assert [row["support"] for row in rows("SELECT support FROM insight")] == [1, 1]


@pytest.mark.usefixtures("database")
def test_the_same_question_twice_is_answered_once_and_costs_nothing() -> None:
    document = add_document()
    run_job(make_job([document]))
    run_job(make_job([document]))
    assert rows("SELECT reused, state FROM request ORDER BY id") == [
        {"reused": False, "state": "succeeded"},
        {"reused": True, "state": "succeeded"},
    ]
    assert len(rows("SELECT 1 FROM response")) == 1
