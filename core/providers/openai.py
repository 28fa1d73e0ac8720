"""OpenAI, and every server that speaks its chat completions: one HTTP call, nothing retried by the SDK.

Calls go through the client's low-level `post` with a prepared body and over its aiohttp transport: a third of the CPU
of `chat.completions.create`, and the raw body is what is kept.
"""

import re
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from core.providers import errors, rate_limit_headers, sdk_clients
from core.providers.openai_batches import OpenAIBatches, translated
from core.providers.types import Answer, Parsed, Prompt, with_repair, without_bounds
from core.providers.usage import Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

DEFAULT_URL = "https://api.openai.com/v1"
# Reasoning tokens count against the output limit: without extra room the answer comes back empty.
REASONING_ROOM = 8_000
_REASONS = re.compile(r"^(o\d|gpt-([5-9]|\d\d))")
FINISH = {
    "stop": "stop",
    "tool_calls": "stop",
    "function_call": "stop",
    "length": "length",
    "content_filter": "content_filter",
}


class OpenAIProvider:
    name = "openai"
    endpoint = "/v1/chat/completions"

    def __init__(self, api_key: str | None, base_url: str | None, timeout_s: float):
        self.base_url = base_url or DEFAULT_URL
        self._key = api_key or "none"
        self._timeout = timeout_s
        self.batches = OpenAIBatches(lambda: self._client)

    @cached_property
    def _client(self) -> "AsyncOpenAI":
        from openai import AsyncOpenAI, DefaultAioHttpClient

        return sdk_clients.make(AsyncOpenAI, DefaultAioHttpClient, self._key, self.base_url, self._timeout)

    def body(self, prompt: Prompt, model: str) -> dict[str, Any]:
        # Compatible servers know `max_tokens` best; reasoning models refuse it and any temperature.
        limit = (
            {"max_completion_tokens": prompt.max_output_tokens + REASONING_ROOM}
            if _REASONS.match(model)
            else {"max_tokens": prompt.max_output_tokens, "temperature": 0}
        )
        return {
            "model": model,
            "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": prompt.schema_name, "schema": without_bounds(prompt.schema), "strict": True},
            },
            **limit,
        }

    def repair(self, body: dict[str, Any], answer: str, error: str) -> dict[str, Any]:
        return with_repair(body, answer, error)

    def parse(self, raw: str | bytes, endpoint: str | None = None) -> Parsed:
        """Raises ProviderError bad_response if the body is not an answer of this endpoint."""
        try:
            return PARSERS[endpoint or self.endpoint](orjson.loads(raw))
        except (ValueError, OverflowError, KeyError, IndexError, TypeError, AttributeError):
            raise errors.outcome_unknown(self.name, "bad_response", "The answer was not a chat completion.") from None

    async def call(self, body: dict[str, Any], endpoint: str | None = None) -> Answer:
        from httpx2 import Response

        begun = time.monotonic()
        with translated():
            response = await self._client.post(
                (endpoint or self.endpoint).removeprefix("/v1"),
                cast_to=Response,
                content=orjson.dumps(body),
                options={"headers": {"Content-Type": "application/json"}},
            )
        parsed = self.parse(response.content, endpoint)
        return Answer(
            # JSON is UTF-8 whatever the header says, and parsing has succeeded.
            raw=response.content.decode(),
            parsed=parsed,
            provider_request_id=response.headers.get("x-request-id"),
            latency_ms=int((time.monotonic() - begun) * 1000),
            limits=rate_limit_headers.read(response.headers),
        )

    def get_ready(self) -> None:
        _ = self._client

    async def models(self) -> list[str]:
        with translated():
            return sorted([model.id async for model in self._client.models.list()])

    async def close(self) -> None:
        if "_client" in self.__dict__:
            await self._client.close()


def _chat_completion(data: Any) -> Parsed:
    choice = data["choices"][0]
    message = choice["message"]
    called = message.get("tool_calls") or message.get("function_call")
    content = message.get("content") or message.get("refusal") or (orjson.dumps(called).decode() if called else "")
    if not isinstance(content, str):
        raise TypeError("content that is no text")
    used = data.get("usage") or {}
    cached = (used.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    reason = "refusal" if message.get("refusal") else FINISH.get(choice.get("finish_reason") or "stop", "other")
    return Parsed(
        model=str(data.get("model") or ""),
        text=content,
        finish_reason=reason,
        usage=Usage(
            input_tokens=int(used.get("prompt_tokens") or 0),
            cached_input_tokens=int(cached),
            output_tokens=int(used.get("completion_tokens") or 0),
        ),
    )


def _response(data: Any) -> Parsed:
    """The Responses API: the texts of all messages, else the functions called; a refusal is a part of a message."""
    parts = [part for item in data["output"] if item["type"] == "message" for part in item["content"]]
    called = [item for item in data["output"] if item["type"] == "function_call"]
    refused = any(part["type"] == "refusal" for part in parts)
    cut = (data.get("incomplete_details") or {}).get("reason")
    reasons = {"max_output_tokens": "length", "content_filter": "content_filter"}
    used = data.get("usage") or {}
    return Parsed(
        model=str(data.get("model") or ""),
        text="".join(part.get("text") or part.get("refusal") or "" for part in parts)
        or (orjson.dumps(called).decode() if called else ""),
        finish_reason="refusal" if refused else reasons.get(cut, "other") if cut else "stop",
        usage=Usage(
            input_tokens=int(used.get("input_tokens") or 0),
            cached_input_tokens=int((used.get("input_tokens_details") or {}).get("cached_tokens") or 0),
            output_tokens=int(used.get("output_tokens") or 0),
        ),
    )


def _embeddings(data: Any) -> Parsed:
    """Vectors are kept in the raw body alone."""
    return Parsed(
        model=str(data.get("model") or ""),
        text=f"{len(data['data'])} embeddings",
        finish_reason="stop",
        usage=Usage(input_tokens=int((data.get("usage") or {}).get("prompt_tokens") or 0)),
    )


PARSERS = {
    "/v1/chat/completions": _chat_completion,
    "/v1/responses": _response,
    "/v1/embeddings": _embeddings,
}
