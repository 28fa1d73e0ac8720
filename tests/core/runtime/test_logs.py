"""What a document says stays out of the logs, whatever PostgreSQL says of it."""

import traceback

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from core.errors import Unavailable
from core.runtime import db
from tests.databases import transaction_of_owner

pytestmark = pytest.mark.usefixtures("database")
SECRET = "Mandelbrot"
COPY = "COPY document_text (document_id, text, sha256, page_starts) FROM STDIN"


def printed(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def told_by_postgresql(error: DBAPIError) -> str:
    """So that no test passes for nothing."""
    assert isinstance(error.orig, psycopg.Error)
    told = error.orig.diag
    return f"{told.message_primary} {told.message_detail} {told.context}"


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT CAST(:text AS int)", "InvalidTextRepresentation"),
        ("SELECT CAST('[' || :text AS json)", "InvalidTextRepresentation"),
        ("SELECT CAST('[\"' || :text || '\\u0000\"]' AS jsonb)", "UntranslatableCharacter"),
        (
            """INSERT INTO collection (workspace_id, id, name)
               VALUES ('ws_default', 'a', :text), ('ws_default', 'b', :text)""",
            "UniqueViolation collection_workspace_id_name_key",
        ),
        ("INSERT INTO job_document (job_id, document_id) VALUES (:text, 'a')", "ForeignKeyViolation job_document"),
        ("INSERT INTO collection (workspace_id, id, name) VALUES ('ws_default', :text, NULL)", "NotNullViolation name"),
    ],
)
def test_an_error_of_the_database_is_named_without_values(sql: str, named: str) -> None:
    # PostgreSQL names values to whoever may see all rows, as machinery and the owner may.
    with pytest.raises(DBAPIError) as caught, transaction_of_owner() as session:
        db.execute(session, sql, text=SECRET)
    assert SECRET in told_by_postgresql(caught.value)
    assert SECRET not in printed(caught.value)
    assert named in str(caught.value)


def copy() -> None:
    with transaction_of_owner() as session, db.driver_connection(session).cursor() as cursor, cursor.copy(COPY) as rows:
        rows.write_row(("a", SECRET, None, "{0}"))


def test_an_error_of_a_copy_is_named_without_values() -> None:
    with pytest.raises(psycopg.errors.NotNullViolation) as caught:
        copy()
    assert SECRET in str(caught.value.diag.message_detail)
    assert SECRET not in printed(caught.value)


def look_up() -> None:
    with db.transaction() as session:
        try:
            db.execute(session, "SELECT CAST(:text AS int)", text=SECRET)
        except DBAPIError as error:
            raise LookupError("something else") from error


def test_what_led_to_another_error_is_named_without_values() -> None:
    with pytest.raises(LookupError) as caught:
        look_up()
    assert "InvalidTextRepresentation" in printed(caught.value)
    assert SECRET not in printed(caught.value)


def test_an_error_that_is_about_no_value_says_what_is_wrong() -> None:
    undefined = 'UndefinedTable: relation "nowhere" does not exist'
    with pytest.raises(DBAPIError, match=undefined), db.transaction() as session:
        db.execute(session, "SELECT * FROM nowhere")
    with pytest.raises(Unavailable) as caught, db.transaction() as session:
        db.execute(session, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert "AdminShutdown: terminating connection" in printed(caught.value)
