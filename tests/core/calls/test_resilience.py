"""What is in force, where it comes from, and that every process has a change."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.access import actor, audit
from core.calls import resilience
from core.errors import Conflict, InvalidInput, NotFound
from core.presets import FIELDS, PRESETS
from core.runtime import db
from core.settings import store
from tests.callers import by
from tests.pipeline import PATIENCE_S, database_away, rows, until_now

pytestmark = pytest.mark.usefixtures("database")


def attempts(operation: str | None = None) -> int:
    return resilience.config_for(operation).retry_attempts


def sources(operation: str | None = None) -> dict[str, str]:
    return dict(resilience.snapshot().of(operation).sources)


def test_with_nothing_set_the_default_is_in_force() -> None:
    assert resilience.config_for("summarize") == resilience.config_for(None) == PRESETS["simple"]
    assert set(sources().values()) == {"default"}


def test_the_environment_chooses_a_preset_and_own_figures_over_it(setting: Any) -> None:
    setting(RESILIENCE_PRESET="production", RESILIENCE_CUSTOM_CONFIG='{"recovery_timeout": 90}')
    config = resilience.config_for("qa")
    assert (config.retry_attempts, config.recovery_timeout_s, config.deadline_s) == (5, 90, 900)
    assert set(sources().values()) == {"environment"}
    setting(RETRY_ATTEMPTS=1)
    assert attempts() == 1


def test_only_what_the_environment_sets_comes_from_it(setting: Any) -> None:
    setting(RETRY_ATTEMPTS=3)
    assert sources() == {**dict.fromkeys(FIELDS, "default"), "retry_attempts": "environment"}


def test_a_choice_for_one_operation_goes_before_that_for_all(setting: Any) -> None:
    setting(RESILIENCE_PRESET="production")
    resilience.change({"custom": {"retry_attempts": 7, "circuit_breaker_threshold": 4}})
    resilience.change({"custom": {"retry_attempts": 1}}, "qa")
    assert (attempts(), attempts("summarize"), attempts("qa")) == (7, 7, 1)
    qa = resilience.config_for("qa")
    assert (qa.circuit_breaker_threshold, qa.deadline_s) == (4, 900)
    told = sources("qa")
    assert [told[name] for name in FIELDS[:3]] == ["operation", "all", "environment"]
    resilience.change({"preset": "development"}, "qa")
    assert resilience.config_for("qa") == PRESETS["development"]
    resilience.change(None, "qa")
    assert attempts("qa") == 7


def test_what_the_environment_locks_nobody_changes_and_nothing_stored_counts(setting: Any) -> None:
    resilience.change({"preset": "production"})
    entry = store.history()[0]
    setting(RESILIENCE_LOCKED="true")
    assert resilience.config_for(None) == PRESETS["simple"]
    assert resilience.snapshot().locked
    for refused in (lambda: resilience.change({"preset": "simple"}), lambda: resilience.undo(entry.id)):
        with pytest.raises(Conflict, match="RESILIENCE_LOCKED"):
            refused()
    assert [row["value"] for row in rows("SELECT value FROM setting")] == [{"preset": "production"}]


@pytest.mark.parametrize(
    ("choice", "operation", "told"),
    [
        ({"preset": "none"}, None, "preset must be one of"),
        ({"custom": {"retry_attempts": 99}}, None, "retry_attempts must be"),
        ({"preset": "simple", "custom": {}}, None, "give either preset or custom"),
        ({}, None, "give either preset or custom"),
        ({"preset": "simple"}, "no_such", "There is no operation 'no_such'"),
    ],
)
def test_a_choice_that_is_not_valid_changes_nothing(choice: Any, operation: str | None, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        resilience.change(choice, operation)
    assert rows("SELECT 1 FROM setting UNION ALL SELECT 1 FROM audit_entry") == []


def test_every_change_is_audited_and_one_that_changes_nothing_is_not() -> None:
    for name, preset in (("ana", "production"), ("ben", "production"), ("eva", "simple")):
        with actor.bound(by(name)):
            resilience.change({"preset": preset})
    resilience.change(None)
    told = [(change.user, change.action, change.name, change.before, change.after) for change in store.history()]
    assert told == [
        ("", "settings.change", "resilience", {"preset": "simple"}, None),
        ("eva", "settings.change", "resilience", {"preset": "production"}, {"preset": "simple"}),
        ("ana", "settings.change", "resilience", None, {"preset": "production"}),
    ]


def test_undo_puts_back_what_was_before_and_is_a_change_itself() -> None:
    resilience.change({"custom": {"retry_attempts": 7}})
    resilience.change({"preset": "production"})
    newest, first = store.history()
    with pytest.raises(Conflict, match="newest change first"):
        resilience.undo(first.id)
    with actor.bound(by("ana")):
        resilience.undo(newest.id)
    assert attempts() == 7
    undone = store.history()[0]
    assert (undone.user, undone.action, undone.after) == ("ana", "settings.undo", {"custom": {"retry_attempts": 7}})
    resilience.undo(undone.id)
    assert attempts() == 5


def test_undo_of_a_first_change_leaves_nothing_stored() -> None:
    resilience.change({"preset": "production"}, "qa")
    resilience.undo(store.history()[0].id)
    assert rows("SELECT 1 FROM setting") == []
    assert resilience.config_for("qa") == PRESETS["simple"]


def test_what_is_no_change_of_a_setting_is_not_undone() -> None:
    with db.transaction() as session:
        audit.write(session, "breaker.open", "breaker", "openai/x", of_machine=True)
    with pytest.raises(NotFound):
        resilience.undo(rows("SELECT id FROM audit_entry")[0]["id"])


def test_a_stored_choice_of_another_version_counts_for_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with db.transaction() as session:
        for name, value in (("resilience", {"preset": "future"}), ("resilience:qa", {"custom": {"shields": 3}})):
            db.execute(session, store.STORE, name=name, value=json.dumps(value), actor="")
    store.load()
    assert resilience.config_for("qa") == PRESETS["simple"]
    assert "resilience:qa" in capsys.readouterr().out


def test_a_use_reads_memory_only(database: str) -> None:
    resilience.change({"preset": "production"})
    with database_away(database):
        assert attempts("qa") == 5


CHANGED_ELSEWHERE = """
INSERT INTO setting (name, value) VALUES ('resilience', '{"custom": {"retry_attempts": %s}}')
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


