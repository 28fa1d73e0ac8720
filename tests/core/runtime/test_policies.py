"""The wall in the database: what one workspace has, no statement of another reads or writes, whatever it forgets."""

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from core.runtime import db, engines, migrate, policies, rights, workspace
from tests import databases
from tests.pipeline import rows

HERE, THERE = "ws_default", "ws_there"
# Rows of two workspaces in each table, with as little as their columns ask for.
KEYS = {HERE: "here", THERE: "there"}


def made(connection: psycopg.Connection[tuple[object, ...]], table: str, of: str) -> None:
    """One row of a workspace, with a value for each column that needs one."""
    values = {name: value(table, name, of) for name in needed(table)}
    statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Literal(one) for one in values.values()),
    )
    connection.execute(statement)


def needed(table: str) -> list[str]:
    columns = SQLModel.metadata.tables[table].columns
    hangs = policies.HANGING.get(table, ("", ""))[1]
    return [
        one.name
        for one in columns
        if one.name in ("workspace_id", hangs)
        or one.primary_key
        or (not one.nullable and one.server_default is None and one.computed is None)
    ]


def value(table: str, column: str, of: str) -> object:
    kind = SQLModel.metadata.tables[table].columns[column].type
    text, number = KEYS[of], {HERE: 1, THERE: 2}[of]
    if column == "workspace_id":
        return of
    if table == "response" and column == "fingerprint":
        return f"{'' if of == HERE else of + ':'}{'0' * 64}"
    if (table, column) == ("pair", "second"):
        return f"{text}, after it"
    match type(kind).__name__:
        case "BigInteger" | "Integer" | "Numeric" | "Float":
            return number
        case "Boolean":
            return False
        case "DateTime":
            return "2026-01-01Z"
        case "Date":
            return "2026-01-01"
        case "JSON" | "JSONB":
            return "{}"
        case "ARRAY" | "INT4MULTIRANGE":
            return "{}"
        case "LargeBinary":
            return text.encode()
        case _:
            return text


# What belongs to no workspace: the machine's, who may come in, and the bytes, which are kept once for all.
OF_NONE = {
    *("person", "member", "sign_in", "api_key", "api_minute", "audit_entry", "audit_head", "workspace"),
    *("breaker", "rate_limit", "call_minute", "worker", "health_sample", "health_hour", "installation", "setting"),
    *("own_price", "sums_edition", "invoice_fetch", "invoice_day", "invoice_line", "blob", "blob_chunk"),
}


def test_every_table_is_behind_the_wall_or_has_a_reason() -> None:
    assert SQLModel.metadata.tables.keys() == policies.walled().keys() | {*policies.WITHOUT} | OF_NONE


@pytest.fixture
def both(database: str) -> None:
    with databases.as_owner() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("INSERT INTO workspace (id, name) VALUES (%s, 'there')", (THERE,))
        for table in policies.walled():
            for of in (HERE, THERE):
                made(connection, table, of)


def seen(table: str) -> int:
    with db.transaction() as session:
        found: int = db.scalar(session, f"SELECT count(*) FROM {table}")
    return found


@pytest.mark.usefixtures("both")
def test_every_walled_table_shows_the_rows_of_the_workspace_at_hand_and_no_others(database: str) -> None:
    built_in = {"template", "template_version"}
    walled = [table for table in policies.walled() if table not in built_in]
    assert {table: seen(table) for table in walled} == dict.fromkeys(walled, 1)
    with workspace.bound(THERE):
        assert {table: seen(table) for table in walled} == dict.fromkeys(walled, 1)
        assert rows("SELECT count(*) AS n FROM template WHERE workspace_id IS NOT NULL") == [{"n": 2}]
        with db.transaction() as session:
            assert db.rows(session, "SELECT id FROM template WHERE NOT built_in") == [("there",)]
            assert db.rows(session, "SELECT template_id FROM template_version WHERE version = 2") == [("there",)]
            # What is seen nowhere is not changed, moved over or put there either.
            assert db.execute(session, "DELETE FROM template WHERE built_in") == 0
    with workspace.bound("ws_of_nobody"):
        assert {table: seen(table) for table in walled} == dict.fromkeys(walled, 0)
    with psycopg.connect(database) as connection:
        for table in policies.walled():
            assert connection.execute(f"SELECT FROM {table}").rowcount == 0, table
            assert connection.execute(f"DELETE FROM {table}").rowcount == 0, table


@pytest.mark.usefixtures("both")
def test_nothing_is_moved_into_another_workspace() -> None:
    for table in sorted({*policies.with_workspace()} & policies.walled().keys()):
        move = f"UPDATE {table} SET workspace_id = '{THERE}' WHERE workspace_id = '{HERE}'"
        with pytest.raises(DBAPIError, match="row-level security"), db.transaction() as session:
            db.execute(session, move)


@pytest.mark.usefixtures("both")
def test_machinery_sees_all_and_says_so() -> None:
    with db.transaction(everywhere=True) as session:
        assert db.scalar(session, "SELECT count(*) FROM job") == 2
    with db.transaction() as session:
        with db.seeing_all(session):
            assert db.scalar(session, "SELECT count(*) FROM job") == 2
        assert db.scalar(session, "SELECT count(*) FROM job") == 1
    with workspace.everywhere(), db.together(), db.reading() as session:
        assert db.scalar(session, "SELECT count(*) FROM job") == 2
    with db.together():
        for everywhere, count in ((False, 1), (True, 2), (False, 1)):
            with db.reading(everywhere=everywhere) as session:
                assert db.scalar(session, "SELECT count(*) FROM job") == count


REFUSED = (
    "DROP POLICY in_workspace ON job",
    "ALTER TABLE job DISABLE ROW LEVEL SECURITY",
    "CREATE POLICY mine ON job USING (true)",
    "ALTER ROLE current_user BYPASSRLS",
    "SET LOCAL row_security = off; SELECT * FROM job",
)


def test_the_app_cannot_take_the_wall_away(database: str) -> None:
    for statement in REFUSED:
        with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_a_policy_that_is_another_one_is_made_again(own_database: str) -> None:
    with databases.as_owner() as connection:
        connection.execute("DROP POLICY in_workspace ON job; CREATE POLICY in_workspace ON job USING (true)")
        connection.execute("DROP POLICY everywhere ON insight; ALTER TABLE insight DISABLE ROW LEVEL SECURITY")
    engines.configure(databases.apps(own_database))
    assert rights.read().unwalled == ("insight",)
    migrate.upgrade(own_database)
    assert rights.read().missing == ()
    with db.transaction(everywhere=True) as session:
        db.execute(session, "INSERT INTO workspace (id, name) VALUES ('ws_there', 'there')")
    with pytest.raises(DBAPIError), db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO job (id, workspace_id, name, params, provider, model, lane, state)
               VALUES ('job_1', 'ws_there', '', '{}', 'offline', 'm', 'live', 'draft')""",
        )
