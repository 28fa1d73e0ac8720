"""Who asks, in which workspace, and whether their role may: said before a body is read, and bound for all of a request.

A key says who asks. A browser's sign-in is enough for what links of pages lead to: it writes nothing.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors, route_rules
from core.access import actor, keys, links, proofs, refusals, roles, signing_in, workspaces
from core.access.actor import Caller
from core.access.keys import KeyView, Rate
from core.environment import addresses, get_settings
from core.errors import CairnError, Forbidden, NotFound, TooMany, Unauthorized, Unavailable, WorkspaceNeeded
from core.runtime import shared_clock, workspace

# What rows keep as who made them where nobody is asked who they are.
DOOR = "HTTP API"
# What links of pages add, as they send no X-Workspace. Others' is a filter like any other.
OF_A_LINK = "in_workspace"
ENDED = "This link has ended, or was made for somebody else. Reload the page that it stands on, and follow it again."
NO_KEY = "Send a valid API key: `Authorization: Bearer KEY`, or `X-API-Key: KEY`."


@dataclass(frozen=True)
class Asked:
    """A request, as far as it tells who asks for what. `path`: below that of the API."""

    method: str
    path: str
    headers: Headers
    peer: str | None
    server: str | None
    request_id: str
    query: bytes = b""
    in_workspace: str | None = None
    signed: str | None = None

    @property
    def address(self) -> str:
        """What a page has signed."""
        return f"{self.path}?{self.query.decode('latin-1')}" if self.query else self.path

    @property
    def ip(self) -> str | None:
        return proofs.ip_of(self.peer, self.headers.get("x-forwarded-for"))


@dataclass(frozen=True)
class Admitted:
    """Who was let in. `workspace`: None where several would do, and the route needs none."""

    caller: Caller
    key: KeyView | None = None
    rate: Rate | None = None
    workspace: str | None = None


def admitted(request: Request) -> Admitted:
    found: Admitted = request.state.admitted
    return found


class Access:
    """The middleware of the API, below what gives requests their ids."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        asked = _asked(scope, get_route_path(scope))
        at = shared_clock.now()
        headers: dict[str, str] = {}
        try:
            who = await asyncio.to_thread(_known, asked, at)
            headers = _of_rate(who.rate)
            who = await asyncio.to_thread(_entered, who, asked, at)
        except CairnError as error:
            return await _refusal(asked, error, headers)(scope, receive, send)
        scope["state"]["admitted"] = who

        with actor.bound(who.caller), workspace.bound(who.workspace or ""):
            await self.app(scope, receive, _with(headers, send))


class Exposed:
    """Outside of the API: metrics ask for a key of any role, or a sign-in. All else is passed on as it came."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in route_rules.METRICS:
            return await self.app(scope, receive, send)
        scope.setdefault("state", {})["request_id"] = errors.id_of(Headers(scope=scope).get("x-request-id"))
        asked = _asked(scope, scope["path"])
        try:
            who = await asyncio.to_thread(_known, asked, shared_clock.now())
        except CairnError as error:
            return await _refusal(asked, error, errors.headers_of(asked.request_id))(scope, receive, send)
        await self.app(scope, receive, _with(_of_rate(who.rate), send))


def middleware() -> Middleware:
    return Middleware(Exposed)


def _asked(scope: Scope, path: str) -> Asked:
    client, server = scope.get("client"), scope.get("server")
    signed = _taken(scope, links.NAME)
    return Asked(
        scope["method"],
        path,
        Headers(scope=scope),
        peer=client[0] if client else None,
        server=server[0] if server else None,
        request_id=scope["state"]["request_id"],
        query=scope.get("query_string", b""),
        in_workspace=_taken(scope, OF_A_LINK),
        signed=signed,
    )


def _taken(scope: Scope, name: str) -> str | None:
    """What a page's link adds. Routes that refuse parameters they do not know never see it."""
    parts = scope.get("query_string", b"").split(b"&")
    mark = name.encode() + b"="
    found = [unquote_plus(part.removeprefix(mark).decode("latin-1")) for part in parts if part.startswith(mark)]
    if found:
        scope["query_string"] = b"&".join(part for part in parts if not part.startswith(mark))
    return found[-1] if found else None


def _known(asked: Asked, at: datetime) -> Admitted:
    """Who asks. Raises Unauthorized, which never says why, and TooMany."""
    try:
        return _told(asked, at)
    except Unavailable:
        # Metrics and health tell that the database is away, and where it is nothing else can be read.
        if not route_rules.tells_of_the_database(asked.method, asked.path) or not _needs_no_database(asked):
            raise
        return Admitted(Caller("api", "open", "analyst", label=DOOR, ip=asked.ip, request_id=asked.request_id))


def _needs_no_database(asked: Asked) -> bool:
    secret = _secret(asked.headers)
    if get_settings().api_keys:
        return secret is not None and keys.is_of_environment(secret)
    return secret is None and _is_for_this_machine(asked)


