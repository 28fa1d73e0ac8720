import asyncio
import gc
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from core import boot
from core.access import actor, people
from core.access.actor import MACHINE
from core.calls import clients
from core.errors import ConfigurationError
from core.live import single_text
from core.runtime import engines, workspace
from tests.local_provider import LocalProvider
from tests.pipeline import TEXT, rows


@pytest.fixture
def life(database: str, openai: LocalProvider, setting: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Web's life around a given database, without the jobs process and without changing this process's logs."""
    setting(DATABASE_URL=database, EMBEDDED_JOBS="false")
    monkeypatch.setattr(boot, "configure_logs", lambda _settings: None)
    monkeypatch.setattr(boot, "adopt", lambda: None)
    monkeypatch.setattr(boot, "HEAVY", ())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield boot.lifespan(lambda: "127.0.0.1", lambda: listening.getsockname()[1])
    gc.unfreeze()
    engines.configure(database)


def test_clients_that_were_used_are_closed_with_web(life: Any) -> None:
    async def run() -> Any:
        async with life(None):
            # As a door does: in web nobody else may.
            with actor.bound(MACHINE), workspace.bound(workspace.DEFAULT):
                await single_text.process("summarize", TEXT, {}, "openai", None)
            client = clients.configured()["openai"]._client  # type: ignore[attr-defined]
            assert not client.is_closed()
        return client

    client = asyncio.run(run())
    assert client.is_closed()
    # Another life in this process makes clients of its own.
    assert asyncio.run(run()) is not client


def test_the_database_tells_whose_connections_there_are(life: Any) -> None:
    async def run() -> list[dict[str, Any]]:
        async with life(None):
            return await asyncio.to_thread(rows, NAMES)

    told = asyncio.run(run())
    (worker,) = {row["id"] for row in told if row["id"]}
    who = f"{socket.gethostname()}:{os.getpid()}"
    assert {row["name"] for row in told} >= {f"cairn web {worker} {who}", f"cairn settings {who}"}


NAMES = """
SELECT application_name AS name, w.id FROM pg_stat_activity LEFT JOIN worker w
  ON application_name = 'cairn web ' || w.id || ' ' || w.name
WHERE datname = current_database() AND application_name LIKE 'cairn %'
"""


def test_below_a_path_it_does_not_start() -> None:
    for path in (None, "", "/"):
        boot.check_base_path(path)
    with pytest.raises(ConfigurationError, match="BASE_URL_PATH"):
        boot.check_base_path("cairn")


@pytest.mark.usefixtures("database")
def test_an_admin_in_the_database_is_one_that_production_starts_with() -> None:
    assert not boot._has_admin()
    people.invite("bob@example.org", role="manager")
    assert not boot._has_admin()
    people.invite("ada@example.org", role="admin")
    assert boot._has_admin()
