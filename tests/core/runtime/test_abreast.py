"""Reports that are read side by side: what they find, what they may do, and in how many round trips."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, ProgrammingError

from core.errors import NotFound, Unavailable
from core.runtime import db, engines, workspace
from tests import databases, round_trips
from tests.pipeline import PATIENCE_S

pytestmark = pytest.mark.usefixtures("database")


def one(sql: str, *, everywhere: bool = False, **given: Any) -> Any:
    with db.reading(everywhere=everywhere) as session:
        return db.scalar(session, sql, **given)


def two(first: str, second: str, *, everywhere: bool = False) -> tuple[Any, Any]:
    return one(first, everywhere=everywhere), one(second, everywhere=everywhere)


def refused() -> None:
    raise NotFound("There is none.")


def test_they_find_what_they_would_find_alone() -> None:
    with db.side_by_side() as group:
        number = group.read(one, "SELECT CAST(:number AS int)", number=7)
        both = group.read(two, "SELECT 1", "SELECT 'two'")
        nothing = group.read(one, "SELECT 1 WHERE false")
        without = group.read(lambda: "no statement")
    assert (number.found, both.found, nothing.found, without.found) == (7, (1, "two"), None, "no statement")


def test_rows_are_read_by_place_by_name_and_as_a_whole() -> None:
    def rows() -> list[Any]:
        with db.reading() as session:
            named = db.rows(session, "SELECT 1 AS id, 'a' AS name UNION ALL SELECT 2, 'b' ORDER BY 1")
            return [*named, *db.columns(session, "SELECT unnest(%(ids)s::int[]), 5", ids=[3])]

    with db.side_by_side() as group:
        read = group.read(rows)
    first, second, nameless = read.found
    assert (first[0], first.name, tuple(second), second._mapping) == (1, "a", (2, "b"), {"id": 2, "name": "b"})
    assert tuple(nameless) == (3, 5)


def test_as_many_round_trips_as_the_one_that_needs_most(tmp_path: Path) -> None:
    def read(times: int) -> None:
        with db.together():
            one("SELECT 1")
            with db.side_by_side() as group:
                for number in range(times):
                    group.read(two, f"SELECT {number}", "SELECT 0")

    alone = round_trips.count(partial(read, 0), tmp_path)
    assert round_trips.count(partial(read, 1), tmp_path) == alone + 2
    assert round_trips.count(partial(read, 9), tmp_path) == alone + 2


def test_a_group_within_a_report_goes_along_with_the_others(tmp_path: Path) -> None:
    def within() -> list[int]:
        with db.side_by_side() as group:
            found = [group.read(one, f"SELECT {number}") for number in range(3)]
        return [report.found for report in found]

    def read() -> list[int]:
        with db.together(), db.side_by_side() as group:
            found = group.read(within)
            group.read(one, "SELECT 5")
        return found.found

    def single() -> None:
        with db.together():
            one("SELECT 1")

    assert read() == [0, 1, 2]
    assert round_trips.count(read, tmp_path) == round_trips.count(single, tmp_path)


def test_each_sees_the_rows_of_its_workspace_or_of_all_and_what_follows_its_own() -> None:
    own = workspace.current()
    here, there = "SELECT current_setting('cairn.workspace')", "SELECT CAST(:workspace AS text)"
    with db.together():
        with db.side_by_side() as group:
            mine = group.read(two, here, there)
            every = [group.read(two, here, there, everywhere=True) for _ in range(2)]
            again = group.read(one, here)
            with workspace.bound("ws_other"):
                other = group.read(two, here, there)
            by_itself = group.read(in_other, here)
        assert (mine.found, again.found) == ((own, own), own)
        assert [report.found for report in every] == [("*", own), ("*", own)]
        assert (other.found, by_itself.found) == (("ws_other", "ws_other"), "ws_other")
        assert one(here) == own


def in_other(sql: str) -> Any:
    with workspace.bound("ws_other"):
        return one(sql)


def test_one_that_fails_takes_no_other_with_it() -> None:
    with db.together():
        with db.side_by_side() as group:
            before = group.read(two, "SELECT 1", "SELECT 2")
            group.ahead(one, "SELECT nosuch")
            caught = group.read(or_none, "SELECT 1/0")
            group.ahead(refused)
            after = group.read(two, "SELECT 3", "SELECT 4")
        assert (before.found, after.found, caught.found) == ((1, 2), (3, 4), None)
        with pytest.raises(ProgrammingError, match="nosuch"):
            db.read(one, "SELECT nosuch")
        with pytest.raises(NotFound):
            db.read(refused)
        # And what is read next.
        assert one("SELECT 5") == 5


def test_what_is_not_read_ahead_fails_at_the_end_of_the_block_whether_it_is_looked_at_or_not() -> None:
    with pytest.raises(NotFound), db.side_by_side() as group:
        group.read(refused)
    with pytest.raises(ProgrammingError), db.side_by_side() as group:
        group.read(one, "SELECT nosuch")


def or_none(sql: str) -> Any:
    with suppress(Exception):
        return one(sql)


def test_the_values_of_a_row_do_not_stand_in_its_error() -> None:
    with pytest.raises(DBAPIError) as caught, db.side_by_side() as group:
        group.read(one, "SELECT CAST(:words AS int)", words="confidential")
    assert "InvalidTextRepresentation" in str(caught.value)
    assert "confidential" not in str(caught.value)


def test_where_the_database_is_away_each_says_so() -> None:
    engines.configure("postgresql://nobody@127.0.0.1:1/none")
    with db.together():
        with db.side_by_side() as group:
            group.ahead(one, "SELECT 1")
            group.ahead(two, "SELECT 1", "SELECT 2")
        for report in (partial(one, "SELECT 1"), partial(two, "SELECT 1", "SELECT 2")):
            with pytest.raises(Unavailable):
                db.read(report.func, *report.args)


def test_none_opens_a_transaction_of_its_own() -> None:
    def work() -> None:
        with db.transaction() as session:
            db.execute(session, "SELECT 1")

    with pytest.raises(AssertionError, match="opens no transaction"), db.side_by_side() as group:
        group.read(work)


def test_what_was_read_is_known_until_something_may_have_changed(tmp_path: Path) -> None:
    with db.together():
        with db.side_by_side() as group:
            group.read(one, "SELECT clock_timestamp()")
            group.read(one, "SELECT CAST(:n AS int)", n=1)
        first = db.read(one, "SELECT clock_timestamp()")
        assert db.read(one, "SELECT clock_timestamp()") == first
        assert db.read(one, "SELECT CAST(:n AS int)", n=2) == 2
        with db.transaction() as session:
            db.execute(session, "SELECT 1")
        assert db.read(one, "SELECT clock_timestamp()") > first
    assert db.read(one, "SELECT 6") == 6


def test_what_was_read_of_one_workspace_is_not_taken_for_that_of_another() -> None:
    here = "SELECT CAST(:workspace AS text)"
    with db.together():
        with db.side_by_side() as group:
            group.ahead(one, here)
        assert db.read(one, here) == workspace.current()
        with workspace.bound("ws_other"):
            assert db.read(one, here) == "ws_other"


def test_within_a_session_they_are_of_its_transaction() -> None:
    with db.transaction() as session:
        mine = db.scalar(session, "SELECT pg_current_xact_id()::text")
        with db.side_by_side(session) as group:
            theirs = group.read(db.scalar, session, "SELECT pg_current_xact_id()::text")
    assert theirs.found == mine


def test_all_are_of_one_moment() -> None:
    count = "SELECT count(*) FROM collection"
    with db.together():
        with db.side_by_side() as group:
            before = group.read(one, count)
        with databases.as_owner() as connection:
            connection.execute(
                "INSERT INTO collection (id, workspace_id, name) VALUES ('col_1', 'ws_default', 'since')"
            )
        with db.side_by_side() as group:
            after = group.read(one, count)
        assert before.found == after.found
    assert one(count) == before.found + 1


def test_a_thread_that_a_report_gives_its_context_reads_by_itself() -> None:
    def read() -> int:
        with ThreadPoolExecutor(1) as threads:
            return int(threads.submit(copy_context().run, one, "SELECT 1").result(PATIENCE_S))

    with db.side_by_side() as group:
        found = group.read(read)
    assert found.found == 1


def test_within_a_session_the_error_is_that_of_the_statement_that_failed() -> None:
    def read() -> None:
        with db.transaction() as session, db.side_by_side(session) as group:
            for sql in ("SELECT 1", "SELECT nosuch", "SELECT 2"):
                group.read(db.scalar, session, sql)

    with pytest.raises(ProgrammingError, match="nosuch"):
        read()


def test_none_is_left_waiting_where_another_one_breaks() -> None:
    lock = threading.Lock()

    def holding() -> int:
        with lock:
            return int(one("SELECT 1"))

    def broken() -> None:
        one("SELECT 2")
        raise KeyError("ours")

    def read() -> None:
        with db.side_by_side() as group:
            group.ahead(holding)
            group.read(broken)
            group.ahead(two, "SELECT 3", "SELECT 4")

    with pytest.raises(KeyError, match="ours"):
        read()
    assert not lock.locked()


def test_what_a_transaction_has_read_is_not_known_after_it() -> None:
    now = "SELECT clock_timestamp()"
    with db.together():
        with db.transaction() as session, db.side_by_side(session) as group:
            first = group.read(one, now)
        assert db.read(one, now) > first.found


def test_what_several_ask_for_is_asked_once(tmp_path: Path) -> None:
    def read(times: int) -> None:
        with db.side_by_side() as group:
            found = [group.read(one, "SELECT 7") for _ in range(times)]
            group.read(one, "SELECT 8")
        assert [report.found for report in found] == [7] * times

    once, often = (round_trips.count(partial(read, times), tmp_path, round_trips.IS_ASKED) for times in (1, 5))
    assert once == often > 0
