from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from jobs.clock import LEADER_LOCK, Leadership
from tests.pipeline import until_now

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def two() -> Iterator[tuple[Leadership, Leadership]]:
    one, other = Leadership(), Leadership()
    yield one, other
    one.close()
    other.close()


def holders(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted", (LEADER_LOCK,)
        )
        return [pid for (pid,) in found]


def test_only_one_leads_until_it_leaves(two: tuple[Leadership, Leadership]) -> None:
    one, other = two
    assert [one.try_to_hold(), other.try_to_hold(), one.try_to_hold()] == [True, False, True]
    one.close()
    assert not one.held
    until_now(other.try_to_hold)  # the server takes a moment to see that the connection is gone


def test_a_lost_connection_loses_the_lead(two: tuple[Leadership, Leadership], database: str) -> None:
    one, other = two
    assert one.try_to_hold()
    (pid,) = holders(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 2000)", (pid,))
    assert other.try_to_hold()
    assert not one.try_to_hold()
    assert not one.held


@pytest.mark.parametrize("_round", range(10))
def test_threads_of_one_process_share_one_connection(_round: int, database: str) -> None:
    leadership = Leadership()
    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(lambda _n: leadership.try_to_hold(), range(4)))
    leadership.close()
    until_now(lambda: holders(database) == [])
