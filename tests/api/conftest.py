"""The API behind its guard, as the launcher mounts it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from api import acting, api, bodies, guard, headers, metrics, probes
from core.calls import clients

STREAMLITS_PAGE = Path(streamlit.__file__).parent / "static" / "index.html"


async def stream(websocket: WebSocket) -> None:
    """Stands where the pages' own websocket is."""
    await websocket.accept()
    await websocket.close()


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = Starlette(
        routes=[
            Route("/health", probes.health),
            Route("/health/db", probes.database_health),
            Route("/metrics", metrics.Exposition(0).answer),
            Mount("/api/v1", api),
            WebSocketRoute("/stream", stream),
        ],
        middleware=[headers.middleware(STREAMLITS_PAGE), guard.middleware(), acting.middleware(), bodies.middleware()],
    )
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as running:
        yield running
    # Clients belong to the loop they were first used in, and that one has ended.
    clients.forget()
