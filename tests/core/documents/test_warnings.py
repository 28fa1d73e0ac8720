"""What a document does not hold: in words, in lists and summed up."""

import json
from typing import get_args

import pytest

from core.documents import report, warnings
from core.documents.report import Filters, SumUp
from core.runtime import db, engines
from core.tables.documents import DocumentWarning, WarningCode
from tests import databases
from tests.pipeline import change, ready_documents


@pytest.mark.parametrize("code", get_args(WarningCode))
def test_each_code_has_words(code: WarningCode) -> None:
    assert code in warnings.WORDS
    one, many = (warnings.message(DocumentWarning(code, number, pages)) for number, pages in ((1, (3,)), (1_200, ())))
    assert one.startswith("1 ")
    assert many.startswith("1,200 ")
    assert "{" not in one + many
    assert " (page 3)" in one or code == "REST_UNREAD"
    assert sorted(warnings.ORDER) == sorted(get_args(WarningCode))


def test_a_code_of_a_newer_release_is_shown_all_the_same() -> None:
    newer = DocumentWarning("SMELLS_UNREAD", 2)  # type: ignore[arg-type]
    assert warnings.message(newer) == "2 other things not read."
    assert warnings.briefly([newer]) == "2 other things"


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ((), ""),
        ((4,), " (page 4)"),
        ((2, 3, 4, 5, 9), " (pages 2–5, 9)"),
        (tuple(range(1, 99, 2)), " (pages 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23 and others)"),
    ],
)
def test_pages_are_named_in_runs(pages: tuple[int, ...], said: str) -> None:
    assert warnings.where(pages) == said


def test_a_choice_is_summed_up_in_words() -> None:
    assert warnings.sum_up(SumUp(30, 0, 0, {})) == []
    some = SumUp(30, 3, 1, {"PICTURES_UNREAD": 1, "PAGES_WITHOUT_TEXT": 3})
    assert warnings.sum_up(some) == [
        "3 of 30 documents were read in part. Not in the text: pages without text in 3, pictures in 1.",
        "1 of 30 documents was read by an older release: what is missing is not known.",
    ]


SCANNED = {"code": "PAGES_WITHOUT_TEXT", "count": 2, "pages": [2, 3]}
PICTURES = {"code": "PICTURES_UNREAD", "count": 1, "pages": []}


@pytest.fixture
def five(database: str) -> list[str]:
    """All of it, in part twice, not known, and not read."""
    ids = ready_documents(5)
    for number, found in enumerate(([], [SCANNED], [SCANNED, PICTURES])):
        change("UPDATE document SET warnings = CAST(:w AS jsonb) WHERE id = :id", id=ids[number], w=json.dumps(found))
    change("UPDATE document SET state = 'failed' WHERE id = :id", id=ids[4])
    return ids


def test_documents_are_found_by_what_they_do_not_hold(five: list[str]) -> None:
    def found(filters: Filters) -> list[str]:
        return [row.id for row in report.find(filters).items]

    assert found(Filters(warnings="true")) == [five[2], five[1]]
    assert found(Filters(warnings="false")) == [five[0]]
    assert found(Filters(warnings="unknown")) == [five[3]]
    assert found(Filters(warnings="true", name="0001")) == [five[1]]
    assert found(Filters(warnings="true", collection="elsewhere")) == []
    assert [report.count(Filters(warnings=one)) for one in ("true", "false", "unknown")] == [2, 1, 1]
    (row,) = report.by_ids([five[1]])
    assert row.warnings == (DocumentWarning("PAGES_WITHOUT_TEXT", 2, (2, 3)),)


def test_a_choice_is_summed_up(five: list[str]) -> None:
    lacking = {"PAGES_WITHOUT_TEXT": 2, "PICTURES_UNREAD": 1}
    assert report.sum_up("default") == SumUp(4, 2, 1, lacking)
    assert report.sum_up(five) == SumUp(4, 2, 1, lacking)
    assert report.sum_up([five[0]]) == SumUp(1, 0, 0, {})
    assert report.sum_up(()) == SumUp(0, 0, 0, {})


MANY_THAT_HOLD_ALL = """INSERT INTO document (workspace_id, id, name, collection_id, sha256, media_type, size_bytes,
  state, warnings)
  SELECT 'ws_default', 'doc_all_' || n, 'n', d.collection_id, d.sha256 || n, d.media_type, 1, 'ready', '[]'
  FROM generate_series(1, 2000) n, (SELECT * FROM document LIMIT 1) d"""


def test_lists_by_what_documents_do_not_hold_go_by_an_index(own_database: str) -> None:
    """However many documents are in the way: most of them have all of it, or none was read again yet."""
    ready_documents(1)
    # What the planner knows of the tables must not be what other tests have left.
    with databases.as_owner() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(MANY_THAT_HOLD_ALL)
        connection.execute("ANALYZE document, collection")
    engines.configure(databases.apps(own_database))
    for filters, index in ((Filters(warnings="true"), "read_in_part"), (Filters(warnings="unknown"), "not_known")):
        condition, given = report.matching(filters)
        sql = f"""EXPLAIN SELECT d.id FROM document d JOIN collection c ON c.id = d.collection_id
                  WHERE {condition} ORDER BY d.id DESC LIMIT 100"""
        with db.transaction() as session:
            plan = [row[0] for row in db.rows(session, sql, **given)]
        assert f"ix_document_{index}" in "\n".join(plan)
