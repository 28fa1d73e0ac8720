"""The offline engine as a provider: no network, no tokens, no money, and a name that says so."""

import asyncio
import time
from dataclasses import asdict
from typing import Any

import orjson

from core import offline
from core.fields import FieldSpec
from core.providers.offline_batches import OfflineBatches
from core.providers.types import Answer, Parsed, Prompt
from core.providers.usage import Usage

MODEL = "offline-1"


class OfflineProvider:
    name = "offline"
    base_url = ""
    endpoint = "offline"

    def __init__(self) -> None:
        self.batches = OfflineBatches(_answer)

    def body(self, prompt: Prompt, model: str) -> dict[str, Any]:
        source = asdict(prompt.source)
        return {
            "model": model,
            "engine": offline.VERSION,
            **source,
            "fields": [field.as_json() for field in prompt.source.fields],
        }

    def repair(self, body: dict[str, Any], answer: str, error: str) -> dict[str, Any]:
        return body

    def parse(self, raw: str | bytes, endpoint: str | None = None) -> Parsed:
        text = raw if isinstance(raw, str) else raw.decode()
        return Parsed(MODEL, text, "stop", Usage())

    async def call(self, body: dict[str, Any], endpoint: str | None = None) -> Answer:
        begun = time.monotonic()
        raw = await asyncio.to_thread(_answer, body)
        return Answer(raw, self.parse(raw), None, int((time.monotonic() - begun) * 1000))

    def get_ready(self) -> None:
        pass

    async def models(self) -> list[str]:
        return [MODEL]

    async def close(self) -> None:
        return None


def _answer(body: dict[str, Any]) -> str:
    fields = [FieldSpec(**{**field, "choices": tuple(field["choices"])}) for field in body["fields"]]
    answered = offline.answer(
        body["operation"], body["text"], body["params"], fields, body["instructions"], body["insights"]
    )
    return orjson.dumps(answered.result).decode()
