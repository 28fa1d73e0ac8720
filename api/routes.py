"""`GET /health` and `GET /health/db`, for load balancers and probes."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from api import errors
from core import __version__
from core import health as core_health
from core.settings import get_settings

STARTED = time.monotonic()


def _answer(request: Request, healthy: bool, **fields: Any) -> JSONResponse:
    body = {"status": "healthy" if healthy else "unhealthy", "timestamp": datetime.now(UTC).isoformat(), **fields}
    headers = errors.headers_of(errors.id_of(request.headers.get("x-request-id")))
    return JSONResponse(body, 200 if healthy else 503, {**headers, "Cache-Control": "no-store"})


async def health(request: Request) -> JSONResponse:
    return _answer(request, True, version=__version__, uptime_seconds=int(time.monotonic() - STARTED))


async def database_health(request: Request) -> JSONResponse:
    try:
        limit = get_settings().database_health_check_timeout
        found = await asyncio.wait_for(asyncio.to_thread(core_health.database), limit)
    except TimeoutError:
        return _answer(request, False, database_connected=False, errors=["The database did not answer in time"])
    fields: dict[str, Any] = {
        "database_connected": found.connected,
        "response_time_ms": found.response_time_ms,
        "connection_pool": {"active_connections": found.active_connections, "pool_size": found.pool_size},
        "migration_status": found.migration_status,
    }
    return _answer(request, found.healthy, **fields, **({"errors": [found.error]} if found.error else {}))
