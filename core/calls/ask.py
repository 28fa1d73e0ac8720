"""One live call: attempts with retries, and the price of the answer. No session here: what it returns is to be kept."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import orjson
import structlog

from core.calls import breaker, clients, rate_limits, resilience
from core.calls.outcomes import Call, Failed, Kept, Outcome, UnknownOutcome
from core.calls.retry import RetryPolicy, with_retries
from core.errors import CairnError, InvalidInput, ProviderError
from core.money import pricing, times
from core.providers import answer_text, forms
from core.providers.forms import Form
from core.providers.types import Answer, Parsed, Provider
from core.providers.usage import Usage
from core.runtime import shared_clock
from core.runtime.text import storable
from core.settings import learned_contexts, learned_forms, provider_rows
from core.tables.jobs import asks_documents

log = structlog.get_logger()
# So many seconds a single text, which has no queue to go back to, waits for headroom in a rate limit.
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
    """Seconds that an open breaker waits before one call of this operation may probe the model."""
    return resilience.config_for(operation).recovery_timeout_s


async def ask(call: Call, note: Callable[[UnknownOutcome], None]) -> Outcome:
    """Call the model until it answers or another attempt makes no sense.

    `note` is given each attempt whose outcome is unknown: it may have been billed. A call that meets an open breaker or
    a full rate limit comes back as Failed with `again`: its request waits in the queue.
    """
    attempts = _Attempts(call, note)
    try:
        answer = await with_retries(
            attempts.once, policy(call.template_id), on_error=attempts.failed, go_on=attempts.may_go_on
        )
    except InvalidInput as error:
        # The provider was taken away after the claim: the request waits until it is set up again.
        return Failed(call, "not_set_up", error.message, again=True, failures=attempts.failures)
    except ProviderError as error:
        return attempts.given_up(error)
    breaker.view.answered(call.provider, call.model)
    unused = call.sampling.temperature is not None and "temperature" not in attempts.answered
    return _kept(call, answer, attempts.failures, temperature_unused=unused)


async def in_its_form(call: Call, provider: Provider) -> tuple[Answer, dict[str, Any]]:
    """Ask a template's question in the form that the server takes. A refusal that names a parameter is answered by
    asking in the next form; what it then takes is remembered. A refused call is not billed.

    Returns the body that was answered, too."""
    named = (call.provider, provider.base_url, call.model)
    form, said = learned_forms.of(*named), ""
    while True:
        body = forms.fitted(call.body, form, call.sampling)
        try:
            answer = await provider.call(body, call.endpoint)
        except ProviderError as error:
            following = forms.next_form(error.refusal, form, body) if forms.may_be_of_form(error) else None
            if following is None:
                if error.code == "context_too_long":
                    error.message += await asyncio.to_thread(_learn_context, *named, error.refusal)
                raise
            form, said = following, error.message
            continue
        if said:
            await asyncio.to_thread(_remember, *named, form, said)
        return answer, body


def _learn_context(provider: str, address: str, model: str, refusal: str) -> str:
    """What to say of it: "" where the refusal names no context."""
    try:
        tokens = learned_contexts.learn(provider, address, model, refusal)
    except CairnError as error:
        log.warning("what was learned of a server could not be stored", provider=provider, reason=error.code)
        return ""
    if tokens is None:
        return ""
    if by_hand := provider_rows.of(provider).context_tokens:
        return f" Its server takes {tokens:,} tokens, and {by_hand:,} are set on the Settings page: correct them there."
    return f" Its context of {tokens:,} tokens is known now: jobs keep to it, and ask what is longer in parts."


def _remember(provider: str, address: str, model: str, form: Form, said: str) -> None:
    """An answer is there: what else goes wrong must not lose it, and the next call learns again."""
    try:
        learned_forms.remember(provider, address, model, form, said)
    except CairnError as error:
        log.warning("what was learned of a server could not be stored", provider=provider, reason=error.code)


class _Attempts:
    """The attempts of one call: how many failed, and whether another one may go out."""

    def __init__(self, call: Call, note: Callable[[UnknownOutcome], None]) -> None:
        self.call = call
        self.failures = 0
        self._note = note
        self._model = (call.provider, call.model)
        self._threshold = resilience.config_for(call.template_id).circuit_breaker_threshold
        self._no_headroom = False
        self.answered: Mapping[str, Any] = call.body

    async def once(self) -> Answer:
        # A client for each attempt: what failed with an old key may work with the one that was set meanwhile.
        async with clients.lent(self.call.provider) as provider:
            if self.call.template_id is None:
                return await provider.call(self.call.body, self.call.endpoint)
            answer, self.answered = await in_its_form(self.call, provider)
            return answer

    async def failed(self, error: ProviderError) -> bool:
        """Count a failed attempt. Returns whether another one makes sense."""
        self.failures += 1
        if not error.heard:
            self._note(unknown_outcome(self.call))
        await self._count_for_breaker(error)
        # A job's call waits for a rate limit in its queue: all of them at once would only be refused again.
        return not (self._breaker_is_open or (throttled(error) and self.call.job_id))

    async def _count_for_breaker(self, error: ProviderError) -> None:
        """A probe is not counted: its outcome closes or opens its breaker once it is stored."""
        if not breaker.counts(error):
            breaker.view.answered(*self._model)
        elif not self.call.probe and (in_a_row := breaker.view.failed(*self._model, self._threshold)):
            await asyncio.to_thread(breaker.trip, *self._model, in_a_row, recovery_s(self.call.template_id))

    @property
    def _breaker_is_open(self) -> bool:
        return breaker.view.is_open(*self._model)

    async def may_go_on(self) -> bool:
        """Whether the next attempt may go out after its wait: the breaker is closed and the rate limit has headroom."""
        if not breaker.view.fresh:
            await asyncio.to_thread(breaker.view.look)
        if self._breaker_is_open:
            return False
        self._no_headroom = self.call.taken is not None and not await room_again(self.call)
        return not self._no_headroom

    def given_up(self, error: ProviderError) -> Failed:
        # What asks of a document, or merges answers, can be asked in parts; see core.requests.refitting.
        split = bool(self.call.job_id and asks_documents(self.call.template_id) and too_long(error))
        waits = self._breaker_is_open or throttled(error) or self._no_headroom
        return Failed(
            self.call,
            error.code,
            error.message,
            again=split or (error.retryable and waits),
            failures=self.failures,
            down=breaker.counts(error),
            retry_after=error.retry_after if throttled(error) else None,
            limits=error.limits,
            split=split,
        )


def too_long(error: ProviderError) -> bool:
    """Whether a refusal names the context that the question is too long for."""
    return error.code == "context_too_long" and learned_contexts.named_in(error.refusal) is not None


def _kept(call: Call, answer: Answer, failures: int, *, temperature_unused: bool) -> Kept:
    at, parsed = shared_clock.now(), answer.parsed
    model = storable(parsed.model or call.model)
    usage = parsed.usage
    if usage is not None and beyond_what_was_sent(call, usage):
        usage = None
    answered_at = times.checked(parsed.answered_at, at - timedelta(milliseconds=answer.latency_ms), at)
    # An answer without counts that make sense is kept, with an unknown cost.
    price = pricing.tariff(call.provider, model, call.lane, answered_at)(usage, parsed.terms)
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
        text=_answer_in(call, parsed),
        finish_reason=parsed.finish_reason,
        usage=usage or Usage(),
        price=price,
        latency_ms=answer.latency_ms,
        provider_request_id=answer.provider_request_id,
        failures=failures,
        limits=answer.limits,
        temperature_unused=temperature_unused,
        terms=parsed.terms,
        answered_at=answered_at,
    )


def _answer_in(call: Call, parsed: Parsed) -> str:
    """The text of an answer, for a template's question wherever the body has it."""
    schema = forms.schema_in(call.body) if call.template_id and parsed.elsewhere else None
    return parsed.answer(answer_text.to_schema(schema) if schema else None)


