"""What a browser may do with an answer of Cairn, in headers of every page, API answer and error.

Why inline styles are allowed, and scripts by their hash alone: docs/adr/0022-what-a-browser-may-do.md.
"""

import base64
import hashlib
import re
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: a browser would then send `Origin: null` with forms of our own pages.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), usb=()",
    # A page that opened Cairn, or that Cairn opened, has no handle on its window.
    "Cross-Origin-Opener-Policy": "same-origin",
    # No page of another origin shows a file or an answer as its picture or script.
    "Cross-Origin-Resource-Policy": "same-origin",
}


def policy(page: str) -> str:
    """The Content-Security-Policy of an HTML page: of its inline scripts it runs those that it has now."""
    hashes = [f"'sha256-{_digest(script)}'" for script in _INLINE.findall(page)]
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self' 'wasm-unsafe-eval'", *hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


class BrowserHeaders:
    """The outermost of our middleware. It answers what nothing below it has answered, so that this has headers, too."""

    def __init__(self, app: ASGIApp, page: Path):
        self.app = app
        self._headers = {**ALWAYS, "Content-Security-Policy": policy(page.read_text(encoding="utf-8"))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                found = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    found.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, with_headers)
        except Exception:
            if not begun:
                await errors.outside(scope, 500, errors.UNEXPECTED, "INTERNAL_ERROR")(scope, receive, with_headers)
            raise


def middleware(page: Path) -> Middleware:
    """`page`: the HTML that all pages of Streamlit are made of."""
    return Middleware(BrowserHeaders, page=page)
