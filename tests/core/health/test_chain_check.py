"""The audit's chain on the Health page: looked at in parts, and anew every day."""

from datetime import UTC, datetime, timedelta

import pytest

from core.access import audit
from core.health import chain_check
from core.runtime import db
from tests import databases

pytestmark = pytest.mark.usefixtures("database")
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def written(number: int) -> None:
    with db.transaction() as session:
        for place in range(number):
            audit.write(session, "settings.change", "setting", f"x{place}")


def tampered(id_: int) -> None:
    with databases.as_owner() as connection:
        connection.execute("UPDATE audit_entry SET action = 'x' WHERE id = %s", (id_,))


def said(at: datetime) -> str:
    return " ".join(one.message for one in chain_check.reading(at))


def test_what_came_since_is_looked_at_and_all_of_it_anew_every_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_check, "AT_ONCE", 3)
    chain_check.forget()
    written(5)
    assert said(NOW) == ""
    tampered(5)
    assert said(NOW + timedelta(seconds=59)) == ""
    assert "Entry 5 is the first" in said(NOW + timedelta(minutes=1))
    with databases.as_owner() as connection:
        connection.execute("UPDATE audit_entry SET action = 'settings.change'")
    assert said(NOW + timedelta(days=1)) == ""
    assert said(NOW + timedelta(days=1, minutes=1)) == ""
    tampered(1)
    assert said(NOW + timedelta(days=1, minutes=2)) == ""
    assert "Entry 1 is the first" in said(NOW + timedelta(days=2))
    chain_check.forget()
