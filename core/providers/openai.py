"""OpenAI, and every server that speaks its chat completions: one HTTP call, nothing retried by the SDK.

Calls go through the client's low-level `post` with a prepared body and over its aiohttp transport: a third of the CPU
of `chat.completions.create`, and the raw body is what is kept.
"""

import re
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from core.providers import bodies, chat_answers, errors, rate_limit_headers, sampling, sdk_clients
from core.providers.forms import REASONING_ROOM
from core.providers.openai_batches import OpenAIBatches, translated
from core.providers.patience import Patience
from core.providers.types import Answer, Parsed, Prompt, with_repair, without_bounds

if TYPE_CHECKING:
    from openai import AsyncOpenAI

DEFAULT_URL = "https://api.openai.com/v1"
_REASONS = re.compile(r"^(o\d|gpt-([5-9]|\d\d))")


class OpenAIProvider:
    endpoint = "/v1/chat/completions"

    def __init__(self, api_key: str | None, base_url: str | None, timeout_s: float, name: str = "openai"):
        self.name = name
        self.base_url = base_url or DEFAULT_URL
        self._key = api_key or "none"
        self._timeout = timeout_s
        # A connection that does not come about ends before, as a call that was never sent.
        self._connect_s = sdk_clients.connect_s(timeout_s)
        self._patience = Patience(self.name, self._connect_s + timeout_s)
        self.batches = OpenAIBatches(lambda: self._client, name)

    @cached_property
    def _client(self) -> "AsyncOpenAI":
        from openai import AsyncOpenAI, DefaultAioHttpClient

        return sdk_clients.make(AsyncOpenAI, DefaultAioHttpClient, self._key, self.base_url, self._timeout)

    def body(self, prompt: Prompt, model: str) -> dict[str, Any]:
        # Compatible servers know `max_tokens` best; reasoning models refuse it and any temperature.
        limit: dict[str, float] = (
            {"max_completion_tokens": prompt.longest(REASONING_ROOM)}
            if _REASONS.match(model)
            else {"max_tokens": prompt.max_output_tokens, "temperature": 0}
        )
        if prompt.sampling.temperature is not None and sampling.takes_temperature("openai", model):
            limit["temperature"] = sampling.number(prompt.sampling.temperature)
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
        """Raises ProviderError if the body is not an answer of this endpoint."""
        try:
            body = bodies.read(raw)
        except ValueError:
            raise errors.unreadable(self.name, raw, chat_answers.NO_ANSWER) from None
        return chat_answers.parse(body, endpoint or self.endpoint, self.name)

    async def call(self, body: dict[str, Any], endpoint: str | None = None) -> Answer:
        from httpx2 import Response

        begun = time.monotonic()
        # What is streamed shows by itself that the server is at it.
        longest_s = self._timeout if body.get("stream") else self._patience.longest_s
        with translated(self.name):
            sent = self._client.post(
                (endpoint or self.endpoint).removeprefix("/v1"),
                cast_to=Response,
                content=orjson.dumps(body),
                options={
                    "headers": {"Content-Type": "application/json"},
                    "timeout": sdk_clients.timeout(longest_s, self._connect_s),
                },
            )
            response = await (sent if body.get("stream") else self._patience.answer(sent))
        with errors.with_headers(response.headers):
            parsed = self.parse(response.content, endpoint)
        return Answer(
            raw=parsed.raw,
            parsed=parsed,
            provider_request_id=response.headers.get("x-request-id"),
            latency_ms=int((time.monotonic() - begun) * 1000),
            limits=rate_limit_headers.read(response.headers),
        )

    def get_ready(self) -> None:
        _ = self._client

    async def models(self) -> list[str]:
        with translated(self.name):
            return sorted([model.id async for model in self._client.models.list()])

    async def close(self) -> None:
        if "_client" in self.__dict__:
            await self._client.close()
