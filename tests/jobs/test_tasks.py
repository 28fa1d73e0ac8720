"""What the tasks of the queue do beside the use cases that they call."""

import asyncio
import threading

import procrastinate
import psycopg
import pytest
from procrastinate.testing import InMemoryConnector
from sqlalchemy import make_url

from core.batch.steps import Batches
from core.live.lane import LiveLane
from core.runtime import worker_lease
from jobs import tasks
from tests import databases
from tests.pipeline import PATIENCE_S, WAITS_FOR_A_LOCK, rows, until


@pytest.mark.parametrize("name", ["recheck_quotes", "read_again"])
def test_what_takes_long_is_done_once_at_a_time_and_leaves_the_readers_to_new_documents(
    database: str, name: str
) -> None:
    """The clock defers such a task again and again, as long as there is something left for it."""
    url = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)

    async def defer_twice() -> None:
        worker = worker_lease.register("one")
        app = procrastinate.App(connector=InMemoryConnector())
        tasks.register(app, LiveLane(worker, lambda: 1), Batches(worker), threading.Event())
        task = app.tasks[name]
        with psycopg.connect(databases.owners(url)) as connection:
            connection.execute("LOCK TABLE evidence, read_again, document IN ACCESS EXCLUSIVE MODE")
            first = asyncio.create_task(task.func())
            await until(lambda: bool(rows(WAITS_FOR_A_LOCK)))
            await asyncio.wait_for(task.func(), PATIENCE_S)
            assert not first.done()
        await first

    asyncio.run(defer_twice())
