"""`GET /health` and `GET /health/db` where something is wrong."""

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from api.probes import Looking
from core import boot
from core.health.database import DatabaseHealth, standing
from core.runtime import engines, migrate
from core.runtime.supervision import Child, Command
from tests import databases
from tests.pipeline import PATIENCE_S, database_away

pytestmark = pytest.mark.usefixtures("database")
WELL = DatabaseHealth(True, 1.0, 0, 10, "up_to_date", None, "0001")


@pytest.fixture
def dying() -> Iterator[Child]:
    """A process of web's that ends as soon as it is started, again and again."""
    child = Child("jobs", Command([sys.executable, "-c", "raise SystemExit(3)"]), waits_s=(0.01,))
    boot._children["jobs"] = child
    yield child
    del boot._children["jobs"]
    child.stop(1)


def die(child: Child, times: int) -> None:
    async def run() -> None:
        child.start()
        watch = asyncio.create_task(child.supervise())
        while child.state.deaths < times:
            await asyncio.sleep(0.01)
        watch.cancel()
        await asyncio.wait({watch})

    asyncio.run(asyncio.wait_for(run(), PATIENCE_S))


def test_web_is_ill_when_what_it_started_keeps_ending(client: TestClient, dying: Child) -> None:
    die(dying, 2)
    assert client.get("/health").status_code == 200
    die(dying, 3)
    ill = client.get("/health")
    assert (ill.status_code, ill.json()["status"]) == (503, "unhealthy")
    assert ill.json()["errors"] == ["Process jobs ended with exit code 3, again and again"]
    assert {"timestamp", "version"} <= set(ill.json())


def test_a_process_that_lives_on_is_well_again(dying: Child) -> None:
    die(dying, 3)
    at = datetime.now(UTC)
    assert dying.state.keeps_ending(at)
    dying.start()
    assert dying.state.since is not None
    assert dying.state.keeps_ending(dying.state.since)
    assert not dying.state.keeps_ending(at.replace(year=at.year + 1))


def test_web_is_well_while_the_database_is_away(client: TestClient, database: str) -> None:
    with database_away(database):
        assert client.get("/health").status_code == 200
        ill = client.get("/health/db")
        assert (ill.status_code, ill.json()["database_connected"]) == (503, False)
        assert ill.json()["errors"] == ["Database connection failed"]
    assert client.get("/health/db").json()["status"] == "healthy"


@pytest.mark.parametrize(
    ("revision", "status", "says"),
    [("0001", "pending", "run: alembic upgrade head"), ("9999", "newer", "which this version does not know")],
)
def test_another_schema_is_ill_and_told_with_its_remedy(
    client: TestClient, revision: str, status: str, says: str
) -> None:
    put = "UPDATE alembic_version SET version_num = %s"
    with databases.as_owner() as connection:
        connection.execute(put, (revision,))
        try:
            ill = client.get("/health/db")
        finally:
            connection.execute(put, (migrate.head(),))
    assert (ill.status_code, ill.json()["migration_status"], ill.json()["database_connected"]) == (503, status, True)
    (error,) = ill.json()["errors"]
    assert revision in error
    assert says in error


def test_an_empty_database_is_behind() -> None:
    assert standing(None)[0] == "pending"


def test_a_database_that_does_not_answer_is_ill_within_the_limit(
    client: TestClient, setting: object, migrated: str
) -> None:
    setting(DATABASE_HEALTH_CHECK_TIMEOUT=0.1)  # type: ignore[operator]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engines.configure(f"postgresql://cairn@127.0.0.1:{silent.getsockname()[1]}/cairn")
        ill = client.get("/health/db")
    engines.configure(migrated)
    assert (ill.status_code, ill.json()["database_connected"]) == (503, False)
    assert ill.json()["errors"] == ["The database did not answer in time"]


def test_probes_that_come_while_a_look_is_under_way_share_it() -> None:
    looks: list[int] = []
    may_end = threading.Event()

    def look() -> DatabaseHealth:
        looks.append(1)
        may_end.wait(PATIENCE_S)
        return WELL

    async def run() -> None:
        looking = Looking(look)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await looking.found(0.01)
        both = asyncio.gather(looking.found(20), looking.found(20))
        may_end.set()
        assert await both == [WELL, WELL]
        assert len(looks) == 1
        await looking.found(20)
        assert len(looks) == 2

    asyncio.run(run())
