"""A provider on this machine: chat completions and messages over real sockets, and whatever can go wrong with them.

A test says what comes back with a `plan`, from what was asked to a `Reply`; without one every answer fits the schema
that was asked for and quotes the document.
"""

import asyncio
import contextlib
import json
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from tests.pipeline import PATIENCE_S

_DOCUMENT = re.compile(r"<document-(\w+)>\n(.*)\n</document-\1>", re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """One call as it arrived. `nth` counts the calls about the same document from 1."""

    body: dict[str, Any]
    document: str
    nth: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """`content` None: what fits the schema. `body`: sent instead of an answer. `wire` cut: half of it, then the end.

    It is sent after `delay` seconds, once `held` is false.
    """

    content: str | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    finish: str = "stop"
    refusal: str | None = None
    usage: Mapping[str, Any] | None = None
    model: str | None = None
    delay: float = 0.0
    held: Callable[[], bool] = lambda: False
    wire: Literal["whole", "cut", "reset"] = "whole"


Plan = Callable[[Asked], Reply]


def error(status: int, code: str = "", message: str = "No.", **headers: str) -> Reply:
    body = json.dumps({"error": {"code": code, "type": code, "message": message}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, body=body, headers=named)


def in_turn(*replies: Reply) -> Plan:
    """The first reply for a document's first call and so on; the last one for ever."""
    return lambda asked: replies[min(asked.nth, len(replies)) - 1]


class LocalProvider:
    largest_body = 64 << 20

    def __init__(self) -> None:
        self.plan: Plan = lambda _asked: Reply()
        # While true no call is answered: a test does something while calls are under way, however long it takes.
        self.held = False
        self.asked: list[Asked] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.port = 0
        self._counts: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="local provider", daemon=True)
        self._runner: web.AppRunner | None = None

    @property
    def openai_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def anthropic_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def calls_by_document(self) -> Counter[str]:
        return Counter(asked.document for asked in self.asked)

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(PATIENCE_S)

    def stop(self) -> None:
        async def end() -> None:
            assert self._runner is not None
            await self._runner.cleanup()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _serve(self) -> None:
        app = web.Application(client_max_size=self.largest_body)
        self.add_routes(app.router)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/chat/completions", self._openai)
        router.add_post("/v1/messages", self._anthropic)
        router.add_get("/v1/models", self._models)

    async def _openai(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, chat_completion)

    async def _anthropic(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, message)

    async def _models(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = self.plan(Asked({}, "", 1, headers))
        if reply.body is not None:
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        data = [{"id": name, "object": "model", "type": "model", "created": 1} for name in ("model-b", "model-a")]
        return web.json_response({"object": "list", "data": data, "has_more": False})

    async def _answer(
        self, request: web.Request, shape: Callable[[Asked, Reply], dict[str, Any]]
    ) -> web.StreamResponse:
        body = json.loads(await request.read())
        document = document_of(body)
        self._counts[document] += 1
        asked = Asked(
            body, document, self._counts[document], {name.lower(): value for name, value in request.headers.items()}
        )
        self.asked.append(asked)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            reply = self.plan(asked)
            await asyncio.sleep(reply.delay)
            while self.held or reply.held():
                await asyncio.sleep(0.01)
        finally:
            self.in_flight -= 1
        return await _send(request, reply, json.dumps(shape(asked, reply)).encode())


async def _send(request: web.Request, reply: Reply, answer: bytes) -> web.StreamResponse:
    whole = answer if reply.body is None else reply.body
    headers = {"Content-Type": "application/json", "x-request-id": "req_1", "request-id": "req_1", **reply.headers}
    if reply.wire == "whole":
        return web.Response(status=reply.status, headers=headers, body=whole)
    response = web.StreamResponse(headers={**headers, "Content-Length": str(len(whole))})
    if reply.wire == "cut":
        await response.prepare(request)
        await response.write(whole[: len(whole) // 2])
    hang_up(request, reset=reply.wire == "reset")
    return response


def hang_up(request: web.Request, *, reset: bool) -> None:
    """Nothing to do where the client was quicker."""
    if request.transport is None:
        return
    if reset:
        # Closing with a linger of nothing makes the kernel send RST.
        linger = struct.pack("ii", 1, 0)
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    request.transport.close()


def document_of(body: dict[str, Any]) -> str:
    for message in body["messages"]:
        if message["role"] == "user" and (found := _DOCUMENT.search(message["content"])):
            return found.group(2)
    return ""


def chat_completion(asked: Asked, reply: Reply) -> dict[str, Any]:
    schema = asked.body.get("response_format", {}).get("json_schema", {}).get("schema", {})
    content = fitting(schema, asked.document) if reply.content is None else reply.content
    message = {"role": "assistant", "content": None if reply.refusal else content, "refusal": reply.refusal}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": reply.model or asked.body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish}],
        "usage": reply.usage or {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


def message(asked: Asked, reply: Reply) -> dict[str, Any]:
    schema = asked.body.get("output_config", {}).get("format", {}).get("schema", {})
    content = fitting(schema, asked.document) if reply.content is None else reply.content
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": reply.model or asked.body["model"],
        "content": [{"type": "text", "text": reply.refusal or content}],
        "stop_reason": {"stop": "end_turn", "length": "max_tokens"}.get(reply.finish, reply.finish),
        "stop_sequence": None,
        "usage": reply.usage or {"input_tokens": 100, "output_tokens": 10},
    }


def fitting(schema: Mapping[str, Any], document: str) -> str:
    """The smallest answer in that schema; what is called quote is the document's first sentence."""
    sentence = document.strip().split(". ")[0][:200]

    def value(part: Mapping[str, Any], name: str) -> Any:
        kind = part.get("type")
        if kind == "object":
            return {key: value(child, key) for key, child in part["properties"].items()}
        if kind == "array":
            return [value(part["items"], name)]
        if "enum" in part:
            return part["enum"][0]
        if kind in ("number", "integer"):
            return 0
        if kind == "boolean":
            return True
        return sentence if name.startswith("quote") else f"It says: {sentence}"

    return json.dumps(value(schema, "")) if schema else "An answer."


@contextlib.contextmanager
def running() -> Iterator[LocalProvider]:
    server = LocalProvider()
    server.start()
    try:
        yield server
    finally:
        server.stop()
