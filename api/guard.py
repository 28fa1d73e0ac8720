"""Cairn answers under this machine's own names and PUBLIC_URL's, whoever asks: a foreign Host or Origin is refused.

Any website could otherwise post to an open loopback port, or read from it under a name of its own that it points here.
ALLOW_OPEN_ACCESS lifts the rule for Host; a foreign Origin is refused all the same.
"""

import re

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api import errors
from core.environment import addresses, get_settings

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
    settings = get_settings()
    host = headers.get("host", "")
    public = is_public(host, settings.public_url)
    if not (public or settings.open_access or is_loopback(host)):
        names = f"localhost and {settings.public_url}" if settings.public_url else "localhost only"
        return f"Cairn answers under {names}, not under {host[:100]!r}. PUBLIC_URL names the address that people open."
    origin = headers.get("origin")
    if method in SAFE or origin is None:
        return None
    named = origin.partition("://")[2]
    # Under PUBLIC_URL its own pages alone may write, and those of the same name by another scheme are none.
    own = origin == settings.public_url or (bool(host) and not public and named.lower() == host.lower())
    if method == "WEBSOCKET":
        # Streamlit compares them once more, letter by letter, and would ask a server on the internet for its own
        # address where they differ.
        return None if own and named == host else "A page of another address may not open a connection to Cairn."
    if own or origin in settings.cors_origins:
        return None
    return "This page may not write to Cairn. Add its origin to CORS_ORIGINS if it should."


def is_public(host: str, public_url: str | None) -> bool:
    """Whether it is PUBLIC_URL's, the scheme's own port written or not."""
    if public_url is None:
        return False
    return addresses.origin(f"{public_url.partition('://')[0]}://{host}") == public_url


def is_loopback(host: str) -> bool:
    found = _HOST.fullmatch(host)
    return found is not None and addresses.is_loopback(found[1] or found[2])


def middleware() -> Middleware:
    return Middleware(Guard)
