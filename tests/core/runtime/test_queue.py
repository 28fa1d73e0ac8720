from collections.abc import Iterator

import psycopg
import pytest

from core.errors import InvalidInput, Unavailable
from core.runtime import db, queue
from tests import databases
from tests.pipeline import rows

pytestmark = pytest.mark.usefixtures("database")


def waiting() -> int:
    return len(rows("SELECT 1 FROM procrastinate_jobs WHERE status = 'todo'"))


def test_a_task_waits_once_and_the_transaction_goes_on() -> None:
    with db.transaction() as session:
        for job in ("job_1", "job_1", "job_2"):
            queue.defer(session, "pump_job", job_id=job)
        db.execute(session, "INSERT INTO collection (workspace_id, id, name) VALUES ('ws_default', 'col_1', 'one')")
    assert waiting() == 2
    assert len(rows("SELECT 1 FROM collection")) == 1


def test_a_task_exists_if_and_only_if_the_rows_do() -> None:
    def fail() -> None:
        with db.transaction() as session:
            queue.defer(session, "derive")
            raise InvalidInput

    with pytest.raises(InvalidInput):
        fail()
    assert waiting() == 0


BREAKS = """
CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {how}; RETURN NEW; END';
CREATE TRIGGER breaks BEFORE INSERT ON procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION breaks();
"""


@pytest.fixture(
    params=[
        "PERFORM pg_terminate_backend(pg_backend_pid())",
        "RAISE EXCEPTION USING ERRCODE = ''deadlock_detected''",
    ],
    ids=["cut off", "deadlock"],
)
def breaks(request: pytest.FixtureRequest, database: str) -> Iterator[None]:
    """The server breaks off what defers, in the middle of it."""
    with psycopg.connect(databases.owners(database), autocommit=True) as connection:
        connection.execute(BREAKS.format(how=request.param))
        yield
        connection.execute("DROP FUNCTION breaks() CASCADE")


@pytest.mark.usefixtures("breaks")
def test_a_queue_that_breaks_off_is_worth_another_try() -> None:
    def defer() -> None:
        with db.transaction() as session:
            queue.defer(session, "derive")

    with pytest.raises(Unavailable):
        defer()
