"""Calls into another workspace than the one where a test keeps its things."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.testclient import TestClient

from core.runtime import db

OTHER = "ws_other"


@contextmanager
def elsewhere(client: TestClient) -> Iterator[None]:
    """Within the block the client's calls name the workspace `ws_other`, which there is from now on."""
    with db.transaction() as session:
        db.execute(session, f"INSERT INTO workspace (id, name) VALUES ('{OTHER}', 'Elsewhere') ON CONFLICT DO NOTHING")
    client.headers["X-Workspace"] = OTHER
    try:
        yield
    finally:
        del client.headers["X-Workspace"]
