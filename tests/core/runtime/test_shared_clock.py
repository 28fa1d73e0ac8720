"""The database's clock as a process hears it."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from core.runtime import db, shared_clock

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _unheard() -> Iterator[None]:
    shared_clock.forget()
    yield
    shared_clock.forget()


def test_it_goes_on_from_what_was_heard_and_not_by_the_machines_own() -> None:
    shared_clock.take_reading(AT, time.monotonic() - 60)
    assert timedelta(seconds=60) <= shared_clock.now() - AT < timedelta(seconds=90)


def test_where_nothing_was_heard_it_is_the_machines_own() -> None:
    assert abs(shared_clock.now() - datetime.now(UTC)) < timedelta(seconds=30)
    assert shared_clock.steady_since(AT)


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(seconds=3)])
def test_a_jump_is_noticed_and_counts_for_all_that_was_before(jump: timedelta) -> None:
    at = time.monotonic()
    shared_clock.take_reading(AT, at - 100)
    shared_clock.take_reading(AT + timedelta(seconds=40) + jump, at - 60)
    now = shared_clock.now()
    assert not shared_clock.steady_since(now - timedelta(seconds=90))
    assert shared_clock.steady_since(now - timedelta(seconds=30))


def test_drift_is_no_jump() -> None:
    at = time.monotonic()
    shared_clock.take_reading(AT, at - 100)
    shared_clock.take_reading(AT + timedelta(seconds=41), at - 60)
    assert shared_clock.steady_since(AT - timedelta(hours=1))


def test_it_is_the_databases(database: str) -> None:
    with db.transaction() as session:
        shared_clock.read(session)
        assert abs(shared_clock.now() - db.now(session)) < 2 * shared_clock.PRECISE
