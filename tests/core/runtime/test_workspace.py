import asyncio

import pytest
from sqlalchemy.exc import DBAPIError

from core.runtime import db, workspace
from tests.pipeline import rows

HERE = "SELECT CAST(:workspace AS text) AS here"


@pytest.mark.usefixtures("database")
def test_a_transaction_carries_the_workspace_in_which_it_was_begun() -> None:
    with db.transaction() as default, workspace.bound("ws_2"), db.transaction() as other:
        assert (db.workspace_of(default), db.workspace_of(other)) == ("ws_default", "ws_2")
        assert db.scalar(default, HERE) == "ws_default"
        assert db.scalar(other, HERE) == "ws_2"
        assert [row.here for row in db.rows(other, HERE)] == ["ws_2"]
        assert db.columns(other, "SELECT %(workspace)s::text AS here")[0].here == "ws_2"
        # Where a statement is told whose things are meant, that is so.
        assert db.row(other, HERE, workspace="ws_3") == ("ws_3",)
        assert db.execute(other, f"{HERE} WHERE :workspace = 'ws_2'") == 1
    assert workspace.current() == workspace.DEFAULT


@pytest.mark.usefixtures("database")
def test_a_thread_begins_its_transactions_in_the_workspace_of_its_task() -> None:
    def read() -> str:
        with db.transaction() as session:
            return db.workspace_of(session)

    async def work() -> list[str]:
        with workspace.bound("ws_2"):
            return [await asyncio.to_thread(read), await asyncio.to_thread(read)]

    assert asyncio.run(work()) == ["ws_2", "ws_2"]


@pytest.mark.usefixtures("database")
def test_there_is_one_workspace_and_what_forgets_it_fails() -> None:
    assert rows("SELECT id, name FROM workspace") == [{"id": workspace.DEFAULT, "name": "default"}]
    with pytest.raises(DBAPIError, match="NotNullViolation workspace_id"), db.transaction(everywhere=True) as session:
        db.execute(session, "INSERT INTO collection (id, name) VALUES ('col_1', 'one')")
