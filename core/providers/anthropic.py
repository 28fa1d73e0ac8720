"""Anthropic's messages: one HTTP call, nothing retried by the SDK."""

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.providers import bodies, errors, message_answers, rate_limit_headers, sampling, sdk_clients
from core.providers.anthropic_batches import AnthropicBatches, translated
from core.providers.patience import Patience
from core.providers.types import Answer, Parsed, Prompt, with_repair, without_bounds

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

DEFAULT_URL = "https://api.anthropic.com"
# Thinking (`adaptive`) counts against max_tokens, as reasoning does at OpenAI.
THINKING_ROOM = 8_000


class AnthropicProvider:
    endpoint = "/v1/messages"

    def __init__(self, api_key: str | None, base_url: str | None, timeout_s: float, name: str = "anthropic"):
        self.name = name
        self.base_url = base_url or DEFAULT_URL
        self._key = api_key or "none"
        self._timeout = timeout_s
        # A connection that does not come about ends before, as a call that was never sent.
        self._connect_s = sdk_clients.connect_s(timeout_s)
        self._patience = Patience(self.name, self._connect_s + timeout_s)
        self.batches = AnthropicBatches(lambda: self._client, name)

    @cached_property
    def _client(self) -> "AsyncAnthropic":
        from anthropic import AsyncAnthropic, DefaultAioHttpClient

        return sdk_clients.make(AsyncAnthropic, DefaultAioHttpClient, self._key, self.base_url, self._timeout)

    def body(self, prompt: Prompt, model: str) -> dict[str, Any]:
        heat = prompt.sampling.temperature
        set_to = (
            {}
            if heat is None or not sampling.takes_temperature("anthropic", model)
            else {"temperature": sampling.number(heat)}
        )
        return {
            "model": model,
            "max_tokens": prompt.longest(THINKING_ROOM),
            "system": prompt.system,
            "messages": [{"role": "user", "content": prompt.user}],
            "output_config": {"format": {"type": "json_schema", "schema": without_bounds(prompt.schema)}},
            **set_to,
        }

    def repair(self, body: dict[str, Any], answer: str, error: str) -> dict[str, Any]:
        return with_repair(body, answer, error)

    def parse(self, raw: str | bytes, endpoint: str | None = None) -> Parsed:
        """Raises ProviderError if the body is not a message."""
        try:
            body = bodies.read(raw)
        except ValueError:
            raise errors.unreadable(self.name, raw, message_answers.NO_ANSWER) from None
        return message_answers.parse(body, self.name)

    async def call(self, body: dict[str, Any], endpoint: str | None = None) -> Answer:
        from httpx2 import Response

        begun = time.monotonic()
        with translated(self.name):
            timeout = sdk_clients.timeout(self._patience.longest_s, self._connect_s)
            sent = self._client.post(self.endpoint, cast_to=Response, body=body, options={"timeout": timeout})
            response = await self._patience.answer(sent)
        with errors.with_headers(response.headers):
            parsed = self.parse(response.content)
        return Answer(
            raw=parsed.raw,
            parsed=parsed,
            provider_request_id=response.headers.get("request-id"),
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
