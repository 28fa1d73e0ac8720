"""Turn an SDK's exceptions into ProviderError: what happened, whether to try again, what a person can do.

Every message has the provider's own words, cut short, without what looks like a key: nobody else can say what is wrong.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import structlog

from core.errors import ProviderError
from core.providers import rate_limit_headers, refusal_words
from core.providers.addresses import RefusedAddress

log = structlog.get_logger()
# Definite answers by status: code, retryable, remedy.
REDIRECTED = ("redirected", False, "It answers with a redirect, which is not followed: correct the base URL.")
BY_STATUS: dict[int, tuple[str, bool, str]] = {
    **dict.fromkeys((301, 302, 303, 307, 308), REDIRECTED),
    401: ("auth", False, "The key was refused: check the provider's API key."),
    403: ("permission", False, "This key may not do that: check its permissions at the provider."),
    404: ("model_not_found", False, "The model is not available to this key (retired or misspelt): choose another."),
    408: ("timeout", True, "The provider timed out."),
    409: ("conflict", True, "The provider reported a conflict."),
    413: ("context_too_long", False, "The request is too large: choose a smaller document or another model."),
    422: ("invalid_request", False, "The provider refused the request."),
    429: ("rate_limited", True, "The provider's rate limit is reached."),
    503: ("overloaded", True, "The provider is overloaded."),
    529: ("overloaded", True, "The provider is overloaded."),
}
# Spent money does not come back by waiting.
NO_MONEY = ("insufficient_quota", "enforced_spend_limit_reached", "billing_hard_limit_reached", "billing_error")
TOO_LONG = (
    "context_length_exceeded",
    "string_above_max_length",
    "prompt is too long",
    "maximum context length",
    "exceed_context_size",
    "exceeds the available context size",
    "exceeds the context",
    "context window",
    "context limit",
    "n_ctx",
    "longer than the model's context",
    "greater than the context length",
    "maximum prompt length",
    "input token count",
    "`max_new_tokens` must be",
    "`inputs` must have less than",
    "too many tokens",
)
# A status in words, where a body of status 200 is a refusal: marks in its code, kind or message.
IN_WORDS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (402, ("insufficient credit", "payment required")),
    (429, ("rate_limit", "rate limit", "too many requests", "too_many_requests", "throttl", "resource_exhausted")),
    (401, ("unauthorized", "unauthenticated", "invalid_api_key", "invalid api key", "authentication_error")),
    (403, ("forbidden", "permission_denied", "permission_error")),
    (404, ("model_not_found", "not_found_error")),
    (503, ("overloaded", "unavailable", "loading")),
    (500, ("server_error", "server error", "internal_error", "internal error", "api_error", "timeout", "timed out")),
)
_KEYLIKE = re.compile(r"\b(sk-|pk-|gsk_|xai-|AIza|key-|Bearer )[\w*.-]+", re.IGNORECASE)
# In a refusal of a key whatever may be one, as servers repeat what they were sent.
_MAY_BE_KEY = re.compile(r"(?=[\w*.-]*[\d*])[\w*.-]{8,}")


@contextmanager
def translated(provider: str, sdk: Any, base: type[Exception]) -> Iterator[None]:
    """Raise every error of a call of this SDK, or of reading its answer, as a ProviderError."""
    import httpx2

    try:
        yield
    except sdk.APIStatusError as error:
        log.warning(
            "the provider answered with an error",
            provider=provider,
            status=error.status_code,
            provider_request_id=error.request_id,
        )
        refused = from_status(provider, error.status_code, error.body, error.response.headers)
        refused.limits = rate_limit_headers.read(error.response.headers)
        raise refused from None
    except (sdk.APIConnectionError, httpx2.HTTPError) as error:
        found = from_connection(provider, error)
        log.warning("the provider was not heard", provider=provider, reason=found.code)
        raise found from None
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError, base) as error:
        # The answer is not what it should be: the outcome of the call is unknown.
        message = f"The answer could not be read ({type(error).__name__})."
        raise outcome_unknown(provider, "bad_response", message) from None


def from_status(provider: str, status: int, body: Any, headers: Any) -> ProviderError:
    words = refusal_words.read(body)
    error = _of_words(provider, status, words, headers)
    error.refusal = words.all
    return error


def _of_words(provider: str, status: int, words: refusal_words.Words, headers: Any) -> ProviderError:
    wait = retry_after(headers, datetime.now(UTC))
    own = short(words.message)
    if status == 402 or any(mark in words.all for mark in NO_MONEY):
        remedy = f"The account has no money left: raise its limit, then send again. {own}"
        return _error(provider, "spend_limit", remedy, status)
    if status in (400, 413, 422, 500) and says_too_long(words.all):
        return _error(provider, *_remedy("context_too_long", "The document is too long for this model.", own), status)
    if status == 404 and "model" not in words.all.lower():
        return _error(provider, "not_found", f"Not found: check the base URL. {own}", status)
    if status in BY_STATUS:
        code, retryable, remedy = BY_STATUS[status]
        own = _MAY_BE_KEY.sub("[key]", own) if status in (401, 403) else own
        return _error(provider, code, f"{remedy} {own}", status, retryable=retryable, retry_after=wait)
    if status >= 500:
        # The model may have run before the server failed, but a failed call is not billed.
        message = f"Server error {status}. {own}"
        return _error(provider, "server_error", message, status, retryable=True, retry_after=wait)
    return _error(provider, "invalid_request", f"The request was refused. {own}", status)


def says_too_long(words: str) -> bool:
    return any(mark in words.lower() for mark in TOO_LONG)


def no_answer(provider: str, body: Any, what: str) -> ProviderError:
    """A body of status 200 without an answer: a refusal by its own code and words, and nothing is billed for it.

    `what` says so where the body has no error of its own. The call is not made again on a guess: it would be refused
    again, or cost again.
    """
    if isinstance(body, dict) and body.get("error"):
        return from_status(provider, _status_in(refusal_words.read(body)), body, {})
    return _error(provider, "bad_response", f"{what} {short(refusal_words.read(body).message)}", 200)


def unreadable(provider: str, content: str | bytes, what: str) -> ProviderError:
    """A body of status 200 that is no JSON. Where it began as JSON the model answered, and the call may be billed."""
    sent = content if isinstance(content, str) else content.decode("utf-8", "replace")
    if sent.lstrip().startswith(("{", "[", "data:")):
        cut = outcome_unknown(provider, "bad_response", what)
        # The server did answer: that is nothing for a circuit breaker.
        cut.status = 200
        return cut
    return no_answer(provider, sent, what)


@contextmanager
def with_headers(headers: Any) -> Iterator[None]:
    """A refusal in a body of status 200 waits as long as the headers of the answer say."""
    try:
        yield
    except ProviderError as error:
        if error.heard:
            error.limits = rate_limit_headers.read(headers)
            error.retry_after = retry_after(headers, datetime.now(UTC)) if error.retryable else None
        raise


def _status_in(words: refusal_words.Words) -> int:
    if words.code.isascii() and words.code.isdigit() and 400 <= int(words.code[:4]) < 600:
        return int(words.code)
    found = words.all.lower()
    return next((status for status, marks in IN_WORDS if any(mark in found for mark in marks)), 400)


def outcome_unknown(provider: str, code: str, message: str) -> ProviderError:
    """The call went out and no usable answer came: it may be billed."""
    return ProviderError(f"{provider}: {message}", code=code, retryable=True, heard=False)


def from_connection(provider: str, error: BaseException) -> ProviderError:
    """A connection that was never made sent nothing; a call that broke or timed out later may be billed.

    The transport reports refused and reset connections alike as timeouts, so aiohttp's own error decides.
    """
    from aiohttp import ClientConnectorError, ClientOSError, ConnectionTimeoutError
    from httpx2 import TimeoutException

    causes = list(_causes(error))
    if refused := next((cause for cause in causes if isinstance(cause, RefusedAddress)), None):
        message = f"{provider}: no provider lives at its address: {refused}. Nothing was sent; correct the base URL."
        return ProviderError(message, code="address_refused")
    if any(isinstance(cause, ClientConnectorError | ConnectionTimeoutError) for cause in causes):
        return never_sent(provider)
    timed_out = any(isinstance(cause, TimeoutException) for cause in causes)
    if timed_out and not any(isinstance(cause, ClientOSError) for cause in causes):
        return outcome_unknown(provider, "timeout", "No answer in time.")
    return outcome_unknown(provider, "connection", "The connection broke before the answer was complete.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def never_sent(provider: str) -> ProviderError:
    return ProviderError(
        f"{provider}: no connection. Check the base URL and the network.", code="connection", retryable=True
    )


def retry_after(headers: Any, now: datetime) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `retry-after` (seconds or a date); None if absent or unreadable."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after") or ""
    seconds = _number(value)
    return _seconds_until(value, now) if seconds is None else seconds


def _number(value: str | None) -> float | None:
    return float(value) if value and re.fullmatch(r"\s*\d+(\.\d+)?\s*", value) else None


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    # A date in "-0000" comes without a zone and means UTC.
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp())


def _remedy(code: str, remedy: str, own: str) -> tuple[str, str]:
    return code, f"{remedy} Choose a model with a larger context, or split the document. {own}"


def short(words: object) -> str:
    """A provider's own words, cut to 300 characters and without anything that looks like a key."""
    return _KEYLIKE.sub("[key]", str(words or ""))[:300]


def _error(
    provider: str,
    code: str,
    message: str,
    status: int,
    *,
    retryable: bool = False,
    retry_after: float | None = None,
) -> ProviderError:
    return ProviderError(
        f"{provider}: {message.strip()}", code=code, retryable=retryable, status=status, retry_after=retry_after
    )
