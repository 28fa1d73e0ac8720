"""Providers: how each is called, what it costs, and what was learned of its server."""

from typing import Any, Literal

from pydantic import BaseModel, Field, StrictInt

from api.schemas.shared import In
from core.providers.capabilities import Kind
from core.settings.provider_changes import KEEP, Change

Rate = str


class RatesOut(BaseModel):
    """USD per million tokens."""

    input: Rate
    cached: Rate
    cache_write: Rate
    output: Rate


class LearnedOut(BaseModel):
    """`limit_field`, `context_tokens`: null where nothing was learned of them."""

    model: str
    structured: Literal["json_schema", "json_object", "prompt"]
    limit_field: Literal["max_tokens", "max_completion_tokens"] | None
    temperature: bool
    stream_only: bool
    context_tokens: int | None


class ProviderOut(BaseModel):
    """`base_url` is null for the offline engine. `set_up`: it can be called; `warning` says why a key is not used."""

    name: str
    kind: Kind
    base_url: str | None
    key_set: bool
    from_: Literal["environment", "settings"] = Field(alias="from")
    set_up: bool
    warning: str | None
    default_model: str
    models: list[str]
    context_tokens: int | None
    concurrency: int | None
    prices: Literal["list", "free"] | RatesOut
    learned: list[LearnedOut]


class ChangeIn(In):
    """What is left out stays as it is; null takes away. A key that was set is for its address: with another
    `base_url` it is entered anew."""

    base_url: str | None = None
    key: str | None = None
    context_tokens: StrictInt | None = None
    concurrency: StrictInt | None = None
    prices: Any = Field(
        None, description="`list`, `free`, or `{input, cached, cache_write, output}`: USD per million, decimal strings."
    )
    default_model: str | None = None

    def change(self) -> Change:
        names = ("base_url", "key", "context_tokens", "concurrency", "prices", "default_model")
        return Change(**{name: getattr(self, name) if name in self.model_fields_set else KEEP for name in names})


class ProviderChangeIn(ChangeIn):
    """`name` and `kind` cannot be changed; a program that sends back what it was given may send them."""

    name: str | None = None
    kind: str | None = None


class ProviderIn(ChangeIn):
    name: str
    kind: Kind
    base_url: str


class TestedOut(BaseModel):
    """`models`: those that the provider offers to this key."""

    ok: bool
    models: list[str]
    message: str
