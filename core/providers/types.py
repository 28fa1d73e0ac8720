"""The seam to the providers: the types of questions and answers, and the protocol of a provider."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from core.fields import FieldSpec
from core.providers import answer_text
from core.providers.batch_api import BatchLane
from core.providers.sampling import AS_ASKED, Sampling
from core.providers.usage import PLAIN, Limit, Terms, Usage


@dataclass(frozen=True)
class OfflineSource:
    """The question in parts: the offline engine cannot read a prompt."""

    operation: str
    text: str
    params: Mapping[str, Any]
    fields: tuple[FieldSpec, ...]
    instructions: str
    insights: bool


@dataclass(frozen=True)
class Prompt:
    """A question for any provider. `schema` may hold bounds; they are not sent, but validated by us.

    `max_output_tokens` leaves a model's thoughts out, unless `sampling` sets it.
    """

    system: str
    user: str
    schema_name: str
    schema: dict[str, Any]
    max_output_tokens: int
    source: OfflineSource
    sampling: Sampling = AS_ASKED

    @property
    def asked(self) -> str:
        """About all that a model reads, for counting tokens."""
        return self.system + self.user + json.dumps(self.schema)

    def longest(self, room: int) -> int:
        """The longest answer in tokens, with this room for thoughts. What a job sets holds as it is."""
        return self.sampling.max_output_tokens or self.max_output_tokens + room


@dataclass(frozen=True)
class Parsed:
    """A parsed response body. `finish_reason`: stop, length, refusal, content_filter, bad_response or other.

    `usage` None: what it reports of tokens makes no sense, so nobody knows what the call costs. `answered_at`: by the
    provider's clock. `elsewhere`: where the body may hold the answer beside its text, in arguments of tool calls and in
    thoughts. `raw`: the JSON to keep.
    """

    model: str
    text: str
    finish_reason: str
    usage: Usage | None
    terms: Terms = PLAIN
    answered_at: datetime | None = None
    elsewhere: tuple[str, ...] = ()
    raw: str = field(default="", compare=False)

    def answer(self, fits: Callable[[Any], bool] | None) -> str:
        """The text; where an object was asked for, wherever what `fits` stands."""
        return answer_text.best(self.text, self.elsewhere, fits) if fits and self.elsewhere else self.text


@dataclass(frozen=True)
class Answer:
    """`raw` is the response body as it came."""

    raw: str
    parsed: Parsed
    provider_request_id: str | None
    latency_ms: int
    limits: tuple[Limit, ...] = ()


class Provider(Protocol):
    """`call` makes one HTTP call without a retry, or raises ProviderError. `base_url` is part of the fingerprint.

    `endpoint` is the one that our own bodies are for; a request of one's own may name another. `get_ready` makes the
    client ahead of the first call, in any thread: importing an SDK would block an event loop for a second or two.
    """

    name: str
    base_url: str
    endpoint: str

    @property
    def batches(self) -> BatchLane: ...

    def body(self, prompt: Prompt, model: str) -> dict[str, Any]: ...

    def repair(self, body: dict[str, Any], answer: str, error: str) -> dict[str, Any]: ...

    def parse(self, raw: str | bytes, endpoint: str | None = None) -> Parsed: ...

    async def call(self, body: dict[str, Any], endpoint: str | None = None) -> Answer: ...

    def get_ready(self) -> None: ...

    async def models(self) -> list[str]: ...

    async def close(self) -> None: ...


BOUNDS = frozenset(
    "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern minItems maxItems "
    "uniqueItems".split()
)


def without_bounds(schema: Any) -> Any:
    """The schema without bounds, which the providers' strict modes refuse."""
    if isinstance(schema, dict):
        names = schema.get("properties")
        kept = {k: without_bounds(v) for k, v in schema.items() if k not in BOUNDS and k != "properties"}
        if isinstance(names, dict):
            kept["properties"] = {name: without_bounds(value) for name, value in names.items()}
        return kept
    if isinstance(schema, list):
        return [without_bounds(item) for item in schema]
    return schema


REPAIR = (
    "Your answer could not be used: {error}\nAnswer the question again, wholly, as JSON that fits the schema exactly."
)


def with_repair(body: dict[str, Any], answer: str, error: str) -> dict[str, Any]:
    """The same question with the broken answer and its error; bodies of both chat formats have `messages`."""
    messages = [
        *body["messages"],
        {"role": "assistant", "content": answer or "(empty)"},
        {"role": "user", "content": REPAIR.format(error=error)},
    ]
    return {**body, "messages": messages}
