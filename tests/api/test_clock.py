"""Times that the API writes and compares are the database's: the clock of its own machine may be wrong."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from core.runtime import shared_clock
from tests.local_provider import LocalProvider
from tests.pipeline import TEXT, add_document, make_job, rows, run_job

AHEAD = timedelta(days=400)


@pytest.fixture(autouse=True)
def _forgotten(database: str) -> Iterator[None]:
    yield
    shared_clock.forget()


def go_ahead() -> None:
    """As far as this process knows, the machine's clock is 400 days behind the database's."""
    shared_clock.take_reading(datetime.now(UTC) + AHEAD, time.monotonic())


def expected() -> datetime:
    return datetime.now(UTC) + AHEAD


def test_texts_that_become_a_job(client: TestClient) -> None:
    go_ahead()
    body = {"operation": "summarize", "texts": [TEXT], "provider": "offline"}
    assert client.post("/api/v1/text_processing/batch_process", json=body).status_code == 202
    (row,) = rows("SELECT name FROM collection")
    made = datetime.strptime(row["name"][:25], "texts %Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert abs(made - expected()) < timedelta(hours=1)


def test_the_age_of_answers(client: TestClient, openai: LocalProvider) -> None:
    run_job(make_job([add_document()], "summarize", provider="openai", model="gpt-5-mini"))
    go_ahead()
    invalidated = client.post("/api/v1/internal/cache/invalidate", json={"older_than_days": 399})
    assert (invalidated.json()["invalidated"], invalidated.json()["misses"]) == (1, 0)


def test_the_state_of_breakers(client: TestClient) -> None:
    go_ahead()
    found = client.get("/api/v1/internal/resilience/health").json()
    assert abs(datetime.fromisoformat(found["timestamp"]) - expected()) < timedelta(hours=1)
