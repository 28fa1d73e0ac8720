"""Anthropic's messages: one HTTP call, nothing retried by the SDK."""

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from core.providers import errors, rate_limit_headers, sdk_clients
from core.providers.anthropic_batches import AnthropicBatches, translated
from core.providers.types import Answer, Parsed, Prompt, with_repair, without_bounds
from core.providers.usage import Usage

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

DEFAULT_URL = "https://api.anthropic.com"
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}
# Thinking (`adaptive`) counts against max_tokens, as reasoning does at OpenAI.
THINKING_ROOM = 8_000


class AnthropicProvider:
    name = "anthropic"
    endpoint = "/v1/messages"

    def __init__(self, api_key: str | None, base_url: str | None, timeout_s: float):
        self.base_url = base_url or DEFAULT_URL
        self._key = api_key or "none"
        self._timeout = timeout_s
        self.batches = AnthropicBatches(lambda: self._client)

    @cached_property
    def _client(self) -> "AsyncAnthropic":
        from anthropic import AsyncAnthropic, DefaultAioHttpClient

        return sdk_clients.make(AsyncAnthropic, DefaultAioHttpClient, self._key, self.base_url, self._timeout)

    def body(self, prompt: Prompt, model: str) -> dict[str, Any]:
        return {
            "model": model,
            "max_tokens": prompt.max_output_tokens + THINKING_ROOM,
            "system": prompt.system,
            "messages": [{"role": "user", "content": prompt.user}],
            "output_config": {"format": {"type": "json_schema", "schema": without_bounds(prompt.schema)}},
        }

    def repair(self, body: dict[str, Any], answer: str, error: str) -> dict[str, Any]:
        return with_repair(body, answer, error)

    def parse(self, raw: str | bytes, endpoint: str | None = None) -> Parsed:
        """Raises ProviderError bad_response if the body is not a message."""
        try:
            data = orjson.loads(raw)
            used = data["usage"]
            cached = int(used.get("cache_read_input_tokens") or 0)
            written = int(used.get("cache_creation_input_tokens") or 0)
            called = [block for block in data["content"] if block["type"] == "tool_use"]
            return Parsed(
                model=str(data["model"]),
                text="".join(block["text"] for block in data["content"] if block["type"] == "text")
                or (orjson.dumps(called).decode() if called else ""),
                finish_reason=FINISH.get(data["stop_reason"] or "end_turn", "other"),
                # Anthropic's input_tokens leaves the cached ones out; ours includes them.
                usage=Usage(
                    input_tokens=int(used["input_tokens"]) + cached + written,
                    cached_input_tokens=cached,
                    cache_write_tokens=written,
                    output_tokens=int(used["output_tokens"]),
                ),
            )
        except (ValueError, OverflowError, KeyError, TypeError, AttributeError):
            raise errors.outcome_unknown(self.name, "bad_response", "The answer was not a message.") from None

    async def call(self, body: dict[str, Any], endpoint: str | None = None) -> Answer:
        from httpx2 import Response

        begun = time.monotonic()
        with translated():
            response = await self._client.post(self.endpoint, cast_to=Response, body=body)
        parsed = self.parse(response.content)
        return Answer(
            # JSON is UTF-8 whatever the header says, and parsing has succeeded.
            raw=response.content.decode(),
            parsed=parsed,
            provider_request_id=response.headers.get("request-id"),
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
