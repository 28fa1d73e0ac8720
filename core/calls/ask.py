"""One call: the provider, its retries and its price. No session here; what came of it is an outcome to keep."""

import asyncio
from collections.abc import Callable

import structlog

from core.calls import breaker, clients, rate_limits, resilience
from core.calls.outcomes import Call, Failed, Kept, Outcome, Unheard
from core.calls.retry import RetryPolicy, with_retries
from core.errors import InvalidInput, ProviderError
from core.money import pricing
from core.money.pricing import Price
from core.providers.types import Answer
from core.providers.usage import Usage
from core.runtime import shared_clock
from core.runtime.text import storable

log = structlog.get_logger()
# What nobody has a queue for waits so long for room in a rate limit.
LONGEST_WAIT = 10.0


def policy(operation: str | None) -> RetryPolicy:
    found = resilience.config_for(operation)
    return RetryPolicy(
        attempts=found.retry_attempts + 1,
        base_s=found.backoff_base_s,
        factor=found.backoff_factor,
        cap_s=found.backoff_cap_s,
        deadline_s=found.deadline_s,
    )


def recovery_s(operation: str | None) -> float:
    """How long an open breaker waits before one call of this operation may try the model."""
    return resilience.config_for(operation).recovery_timeout_s


async def ask(call: Call, note: Callable[[Unheard], None]) -> Outcome:
    """Call the model until it answers or retrying makes no sense. Each attempt that was never heard is noted.

    A call whose model's breaker is open by then goes back to its queue: it waits there, without failing.
    """
    whose = (call.provider, call.model)
    threshold = resilience.config_for(call.template_id).circuit_breaker_threshold
    tripping: list[asyncio.Future[None]] = []
    failures = 0
    full = False

    def on_error(error: ProviderError) -> bool:
        nonlocal failures
        failures += 1
        if not error.heard:
            note(unheard(call))
        if not breaker.counts(error):
            breaker.view.answered(*whose)
        elif not call.probe and (in_a_row := breaker.view.failed(*whose, threshold)):
            opening = asyncio.to_thread(breaker.trip, *whose, in_a_row, recovery_s(call.template_id))
            tripping.append(asyncio.ensure_future(opening))
        # Whoever waits for a limit waits in the queue: all of them at once would only be refused again.
        return not (breaker.view.shut(*whose) or (throttled(error) and call.job_id))

    async def go_on() -> bool:
        nonlocal full
        if not breaker.view.fresh:
            await asyncio.to_thread(breaker.view.look)
        if breaker.view.shut(*whose):
            return False
        full = call.taken is not None and not await room_again(call)
        return not full

    async def once() -> Answer:
        # Each attempt for itself: what failed with an old key may work with the one that was set meanwhile.
        async with clients.lent(call.provider) as provider:
            return await provider.call(call.body, call.endpoint)

    try:
        answer = await with_retries(once, policy(call.template_id), on_error=on_error, go_on=go_on)
    except InvalidInput as error:
        # Its provider was taken away after it was claimed: it waits for that to be set up again.
        await asyncio.gather(*tripping)
        return Failed(call, "not_set_up", error.message, again=True, failures=failures)
    except ProviderError as error:
        await asyncio.gather(*tripping)
        again = error.retryable and (breaker.view.shut(*whose) or throttled(error) or full)
        return Failed(
            call,
            error.code,
            error.message,
            again=again,
            failures=failures,
            down=breaker.counts(error),
            retry_after=error.retry_after if throttled(error) else None,
            limits=error.limits,
        )
    breaker.view.answered(*whose)
    at, parsed = shared_clock.now(), answer.parsed
    usage, model = parsed.usage, storable(parsed.model or call.model)
    try:
        # Rates change by the minute at most: what they are is looked up once for all calls of one.
        minute = at.replace(second=0, microsecond=0)
        price = pricing.tariff(call.provider, model, call.lane, minute)(usage)
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
        failures=failures,
        limits=answer.limits,
    )


async def room_again(call: Call) -> bool:
    """Whether another attempt may go out. One of a job's waits for room in its queue, a single text a moment here."""
    patience = 0.0 if call.job_id else LONGEST_WAIT
    while wait := await asyncio.to_thread(rate_limits.again, call):
        if wait > patience:
            return False
        patience -= wait
        await asyncio.sleep(wait)
    return True


def throttled(error: ProviderError) -> bool:
    """The provider says what is left of its rate limit, or when it has room again."""
    return error.code == "rate_limited" and (error.retry_after is not None or bool(error.limits))


def unheard(call: Call) -> Unheard:
    at = shared_clock.now()
    price = pricing.estimate(call.provider, call.model, call.input_tokens, call.output_tokens, call.lane, at)
    return Unheard(call, at, price)
