"""Faults on the way: calls that are held, error replies, downloads that break off."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from aiohttp import web

from tests.batch_provider.lines import ERROR_TYPES
from tests.local_provider import hang_up

ProviderName = Literal["openai", "anthropic"]
Route = Literal[
    "upload", "file", "content", "files", "delete_file", "create", "retrieve", "list", "cancel", "results", "delete"
]
ROUTES = frozenset(get_args(Route))
POINTS = frozenset(f"{route}.{when}" for route in ROUTES for when in ("body", "before", "after")) | {
    "content.middle",
    "results.middle",
}


def refusal(
    provider: ProviderName, status: int, message: str, *, code: str = "", headers: Mapping[str, str] | None = None
) -> web.Response:
    """An error as that provider words it."""
    if provider == "openai":
        kind = ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
        body: dict[str, Any] = {"error": {"message": message, "type": kind, "param": None, "code": code or None}}
    else:
        error = {"type": code or ERROR_TYPES.get(status, "api_error"), "message": message}
        body = {"type": "error", "error": error, "request_id": "req_1"}
    return web.json_response(
        body, status=status, headers={"x-request-id": "req_1", "request-id": "req_1", **(headers or {})}
    )


@dataclass
class ReplyFault:
    """`after`: the call is carried out, and this is all that its client receives. `body`: sent instead of an error."""

    status: int
    code: str
    headers: Mapping[str, str]
    times: int
    after: bool
    reset: bool
    body: bytes | None

    def answer(self, request: web.Request, provider: ProviderName) -> web.StreamResponse:
        if self.reset:
            hang_up(request, reset=True)
        if self.body is not None:
            return web.Response(body=self.body, status=self.status, content_type="application/json")
        return refusal(provider, self.status, "Made to fail.", code=self.code, headers=self.headers)


@dataclass(frozen=True)
class FileFault:
    """A fault of the first `times` downloads of each file, `after` that many bytes (None: half of them).

    cut: the connection ends before what Content-Length promised. silent: the answer looks whole; with `chunked`, it
    has no Content-Length. reset: RST. slow: waits `delay` seconds there. gone: 404.
    """

    kind: Literal["cut", "silent", "reset", "slow", "gone"]
    after: int | None = None
    times: int = 1
    delay: float = 1.0
    chunked: bool = False


@dataclass
class Hold:
    even_if_gone: bool
    go: asyncio.Event = field(default_factory=asyncio.Event)


class Holds:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = threading.Condition()
        self._armed: dict[str, list[Hold]] = defaultdict(list)
        self._waiting: dict[str, list[Hold]] = defaultdict(list)

    def arm(self, point: str, times: int, even_if_gone: bool) -> None:
        with self._changed:
            self._armed[known(point)] += [Hold(even_if_gone) for _ in range(times)]

    def reached(self, point: str, timeout: float, count: int) -> None:
        with self._changed:
            waiting = self._waiting[known(point)]
            if not self._changed.wait_for(lambda: len(waiting) >= count, timeout):
                raise TimeoutError(f"{len(waiting)} of {count} calls reached {point} in {timeout} s")

    def release(self, point: str) -> None:
        with self._changed:
            self._armed[known(point)].clear()
            held = list(self._waiting[point])
            self._waiting[point].clear()
        for hold in held:
            self._loop.call_soon_threadsafe(hold.go.set)

    def release_all(self) -> None:
        for point in POINTS:
            self.release(point)

    async def wait(self, point: str) -> Hold | None:
        """The hold that was waited for, None where there was none."""
        with self._changed:
            if not self._armed[point]:
                return None
            hold = self._armed[point].pop(0)
            self._waiting[point].append(hold)
            self._changed.notify_all()
        await hold.go.wait()
        return hold


def known(point: str) -> str:
    """`retrieve` means `retrieve.before`, and so on."""
    whole = point if "." in point else f"{point}.before"
    if whole not in POINTS:
        raise ValueError(f"{point} is none of {sorted(POINTS)}")
    return whole


async def send_file(
    request: web.Request, content: bytes, fault: FileFault | None, middle: Callable[[], Awaitable[object]]
) -> web.StreamResponse:
    kind = fault.kind if fault else None
    at = len(content) // 2 if fault is None or fault.after is None else min(fault.after, len(content))
    ends = at if kind in ("cut", "silent", "reset") else len(content)
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    if fault and fault.chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = ends if kind == "silent" else len(content)
    await response.prepare(request)
    await response.write(content[:at])
    await middle()
    if fault and kind == "slow":
        await asyncio.sleep(fault.delay)
    for start in range(at, ends, 1 << 20):
        await response.write(content[start : min(start + (1 << 20), ends)])
    if kind in ("cut", "reset"):
        hang_up(request, reset=kind == "reset")
        return response
    await response.write_eof()
    return response
