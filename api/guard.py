"""Until there is a sign-in, only this machine may use Cairn: a foreign Host or Origin is refused.

Any website could otherwise post to an open loopback port, or read from it under a name of its own that it points here.
ALLOW_OPEN_ACCESS lifts the rule for Host; a foreign Origin is refused all the same.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.settings import get_settings

OPEN = ("/health", "/health/db")
SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = refusal(scope) if scope["type"] in ("http", "websocket") else None
        if reason is None:
            return await self.app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        body = {"error": "FORBIDDEN", "message": reason, "timestamp": None, "request_id": None, "detail": None}
        return await JSONResponse(body, 403)(scope, receive, send)


def refusal(scope: Scope) -> str | None:
    headers = Headers(scope=scope)
    method = scope.get("method", "WEBSOCKET")
    if method in ("GET", "HEAD") and scope["path"] in OPEN:
        return None
    host = headers.get("host", "")
    if not get_settings().allow_open_access and not is_loopback(host):
        return f"Cairn answers under localhost only, not under {host[:100]!r}. Set ALLOW_OPEN_ACCESS=true to open it."
    origin = headers.get("origin")
    if method in SAFE or origin is None or origin in get_settings().cors_origins:
        return None
    if urlsplit(origin).netloc == host:
        return None
    return "This page may not write to Cairn. Add its origin to CORS_ORIGINS if it should."


def is_loopback(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def middleware() -> Middleware:
    return Middleware(Guard)
