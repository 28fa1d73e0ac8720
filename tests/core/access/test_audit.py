"""Audit entries and who acts."""

import asyncio

import pytest

from core.access import actor, audit
from core.runtime import db
from tests.pipeline import rows

pytestmark = pytest.mark.usefixtures("database")


def test_an_entry_names_who_acts_and_both_sides_of_the_change() -> None:
    with db.transaction() as session, actor.bound("anna"):
        audit.write(session, "change", "setting:x", before={"on": 1}, after={"on": 2})
    assert rows('SELECT "user", action, subject, before, after FROM audit_entry') == [
        {"user": "anna", "action": "change", "subject": "setting:x", "before": {"on": 1}, "after": {"on": 2}}
    ]


def test_a_side_that_is_not_there_is_null_in_the_table() -> None:
    with db.transaction() as session:
        audit.write(session, "key removed", "setting:key:openai")
    assert rows("SELECT before IS NULL AS before, after IS NULL AS after FROM audit_entry") == [
        {"before": True, "after": True}
    ]


def test_an_entry_of_work_in_blocks_grows() -> None:
    with db.transaction() as session:
        entry = audit.write(session, "remove", "retention:jobs", after={"jobs": 1})
        audit.replace_after(session, entry, {"jobs": 3})
    assert rows("SELECT after FROM audit_entry") == [{"after": {"jobs": 3}}]


def test_an_entry_is_gone_with_the_transaction_of_its_change() -> None:
    def broken() -> None:
        with db.transaction() as session:
            audit.write(session, "change", "setting:x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert rows("SELECT 1 FROM audit_entry") == []


def test_who_acts_holds_in_threads_begun_within_and_ends_with_the_block() -> None:
    async def in_a_thread() -> str:
        with actor.bound("anna"):
            return await asyncio.to_thread(actor.current)

    assert asyncio.run(in_a_thread()) == "anna"
    with actor.bound("anna"):
        with actor.bound("ben"):
            assert actor.current() == "ben"
        assert actor.current() == "anna"
    assert actor.current() == ""
