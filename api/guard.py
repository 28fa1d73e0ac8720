"""Until there is a sign-in, only this machine may use Cairn: a foreign Host or Origin is refused.

Any website could otherwise post to an open loopback port, or read from it under a name of its own that it points here.
ALLOW_OPEN_ACCESS lifts the rule for Host; a foreign Origin is refused all the same.
"""

import ipaddress
import re

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api import errors
from core.environment import get_settings

# A host with an optional port and nothing else, so that no lenient parser can read another host out of it.
_HOST = re.compile(r"(?:([a-z0-9.-]+)|\[([0-9a-f:.]+)\])(?::[0-9]{1,5})?", re.IGNORECASE)
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
        return await errors.outside(scope, 403, reason)(scope, receive, send)


def refusal(scope: Scope) -> str | None:
    """The reason to refuse this request, or None."""
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
    if host and origin.partition("://")[2].lower() == host.lower():
        return None
    return "This page may not write to Cairn. Add its origin to CORS_ORIGINS if it should."


def is_loopback(host: str) -> bool:
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name, bracketed = found.groups()
    if name is not None and name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name or bracketed).is_loopback
    except ValueError:
        return False


def middleware() -> Middleware:
    return Middleware(Guard)
