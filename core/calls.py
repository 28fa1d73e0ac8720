"""One call: the provider, its retries and its price. No session here; what came of it is an outcome to keep."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

import structlog

from core import configuration, pricing, providers
from core.errors import InvalidInput, ProviderError
from core.pricing import Price
from core.providers.types import Provider, Usage
from core.record import Call, Failed, Kept, Outcome, Unheard, storable
from core.retry import RetryPolicy, with_retries
from core.settings import get_settings

log = structlog.get_logger()
NAMES = ("openai", "anthropic", "offline")


@lru_cache(maxsize=1)
def configured() -> dict[str, Provider]:
    """The providers this process may call, by name: the offline engine always, the others with a key or base URL."""
    settings = get_settings()
    openai_key, anthropic_key = settings.openai_api_key, settings.anthropic_api_key
    return providers.build(
        openai_api_key=openai_key.get_secret_value() if openai_key else None,
        openai_base_url=settings.openai_base_url,
        anthropic_api_key=anthropic_key.get_secret_value() if anthropic_key else None,
        anthropic_base_url=settings.anthropic_base_url,
        timeout_s=settings.provider_timeout_seconds,
    )


def provider(name: str) -> Provider:
    found = configured().get(name)
    if found is None:
        raise InvalidInput(missing(name))
    return found


def missing(name: str) -> str:
    """Why there is no provider of that name, and what to do."""
    if name in NAMES:
        return f"{name} is not set up: set {name.upper()}_API_KEY (or its base URL) and start again."
    return f"There is no provider {name!r}. Choose one of {', '.join(configured())}."


def policy() -> RetryPolicy:
    return RetryPolicy(attempts=configuration.config_for(None).retry_attempts + 1)


async def ask(call: Call, note: Callable[[Unheard], None]) -> Outcome:
    """Call the model until it answers or retrying makes no sense. Each attempt that was never heard is noted."""

    def on_unheard(_error: ProviderError) -> None:
        note(unheard(call))

    try:
        one = provider(call.provider)
        answer = await with_retries(lambda: one.call(call.body, call.endpoint), policy(), on_unheard=on_unheard)
    except ProviderError as error:
        return Failed(call, error.code, error.message)
    at, parsed = datetime.now(UTC), answer.parsed
    usage, model = parsed.usage, storable(parsed.model or call.model)
    try:
        price = pricing.price(call.provider, model, usage, call.lane, at)
    except InvalidInput:
        # What the provider counts makes no sense: the answer is kept, and its cost is said to be unknown.
        usage = Usage()
        price = Price(None, False, note="The provider's token counts make no sense.")
    log.info(
        "call answered",
        provider=call.provider,
        model=model,
        finish_reason=parsed.finish_reason,
        latency_ms=answer.latency_ms,
        provider_request_id=answer.provider_request_id,
    )
    return Kept(
        call=call,
        at=at,
        model=model,
        raw=answer.raw,
        text=parsed.text,
        finish_reason=parsed.finish_reason,
        usage=usage,
        price=price,
        latency_ms=answer.latency_ms,
        provider_request_id=answer.provider_request_id,
    )


def unheard(call: Call) -> Unheard:
    at = datetime.now(UTC)
    price = pricing.estimate(call.provider, call.model, call.input_tokens, call.output_tokens, call.lane, at)
    return Unheard(call, at, price)


async def close() -> None:
    await asyncio.gather(*(one.close() for one in configured().values()))
