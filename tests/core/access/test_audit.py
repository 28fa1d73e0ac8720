"""Audit entries: who acts, the chain, and what breaks it."""

import asyncio
import hashlib
import json
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from core.access import actor, audit, chain
from core.access.actor import MACHINE, Caller
from core.access.chain import Verified
from core.runtime import correlation, db, workspace
from tests import databases
from tests.pipeline import rows

pytestmark = pytest.mark.usefixtures("database")
ANNA = Caller("api", "key", "manager", "user_anna", "key_1", ("ws_default",), ip="10.0.0.7", request_id="r-1")


def written(number: int) -> None:
    with db.transaction() as session:
        audit.write(session, "settings.change", "setting", f"x{number}", before={"on": 1.50}, after={"on": number})


def verified() -> Verified:
    return chain.verify()


def test_an_entry_tells_who_what_where_from_and_both_sides() -> None:
    with workspace.bound("ws_there"), db.transaction() as session, actor.bound(ANNA):
        audit.write(session, "job.delete", "job", "job_1", name="Käufe", before={"state": "done"})
    (entry,) = rows("SELECT * FROM audit_entry")
    assert {name: entry[name] for name in ("id", "workspace", "user", "key", "door", "ip", "request_id")} == {
        "id": 1,
        "workspace": "ws_there",
        "user": "user_anna",
        "key": "key_1",
        "door": "api",
        "ip": "10.0.0.7",
        "request_id": "r-1",
    }
    assert entry["object"] == {"kind": "job", "id": "job_1", "name": "Käufe"}
    assert (entry["action"], entry["subject"], entry["outcome"]) == ("job.delete", "job:job_1", "done")
    assert (entry["before"], entry["after"]) == ({"state": "done"}, None)


def test_of_the_machine_an_entry_has_no_workspace_and_what_is_not_there_is_null() -> None:
    correlation.begin("abc")
    with db.transaction() as session:
        audit.write(session, "provider_key.remove", "setting", "key:openai", of_machine=True)
    (entry,) = rows("SELECT *, before IS NULL AS without FROM audit_entry")
    assert (entry["workspace"], entry["user"], entry["door"], entry["request_id"]) == (None, None, "jobs", "abc")
    assert entry["without"]


def test_the_hash_is_that_of_the_entry_as_programs_see_it() -> None:
    written(1)
    written(2)
    first, second = rows(f"SELECT {chain.COLUMNS} FROM audit_entry ORDER BY id")
    assert (first["previous_hash"], second["previous_hash"]) == ("0" * 64, first["hash"])
    seen = chain.as_json(second)
    canonical = json.dumps({name: seen[name] for name in sorted(seen) if name != "hash"}, separators=(",", ":"))
    assert hashlib.sha256(f"{first['hash']}\n{canonical}".encode()).hexdigest() == second["hash"]
    assert verified() == Verified(2, None, second["hash"])


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("UPDATE audit_entry SET after = '{\"on\": 9}' WHERE id = 2", 2),
        ("UPDATE audit_entry SET \"user\" = 'user_ben' WHERE id = 1", 1),
        ("UPDATE audit_entry SET time = time + interval '1 microsecond' WHERE id = 3", 3),
        ("DELETE FROM audit_entry WHERE id = 2", 3),
        ("DELETE FROM audit_entry WHERE id = 4", 4),
        ("DELETE FROM audit_entry", 1),
        ("UPDATE audit_entry SET id = CASE id WHEN 2 THEN 3 WHEN 3 THEN 2 ELSE id END", 2),
        (
            """UPDATE audit_entry SET id = id + 1 WHERE id > 2;
               INSERT INTO audit_entry (id, time, door, action, outcome, previous_hash, hash)
               SELECT 3, time, door, action, outcome, hash, hash FROM audit_entry WHERE id = 2""",
            3,
        ),
        ("UPDATE audit_head SET hash = previous_hash FROM audit_entry e WHERE e.id = 4", 5),
    ],
)
def test_what_was_changed_removed_reordered_or_put_between_is_found(tampering: str, broken: int) -> None:
    for number in range(1, 5):
        written(number)
    assert verified().valid
    with databases.transaction_of_owner() as session:
        # Else moving one id past another meets it halfway.
        db.execute(session, "ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_pkey")
        for one in tampering.split(";"):
            db.execute(session, one)
        found = chain.walk(session)
        session.rollback()
    assert found.first_broken == broken


def test_entries_written_side_by_side_are_one_chain() -> None:
    threads = [threading.Thread(target=lambda: [written(n) for n in range(5)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (verified().valid, verified().entries) == (True, 30)


def test_the_tool_names_the_first_broken_link(database: str) -> None:
    written(1)
    with databases.as_owner() as connection:
        connection.execute("UPDATE audit_entry SET hash = 'x'")
    done = subprocess.run(
        [sys.executable, "-m", "core.access.audit", "verify"],
        env={"PATH": "", "DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "The audit is broken: entry 1 is the first that does not fit, of 1.\n")


def test_an_entry_is_gone_with_the_transaction_of_its_change() -> None:
    def broken() -> None:
        with db.transaction() as session:
            audit.write(session, "settings.change", "setting", "x")
            raise ZeroDivisionError

    written(1)
    with pytest.raises(ZeroDivisionError):
        broken()
    written(2)
    assert (verified().entries, verified().valid) == (2, True)


def test_who_acts_holds_in_threads_begun_within_and_ends_with_the_block() -> None:
    async def in_a_thread() -> str:
        with actor.bound(ANNA):
            return await asyncio.to_thread(actor.current)

    assert asyncio.run(in_a_thread()) == "user_anna"
    with actor.bound(ANNA):
        with actor.labelled("a page"):
            assert (actor.current(), actor.caller()) == ("user_anna", replace(ANNA, label="a page"))
        assert actor.caller() == ANNA
    with actor.labelled("a page"):
        assert actor.current() == "a page"
    assert (actor.current(), actor.caller()) == ("", MACHINE)


def test_in_a_closed_process_nobody_acts_unless_a_door_says_who() -> None:
    actor.close()
    try:
        assert actor.caller().role is None
        with actor.bound(ANNA):
            assert actor.caller().role == "manager"
    finally:
        actor.open_again()
