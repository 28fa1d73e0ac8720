"""`GET /health` and `GET /health/db`, for load balancers and probes."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from api import errors
from core import __version__, boot
from core.environment import get_settings
from core.health import database
from core.health.database import DatabaseHealth

STARTED = time.monotonic()


def _answer(request: Request, healthy: bool, **fields: Any) -> JSONResponse:
    body = {"status": "healthy" if healthy else "unhealthy", "timestamp": datetime.now(UTC).isoformat(), **fields}
    headers = errors.headers_of(errors.id_of(request.headers.get("x-request-id")))
    return JSONResponse(body, 200 if healthy else 503, {**headers, "Cache-Control": "no-store"})


async def health(request: Request) -> JSONResponse:
    """200 while web answers and its child processes stay alive. It does not ask the database."""
    at = datetime.now(UTC)
    lost = [f"Process {one.name} {one.last_exit}, again and again" for one in boot.children() if one.keeps_ending(at)]
    fields: dict[str, Any] = {"version": __version__, "uptime_seconds": int(time.monotonic() - STARTED)}
    return _answer(request, not lost, **fields, **({"errors": lost} if lost else {}))


class Looking:
    """Single flight of looks at the database: probes that arrive during a look share its result, so a database that
    hangs blocks one thread, not one for each probe."""

    def __init__(self, look: Callable[[], DatabaseHealth]) -> None:
        self._look = look
        self._under_way: asyncio.Task[DatabaseHealth] | None = None

    async def found(self, limit_s: float) -> DatabaseHealth:
        task = self._under_way
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            task = self._under_way = asyncio.create_task(asyncio.to_thread(self._look))
        return await asyncio.wait_for(asyncio.shield(task), limit_s)


_looking = Looking(database.database)


async def database_health(request: Request) -> JSONResponse:
    try:
        found = await _looking.found(get_settings().database_health_check_timeout)
    except TimeoutError:
        return _answer(request, False, database_connected=False, errors=["The database did not answer in time"])
    fields: dict[str, Any] = {
        "database_connected": found.connected,
        "response_time_ms": found.response_time_ms,
        "connection_pool": {"active_connections": found.active_connections, "pool_size": found.pool_size},
        "migration_status": found.migration_status,
    }
    return _answer(request, found.healthy, **fields, **({"errors": [found.error]} if found.error else {}))
