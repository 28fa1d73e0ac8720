"""A provider on the loopback: chat completions with the faults that a test asks for. The real SDK talks to it."""

import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SUMMARY = '{"summary": "Two pumps failed."}'
DOCUMENT = re.compile(r"<document-\w+>\n(.*)\n</document-", re.DOTALL)


@dataclass
class Reply:
    """What one call gets. `cut` closes the connection in the middle of the body."""

    content: str | None = SUMMARY
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    finish_reason: str = "stop"
    refusal: str | None = None
    delay_s: float = 0.0
    cut: bool = False
    error: dict[str, Any] = field(default_factory=lambda: {"message": "no", "code": None})
    cached_tokens: int = 0
    model: str = "gpt-4o-mini"


class Loopback:
    """`reply(document_text, call_number)` decides each answer; `calls` counts by document text."""

    def __init__(self, reply: Callable[[str, int], Reply]):
        self.reply = reply
        self.calls: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.most_at_once = 0
        self._at_once = 0
        self.url = ""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.bodies.append(body)
        text = DOCUMENT.search(body["messages"][1]["content"])
        key = text[1] if text else ""
        self.calls[key] += 1
        wanted = self.reply(key, self.calls[key])
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(wanted.delay_s)
        finally:
            self._at_once -= 1
        if wanted.status != 200:
            return web.json_response({"error": wanted.error}, status=wanted.status, headers=wanted.headers)
        raw = json.dumps(completion(wanted)).encode()
        if wanted.cut:
            response = web.StreamResponse(headers={"Content-Length": str(len(raw)), "Content-Type": "application/json"})
            await response.prepare(request)
            await response.write(raw[: len(raw) // 2])
            assert request.transport is not None
            request.transport.close()
            return response
        return web.Response(body=raw, content_type="application/json", headers={"x-request-id": "req_1"})


def completion(wanted: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": wanted.content, "refusal": wanted.refusal}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": wanted.model,
        "choices": [{"index": 0, "message": message, "finish_reason": wanted.finish_reason}],
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 100,
            "total_tokens": 1100,
            "prompt_tokens_details": {"cached_tokens": wanted.cached_tokens},
        },
    }


@contextmanager
def serve(reply: Callable[[str, int], Reply] = lambda _text, _call: Reply()) -> Iterator[Loopback]:
    provider = Loopback(reply)
    loop = asyncio.new_event_loop()
    started = threading.Event()

    async def run() -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", provider.complete)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        return runner

    def work() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(run())
        started.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert started.wait(10)
    yield provider
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
