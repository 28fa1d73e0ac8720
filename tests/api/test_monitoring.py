"""`GET /internal/monitoring/health`: every component with its state, for programs."""

from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from core.health import sampling
from core.runtime import db, worker_lease
from tests.pages import made
from tests.pipeline import database_away

pytestmark = pytest.mark.usefixtures("database")
PATH = "/api/v1/internal/monitoring/health"


def test_every_component_is_told_with_its_state_and_figures(client: TestClient) -> None:
    worker_lease.register("one")
    sampling.take(datetime.now(UTC), well=True)
    answer = client.get(PATH).json()
    assert answer["status"] == "healthy"
    states = {one["name"]: one["state"] for one in answer["components"]}
    assert states == dict.fromkeys(
        ("database", "scheduler", "workers", "queue", "disk", "provider:offline", "reuse"), "healthy"
    )
    database = answer["components"][0]
    assert (database["name"], database["figures"]["bytes"] > 0) == ("database", True)
    assert database["since"] is not None
    (worker,) = answer["workers"]
    assert (worker["name"], worker["kind"], worker["alive"], worker["id"].isdigit()) == ("one", "jobs", True, True)
    assert answer["stuck"] == []
    told = {"role": "cairn_app", "superuser": False, "owns": False, "audit_held": True, "missing": []}
    assert answer["rights"] == told


def test_a_role_that_owns_what_it_works_on_is_told(own_database: str, client: TestClient) -> None:
    answer = client.get(PATH).json()
    assert answer["rights"]["audit_held"] is False
    assert answer["rights"]["missing"] == ["postgres, as which Cairn works, is a superuser."]
    (told,) = [one for one in answer["components"] if one["name"] == "rights"]
    assert told["message"].startswith("The database does not hold audit and wall: postgres")


def test_what_is_wrong_is_told_with_its_remedy(client: TestClient) -> None:
    made.batch(made.job("running"), "in_progress", next_at="2100-01-01", tries=5, error="Set the base URL back.")
    with db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO health_sample (component, time, healthy, message)
               VALUES ('disk', now() - interval '5 minutes', true, '')""",
        )
    answer = client.get(PATH).json()
    assert answer["status"] == "unhealthy"
    told = {one["name"]: one for one in answer["components"]}
    assert told["workers"]["state"] == "unhealthy"
    assert "python -m jobs" in told["workers"]["message"]
    assert told["disk"]["state"] == "unknown"
    assert [(row["kind"], row["reason"]) for row in answer["stuck"]] == [("batches", "Set the base URL back.")]


def test_without_a_database_it_says_so(client: TestClient, database: str) -> None:
    with database_away(database):
        answer = client.get(PATH)
    assert answer.status_code == 200
    assert [(one["name"], one["state"]) for one in answer.json()["components"]] == [("database", "unhealthy")]
    assert (answer.json()["workers"], answer.json()["stuck"]) == ([], [])
