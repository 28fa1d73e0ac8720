"""How large a request's body may be and how long it may take, judged while its bytes come, before anything holds them.

JSON has one limit; uploads, of the API as of the pages, and custom requests have that of uploads. What is too large is
refused at the first byte above it, or by its Content-Length before any byte is read.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from core.settings import limits

JSON_BYTES = 32 << 20
# Around the files of an upload: boundaries, names, the collection.
AROUND_BYTES = 1 << 20
UPLOADS = re.compile(r"/api/v1/documents|/api/v1/jobs/[^/]*/requests|/_stcore/upload_file/.*")
# From one piece of a body to the next, and for the whole of it.
PIECE_SECONDS = 30.0
WHOLE_SECONDS = 3600.0
CLOSE = {"Connection": "close"}


def limit_of(path: str) -> tuple[int, str]:
    """The most bytes that a body for this path may have, and how that is said."""
    if UPLOADS.fullmatch(path):
        most = limits.upload_mb()
        return (
            most << 20
        ) + AROUND_BYTES, f"{most} MB in one request. Split it, or raise the limit on the Settings page"
    return JSON_BYTES, f"{JSON_BYTES >> 20} MB. Split it"


class Bodies:
    def __init__(self, app: ASGIApp, piece_seconds: float = PIECE_SECONDS, whole_seconds: float = WHOLE_SECONDS):
        self.app = app
        self._piece_seconds = piece_seconds
        self._whole_seconds = whole_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        declared = Headers(scope=scope).get("content-length", "")
        most, said = limit_of(scope["path"])
        too_large = declared.isdecimal() and int(declared[:20]) > most
        # The API first says who asks, and refuses the body when it reads it.
        if too_large and not scope["path"].startswith("/api/v1/"):
            answer = errors.outside(scope, 413, f"A body here has at most {said}.", headers=CLOSE)
            return await answer(scope, receive, send)
        body = _Body(receive, most, said, self._piece_seconds, self._whole_seconds)
        if too_large:
            body.refuse()
        await self.app(scope, body.receive, send)


class _Body:
    def __init__(self, receive: Callable[[], Awaitable[Message]], most: int, said: str, piece: float, whole: float):
        self._receive, self._most, self._said = receive, most, said
        self._piece, self._whole = piece, whole
        self._got = 0
        self._complete = self._refused = False
        self._until: float | None = None

    def refuse(self) -> None:
        """It is too large by its own word: no byte of it is read."""
        self._refused = True

    async def receive(self) -> Message:
        """The next message. Raises HTTPException in place of one that would be too much or comes too late."""
        if self._refused:
            raise HTTPException(413, f"A body here has at most {self._said}.", CLOSE)
        if self._complete:
            return await self._receive()
        now = asyncio.get_running_loop().time()
        self._until = self._until or now + self._whole
        try:
            message = await asyncio.wait_for(self._receive(), min(self._piece, self._until - now))
        except TimeoutError:
            raise HTTPException(408, "The rest of the body did not come in time. Send it again.", CLOSE) from None
        self._got += len(message.get("body", b""))
        if self._got > self._most:
            raise HTTPException(413, f"A body here has at most {self._said}.", CLOSE)
        self._complete = not message.get("more_body", False)
        return message


def middleware() -> Middleware:
    return Middleware(Bodies)