def change_elsewhere(url: str, retries: int, *, notify: bool = True) -> None:
    """Another process's change: nothing in this one is told of it but by the database."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(CHANGED_ELSEWHERE % retries)
        if notify:
            connection.execute(f"NOTIFY {store.CHANNEL}")


def listeners() -> list[int]:
    sql = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE :name AND datname = current_database()"
    return [row["pid"] for row in rows(f"{sql} AND query LIKE '%FROM setting'", name=f"{store.APPLICATION} %")]


@contextmanager
def listening(look_every_s: float = 3600) -> Iterator[None]:
    """Without the net of looking now and then, unless a test is about it."""
    listener = store.Listener(look_every_s)
    listener.start()
    try:
        until_now(lambda: len(listeners()) == 1)
        yield
    finally:
        listener.stop()
        assert not listener._thread.is_alive()


def test_a_change_of_another_process_is_heard(database: str) -> None:
    with listening():
        change_elsewhere(database, 8)
        until_now(lambda: attempts() == 8)
        change_elsewhere(database, 9)
        until_now(lambda: attempts() == 9)


def test_what_was_missed_while_the_connection_was_gone_is_read_after_it(database: str) -> None:
    with listening():
        (before,) = listeners()
        with db.transaction() as session:
            db.scalar(session, "SELECT pg_terminate_backend(:pid)", pid=before)
        change_elsewhere(database, 8)
        until_now(lambda: attempts() == 8)
        until_now(lambda: listeners() not in ([], [before]))
        change_elsewhere(database, 9)
        until_now(lambda: attempts() == 9)


def test_a_database_that_was_away_is_heard_again(database: str) -> None:
    with listening():
        with database_away(database):
            assert attempts() == 3
        change_elsewhere(database, 8)
        until_now(lambda: attempts() == 8)


def test_what_no_notification_told_is_seen_by_looking(database: str) -> None:
    with listening(look_every_s=0.1):
        change_elsewhere(database, 8, notify=False)
        until_now(lambda: attempts() == 8)


FOLLOWER = """
import sys, time
from core.calls import resilience
from core.runtime import engines
from core.settings import store
from tests.callers import by
engines.engine()
store.load()
store.Listener(look_every_s=3600).start()
print("follows", flush=True)
while resilience.config_for("qa").retry_attempts != 5:
    time.sleep(0.01)
print("has it", flush=True)
"""


def test_processes_have_a_change_of_the_page(database: str) -> None:
    """Real processes, the change made by the use case."""
    env = {**os.environ, "DATABASE_URL": database}
    command, root = [sys.executable, "-c", FOLLOWER], Path(__file__).resolve().parents[3]
    followers = [subprocess.Popen(command, cwd=root, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        for follower in followers:
            assert follower.stdout is not None
            assert follower.stdout.readline() == "follows\n"
        resilience.change({"preset": "production"})
        assert [follower.communicate(timeout=PATIENCE_S)[0] for follower in followers] == ["has it\n", "has it\n"]
    finally:
        for follower in followers:
            follower.kill()
            follower.wait()