def beyond_what_was_sent(call: Call, usage: Usage) -> bool:
    """Whether a template's question cannot have so many tokens: one has at least a byte. Of a request of one's own
    nobody knows, as it may name a file or an earlier answer."""
    if call.template_id is None or usage.input_tokens <= pricing.UNSEEN_TOKENS + call.input_tokens:
        return False
    return pricing.more_than_sent(usage, len(orjson.dumps(call.body)))


async def room_again(call: Call) -> bool:
    """Take headroom for another attempt. Returns False if there is none: at once for a job's call, which waits in its
    queue, and within LONGEST_WAIT seconds for a single text."""
    patience = 0.0 if call.job_id else LONGEST_WAIT
    while wait := await asyncio.to_thread(rate_limits.again, call):
        if wait > patience:
            return False
        patience -= wait
        await asyncio.sleep(wait)
    return True


def throttled(error: ProviderError) -> bool:
    """Whether the provider refused for its rate limit, and reported its state or when to come back."""
    return error.code == "rate_limited" and (error.retry_after is not None or bool(error.limits))


def unknown_outcome(call: Call) -> UnknownOutcome:
    """An attempt that may have been billed, with the estimated price."""
    at = shared_clock.now()
    price = pricing.estimate(call.provider, call.model, call.input_tokens, call.output_tokens, call.lane, at)
    return UnknownOutcome(call, at, price)
