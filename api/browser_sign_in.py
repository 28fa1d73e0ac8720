"""What a browser's sign-in takes besides Streamlit's own routes for it: cookies that go over https alone and end with
the sign-in, the way back to the page that was asked for, and no file in or out for whoever is not signed in.
"""

import re
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlsplit

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from core.access import proofs, signing_in
from core.environment import get_settings
from core.errors import Unauthorized

LOGIN, CALLBACK, LOGOUT = "/auth/login", "/oauth2callback", "/auth/logout"
# Of Streamlit: files that a page offers, and those that are uploaded to it.
FILES = ("/media/", "/_stcore/upload_file/")
# Where whoever signs in came from, for as long as signing in may take.
TARGET, TARGET_SECONDS = "cairn_target", 900
FAILED = "/?sign_in_failed=1"
_MAX_AGE = re.compile(r"max-age=(\d+)", re.IGNORECASE)


class BrowserSignIn:
    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # Also the beginning of web, which is where wrong settings are told.
            return await self.app(scope, receive, send)
        settings = get_settings()
        if settings.sign_in == "none":
            return await self.app(scope, receive, send)
        path, headers = scope["path"], Headers(scope=scope)
        if path.startswith(FILES) and not await anyio.to_thread.run_sync(is_signed_in, headers):
            return await errors.outside(scope, 401, "Sign in first.", "UNAUTHORIZED")(scope, receive, send)
        if path == LOGOUT:
            await anyio.to_thread.run_sync(_end, headers)
        https = (settings.public_url or "").startswith("https:")
        seconds = int(settings.session_hours * 3600)

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                cookies = [_kept(cookie, seconds) for cookie in found.getlist("set-cookie")]
                del found["set-cookie"]
                if path == LOGIN:
                    cookies += _towards(headers, settings.public_url)
                elif path == CALLBACK and message["status"] == 302:
                    # The provider leads here after signing out, too, and then says nothing.
                    found["location"] = _back(headers, cookies) if scope["query_string"] else "/"
                    cookies.append(f"{TARGET}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
                for cookie in cookies:
                    secure = https and "; secure" not in cookie.lower()
                    found.append("set-cookie", f"{cookie}; Secure" if secure else cookie)
            await send(message)

        await self.app(scope, receive, answered)


def is_signed_in(headers: Headers) -> bool:
    """Whether this request comes from a browser whose sign-in counts, or by the proxy that signs people in."""
    settings = get_settings()
    if settings.sign_in == "header":
        return proofs.by_proxy(headers) is not None
    proof = proofs.of_cookies(_cookies(headers))
    try:
        return proof is not None and signing_in.known(proof, datetime.now(UTC)) is not None
    except Unauthorized:
        return False


def _cookies(headers: Headers) -> dict[str, str]:
    return cookie_parser("; ".join(headers.getlist("cookie")))


def _end(headers: Headers) -> None:
    proof = proofs.of_cookies(_cookies(headers))
    if proof is not None:
        signing_in.end(proof, datetime.now(UTC))


def _kept(cookie: str, seconds: int) -> str:
    """Streamlit keeps who signed in for thirty days."""
    if not cookie.startswith(proofs.COOKIE):
        return cookie
    return _MAX_AGE.sub(lambda found: f"Max-Age={min(int(found[1]), seconds)}", cookie)


def _towards(headers: Headers, public_url: str | None) -> list[str]:
    """A cookie with the page that `Sign in` was pressed on."""
    parts = urlsplit(headers.get("referer", ""))
    if f"{parts.scheme}://{parts.netloc}" != public_url:
        return []
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return [f"{TARGET}={quote(target, safe='')}; Path=/; Max-Age={TARGET_SECONDS}; HttpOnly; SameSite=Lax"]


def _back(headers: Headers, cookies: list[str]) -> str:
    """Where the provider's answer leads to: where the person came from, or to what says that it was of no use."""
    begun = any(one.startswith(f"{proofs.COOKIE}=") and "max-age=0" not in one.lower() for one in cookies)
    if not begun:
        return FAILED
    target = unquote(_cookies(headers).get(TARGET, "/"))
    # One page of ours: neither another host, nor what a browser would take for one.
    return target if _OURS.fullmatch(target) else "/"


_OURS = re.compile(r"/(?:[A-Za-z0-9_-][A-Za-z0-9_/-]*)?(?:\?[\x21-\x5b\x5d-\x7e]*)?")


def middleware() -> Middleware:
    return Middleware(BrowserSignIn)