def _told(asked: Asked, at: datetime) -> Admitted:
    secret = _secret(asked.headers)
    if secret is not None:
        given: Mapping[str, Any] = {"ip": asked.ip, "request_id": asked.request_id}
        found = keys.asker(secret, at, **given)
        if found is not None:
            return Admitted(*found, rate=keys.counted(secret, at))
        if not _is_open(asked):
            refusals.note_key(asked.ip, asked.request_id, at)
            raise Unauthorized(NO_KEY)
    elif (person := _signed_in(asked, at)) is not None:
        return Admitted(person)
    if not _is_open(asked):
        raise Unauthorized(NO_KEY if asked.signed is None else ENDED)
    return Admitted(Caller("api", "open", "admin", label=DOOR, ip=asked.ip, request_id=asked.request_id))


def _secret(headers: Headers) -> str | None:
    """The key that was sent. Raises Unauthorized for several."""
    authorizations, plain = headers.getlist("authorization"), headers.getlist("x-api-key")
    # Other schemes are between a browser and the proxy before us.
    bearers = [value[7:].strip() for value in authorizations if value[:7].lower() == "bearer "]
    if len(authorizations) > 1 or len(plain) > 1 or len({*bearers, *plain}) > 1:
        raise Unauthorized(f"{NO_KEY} Send one key, once.")
    return next(iter({*bearers, *plain}), None)


def _signed_in(asked: Asked, at: datetime) -> Caller | None:
    """The person at the browser, where that is enough: a page's own link, or an address that a person typed."""
    if asked.method not in ("GET", "HEAD") or not route_rules.for_browsers(asked.path, asked.query):
        return None
    # A program that a signed link was given to says nothing of it.
    if asked.headers.get("sec-fetch-site", "none" if asked.signed else "") not in ("same-origin", "none"):
        return None
    given: Mapping[str, Any] = {"ip": asked.ip, "request_id": asked.request_id}
    if asked.signed is not None and (follower := links.follower(asked.signed, asked.address, at)) is not None:
        return replace(follower, **given)
    try:
        if get_settings().sign_in == "header":
            # Several: the proxy added its own to what somebody sent.
            named = (proofs.PROVES_ITSELF, get_settings().trusted_user_header or "")
            once = all(len(asked.headers.getlist(name)) == 1 for name in named)
            identity = proofs.by_proxy(asked.headers) if once else None
            person = identity and signing_in.vouched(identity)
            return signing_in.caller_of(person, "api", **given) if person else None
        proof = proofs.of_cookies(cookie_parser(asked.headers.get("cookie", "")))
        found = None if proof is None else signing_in.known(proof, at)
        return found.caller("api", **given) if found else None
    except Unauthorized:
        return None


def _is_open(asked: Asked) -> bool:
    """Whether nobody is asked who they are: without sign-in and keys, where this machine alone gets here."""
    return _is_for_this_machine(asked) and not keys.are_there()


def _is_for_this_machine(asked: Asked) -> bool:
    settings = get_settings()
    if settings.sign_in != "none":
        return False
    return settings.open_access or asked.server is None or addresses.is_loopback(asked.server)


def _entered(who: Admitted, asked: Asked, at: datetime) -> Admitted:
    """In which workspace, once the role may. Raises Forbidden, which is recorded, NotFound, WorkspaceNeeded."""
    with actor.bound(who.caller), workspace.bound(_some(who.caller)):
        if (needed := route_rules.asks_for(asked.method, asked.path)) is not None:
            try:
                roles.require(needed.action)
            except Forbidden:
                refusals.note(needed.action, needed.route, at)
                raise
        wanted = _text(asked.headers.get("x-workspace"))
        if who.caller.kind in ("session", "open"):
            wanted = asked.in_workspace or wanted
        return Admitted(who.caller, who.key, who.rate, _workspace(asked, wanted))


def _text(header: str | None) -> str | None:
    """A name that is sent as UTF-8 comes as Latin-1."""
    try:
        return header and header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _some(caller: Caller) -> str:
    """Where a refusal is recorded before it is known which one is meant."""
    return workspace.DEFAULT if caller.workspaces is None else next(iter(caller.workspaces), "")


def _workspace(asked: Asked, wanted: str | None) -> str | None:
    try:
        return workspaces.chosen(wanted)
    except (WorkspaceNeeded, NotFound):
        if wanted is None and route_rules.needs_no_workspace(asked.path):
            return None
        raise


def _with(headers: Mapping[str, str], send: Send) -> Send:
    async def added(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return added


def _of_rate(rate: Rate | None) -> dict[str, str]:
    if rate is None:
        return {}
    shown = {"Limit": rate.limit, "Remaining": rate.remaining, "Reset": rate.reset_s}
    return {f"RateLimit-{name}": str(value) for name, value in shown.items()}


def _refusal(asked: Asked, error: CairnError, headers: Mapping[str, str]) -> JSONResponse:
    content = errors.body(asked.request_id, error.code.upper(), error.message, error.detail)
    if isinstance(error, TooMany):
        limit = get_settings().api_rate_limit_per_minute
        headers = {**headers, **_of_rate(Rate(limit, 0, int(error.retry_after)))}
    return JSONResponse(content, errors.status_of(error), {**headers, **errors.headers_for(error)})
