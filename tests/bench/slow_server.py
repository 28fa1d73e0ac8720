"""A loopback server that answers every chat completion after so many seconds, in a process of its own."""

import asyncio
import sys

from aiohttp import web

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": '{"summary": "Two pumps failed and were replaced."}'},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 400, "completion_tokens": 20, "total_tokens": 420},
}


SECONDS = web.AppKey("seconds", float)


async def complete(request: web.Request) -> web.Response:
    await request.read()
    await asyncio.sleep(request.app[SECONDS])
    return web.json_response(ANSWER)


if __name__ == "__main__":
    app = web.Application()
    app[SECONDS] = float(sys.argv[2])
    app.router.add_post("/v1/chat/completions", complete)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
