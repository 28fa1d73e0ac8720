from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from sqlalchemy.exc import InternalError, NotSupportedError, ProgrammingError

from core.errors import Unavailable
from core.runtime import db, engines, workspace
from tests import databases
from tests.pipeline import PATIENCE_S

pytestmark = pytest.mark.usefixtures("database")
LOCK = "LOCK TABLE collection"


def lock_within(seconds: float) -> None:
    with db.transaction() as session:
        db.execute(session, f"SET LOCAL statement_timeout = '{PATIENCE_S}s'")
        db.bound_lock_waits(session, seconds)
        db.execute(session, LOCK)


def test_a_wait_for_a_lock_ends_at_its_bound() -> None:
    with db.transaction() as holder:
        db.execute(holder, LOCK)
        with pytest.raises(Unavailable) as caught:
            lock_within(0.1)
    assert str(caught.value.__cause__).startswith("LockNotAvailable")


def begun() -> tuple[object, object]:
    """Of a reading: its connection, and when its transaction began."""
    with db.reading() as session:
        (found,) = db.rows(session, "SELECT pg_backend_pid() AS process, transaction_timestamp() AS begun")
    return found.process, found.begun


def test_readings_share_a_transaction_within_together_only() -> None:
    assert begun() != begun()
    with db.together():
        assert begun() == begun()
    assert begun() != begun()


def test_statements_of_readings_together_are_prepared_and_stay_so() -> None:
    for _ in range(8):
        with db.together(), db.reading() as session:
            db.scalar(session, "SELECT count(*) FROM collection WHERE workspace_id = :workspace")
    with db.reading() as session:
        assert "FROM collection" in str(db.rows(session, "SELECT statement FROM pg_prepared_statements"))


def test_a_reading_is_planned_by_its_values_and_work_is_not() -> None:
    def planned(*, everywhere: bool = False) -> str:
        with db.reading(everywhere=everywhere) as session:
            return str(db.scalar(session, "SHOW plan_cache_mode"))

    def each() -> list[str]:
        return [planned(), planned(everywhere=True), planned()]

    with db.together():
        assert each() == ["force_custom_plan", "auto", "force_custom_plan"]
    assert each() == ["force_custom_plan", "auto", "force_custom_plan"]
    with db.transaction(reads="snapshot") as session:
        assert db.scalar(session, "SHOW plan_cache_mode") == "force_custom_plan"
    with db.transaction() as session:
        assert db.scalar(session, "SHOW plan_cache_mode") == "auto"


def test_a_table_that_was_migrated_breaks_one_reading_and_not_those_after_it(own_database: str) -> None:
    def read() -> None:
        with db.together(), db.reading() as session:
            db.rows(session, "SELECT * FROM saved_view WHERE workspace_id = :workspace")

    for _ in range(8):
        read()
    with databases.as_owner() as connection:
        connection.execute("ALTER TABLE saved_view ADD COLUMN later text")
    with pytest.raises(NotSupportedError):
        read()
    read()


def test_more_statements_are_prepared_than_the_pages_have() -> None:
    with db.transaction() as session:
        for _ in range(6):
            for number in range(150):
                db.scalar(session, f"SELECT {number}")
        assert db.scalar(session, "SELECT count(*) FROM pg_prepared_statements") >= 150


def held() -> int:
    return engines.engine().pool.checkedout()  # type: ignore[attr-defined, no-any-return]


def test_a_transaction_within_together_holds_the_only_connection_and_is_seen_afterwards() -> None:
    with db.together():
        before = begun()
        with db.transaction() as session:
            db.execute(session, "INSERT INTO collection (id, workspace_id, name) VALUES ('col_1', :workspace, 'new')")
            assert held() == 1
        with db.reading() as session:
            assert db.scalar(session, "SELECT name FROM collection WHERE workspace_id = :workspace") == "new"
        assert begun() != before
    assert held() == 0


def test_a_reading_that_fails_takes_no_other_with_it() -> None:
    with db.together():
        with pytest.raises(ProgrammingError), db.reading() as session:
            db.rows(session, "SELECT nothing")
        assert begun()


def test_a_reading_carries_the_workspace_at_hand() -> None:
    with db.together():
        assert begun()
        with workspace.bound("ws_other"), db.reading() as session:
            assert db.scalar(session, "SELECT CAST(:workspace AS text)") == "ws_other"


def seen() -> list[str]:
    with db.reading() as session:
        return [row.name for row in db.rows(session, "SELECT name FROM collection ORDER BY name")]


@pytest.fixture
def two_workspaces() -> None:
    """Each with a collection of its name."""
    with db.transaction(everywhere=True) as session:
        db.execute(session, "INSERT INTO workspace (id, name) VALUES ('ws_other', 'other')")
        places = "VALUES ('ws_default', 'ws_default', 'ws_default'), ('ws_other', 'ws_other', 'ws_other')"
        db.execute(session, f"INSERT INTO collection (id, workspace_id, name) {places}")


@pytest.mark.usefixtures("two_workspaces")
def test_readings_of_one_workspace_and_of_all_share_a_transaction_and_each_sees_its_own() -> None:
    with db.together():
        before = begun()
        assert seen() == ["ws_default"]
        with db.reading(everywhere=True) as session:
            assert db.scalar(session, "SELECT count(*) FROM collection") == 2
        assert seen() == ["ws_default"]
        with workspace.bound("ws_other"):
            assert seen() == ["ws_other"]
        assert seen() == ["ws_default"]
        assert begun() == before


def test_a_snapshot_sees_one_moment_and_changes_nothing() -> None:
    sql = "INSERT INTO collection (id, workspace_id, name) VALUES ('col_1', :workspace, 'new')"
    with db.transaction(reads="snapshot") as snapshot:
        assert db.rows(snapshot, "SELECT name FROM collection") == []
        with db.transaction() as session:
            db.execute(session, sql)
        assert db.rows(snapshot, "SELECT name FROM collection") == []
    assert seen() == ["new"]
    with pytest.raises(InternalError), db.transaction(reads="snapshot") as snapshot:
        db.execute(snapshot, sql)


@pytest.mark.usefixtures("two_workspaces")
def test_a_reading_within_another_leaves_that_as_it_was() -> None:
    count = "SELECT count(*) FROM collection"
    with db.together(), db.reading() as outer:
        with db.reading(everywhere=True) as inner:
            assert db.scalar(inner, count) == 2
        assert db.scalar(outer, count) == 1
        with db.seeing_all(outer):
            assert db.scalar(outer, count) == 2
            with db.reading() as inner:
                assert db.scalar(inner, count) == 1
            assert db.scalar(outer, count) == 2
        assert db.scalar(outer, count) == 1
        with pytest.raises(ValueError, match="ours"), db.seeing_all(outer):
            raise ValueError("ours")
        assert db.scalar(outer, count) == 1


def test_a_reading_that_goes_on_after_its_transaction_ended_carries_what_it_says_and_ends_with_the_rest() -> None:
    with db.together(), db.reading(everywhere=True), db.reading() as inner:
        db.scalar(inner, "SELECT 1")
        with db.transaction():
            pass
        assert db.scalar(inner, "SELECT current_setting('cairn.workspace')") == inner.info["carries"]
    assert held() == 0


def test_a_thread_that_is_given_the_context_has_its_own_transactions() -> None:
    with db.together(), ThreadPoolExecutor(1) as threads:
        assert begun()[0] != threads.submit(copy_context().run, begun).result(PATIENCE_S)[0]
    assert held() == 0
