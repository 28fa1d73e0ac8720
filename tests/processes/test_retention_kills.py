"""Jobs processes that are killed while they remove what is kept no longer."""

from typing import Any

import psycopg
import pytest

from core.retention import rules
from core.retention.rules import RetentionRule
from core.runtime import db
from tests import databases
from tests.pipeline import PATIENCE_S, ready_documents, rows
from tests.processes.places import waiting
from tests.processes.running import Start, until

pytestmark = pytest.mark.kills
NUMBER = 1000


@pytest.fixture
def due(url: str, setting: Any) -> None:
    """Many documents that are too old by a rule which is old enough."""
    setting(RETENTION_EVERY_SECONDS=0.3, SCHEDULER_TICK_SECONDS=0.5, HEALTH_SAMPLE_SECONDS=60, SHUTDOWN_GRACE_SECONDS=2)
    ready_documents(NUMBER)
    rules.change("documents", RetentionRule(30))
    with db.transaction() as session:
        db.execute(session, "UPDATE document SET created_at = now() - interval '40 days'")
        db.execute(session, "UPDATE setting SET changed_at = now() - interval '1 day'")


COUNTS = """
SELECT (SELECT count(*) FROM document) AS documents, (SELECT count(*) FROM document_text) AS texts,
  (SELECT count(*) FROM blob) AS blobs
"""


def left() -> int:
    """Documents with all that belongs to them."""
    (found,) = rows(COUNTS)
    (number,) = set(found.values())
    return int(number)


def told() -> int:
    found = rows("SELECT after FROM audit_entry WHERE subject = 'retention:documents'")
    return sum(int(row["after"]["documents"]) for row in found)


OTHERS = """
SELECT application_name FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'cairn jobs %' AND pid <> pg_backend_pid()
"""


@pytest.mark.usefixtures("due")
def test_what_was_removed_is_told_exactly_whenever_the_process_dies(start: Start, url: str) -> None:
    with psycopg.connect(databases.owners(url)) as connection:
        connection.execute("LOCK TABLE audit_entry IN SHARE MODE")
        first = start()
        until(lambda: waiting(url, "audit_entry") == 1, first.text)
        first.kill()
        connection.rollback()
    assert (left(), told()) == (NUMBER, 0)
    second = start()
    until(lambda: told() > 0, second.text)
    second.kill()
    # What the server was told to commit by then, it has committed.
    until(lambda: rows(OTHERS) == [], lambda: rows(OTHERS))
    removed = NUMBER - left()
    assert removed > 0
    assert told() == removed
    third, fourth = start(), start()
    until(lambda: left() == 0, third.text)
    assert told() == NUMBER
    assert third.running
    assert fourth.running


@pytest.mark.usefixtures("due")
def test_a_round_by_hand_removes_too(start: Start) -> None:
    one = start("once")
    one.process.wait(PATIENCE_S)
    assert (left(), told()) == (0, NUMBER)
