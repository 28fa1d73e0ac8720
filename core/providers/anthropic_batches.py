"""Anthropic's Message Batches. Requests go inside the create call, and our nonce inside each custom_id."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from core.errors import ProviderError
from core.providers import bodies, errors, message_answers
from core.providers.batch_api import (
    CHUNK_BYTES,
    PASSING_STATUS,
    BatchLimits,
    Found,
    Framing,
    Gone,
    Order,
    Remote,
    ResultLine,
    Used,
    next_page,
    save,
)
from core.providers.openai_batches import decoded
from core.providers.usage import Terms
from core.providers.usage_reading import of_message

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

CLOCKS_DIFFER = timedelta(minutes=10)
# How often a download with fewer lines than requests is tried before its missing lines count as missing.
DOWNLOADS = 3
PATH = "/v1/messages/batches"


def translated(provider: str) -> AbstractContextManager[None]:
    import anthropic

    return errors.translated(provider, anthropic, anthropic.AnthropicError)


class _ErrorDetail(msgspec.Struct):
    type: str = ""
    message: str = ""


class _ErrorResponse(msgspec.Struct):
    error: _ErrorDetail | None = None


class _Result(msgspec.Struct):
    type: str
    message: msgspec.Raw = msgspec.Raw(b"")
    error: _ErrorResponse | None = None


class _ResultLine(msgspec.Struct):
    custom_id: str
    result: _Result


class _Message(msgspec.Struct):
    """The counts are read by core.providers.usage_reading, as in the live lane."""

    model: str = ""
    usage: Any = None


read_message = msgspec.json.Decoder(_Message)
read_result = msgspec.json.Decoder(_ResultLine)


class AnthropicBatches:
    limits = BatchLimits(requests=100_000, bytes=256_000_000)
    mixes_models = True

    def __init__(self, client: "Callable[[], AsyncAnthropic]", name: str):
        self._client = client
        self._name = name

    def framing(self, endpoint: str) -> Framing:
        return Framing(b'{"requests":[', '{"custom_id":"', '","params":', "}", b",", b"]}")

    async def upload(self, order: Order) -> str | None:
        return None

    async def create(self, order: Order) -> Remote:
        from anthropic.types.messages import MessageBatch

        headers = {"Content-Type": "application/json", "Content-Length": str(order.path.stat().st_size)}
        with translated(self._name):
            created = await self._client().post(
                PATH, cast_to=MessageBatch, content=_body(order), options={"headers": headers}
            )
            return _remote(created)

    async def check(self, remote_id: str) -> Remote:
        with translated(self._name):
            return _remote(await self._client().messages.batches.retrieve(remote_id))

    async def find(self, order: Order, known: Collection[str]) -> Found:
        since, undecided = order.intent_at - CLOCKS_DIFFER, False
        with translated(self._name):
            page = await self._client().messages.batches.list(limit=100)
            while page is not None:
                for batch in page.data:
                    if batch.created_at < since or batch.id in known:
                        continue
                    if _total(batch.request_counts) not in (None, order.requests):
                        continue
                    if batch.processing_status != "ended" or not batch.results_url:
                        # Its custom_ids cannot be read, not yet or no longer.
                        undecided = True
                    elif await self._is_ours(batch.id, order.nonce):
                        return Found(_remote(batch))
                if page.data and page.data[-1].created_at < since:
                    break
                page = await next_page(page)
        return Found(None, undecided)

    async def _is_ours(self, remote_id: str, nonce: str) -> bool:
        """Any line will do: every custom_id of a batch of ours begins with its nonce."""
        start = b""
        async with self._client().messages.batches.with_streaming_response.results(remote_id) as response:
            async for chunk in response.iter_bytes():
                start += chunk
                if b"\n" in start:
                    break
        line, line_feed, _ = start.partition(b"\n")
        try:
            return self.read(line).custom_id.startswith(f"{nonce}-")
        except ValueError:
            ours = f"{nonce}-".encode() in line
            if not ours and not line_feed:
                # Cut off: it may have been ours after all.
                raise
            return ours

    async def cancel(self, remote_id: str) -> None:
        with translated(self._name):
            await self._client().messages.batches.cancel(remote_id)

    async def forget(self, input_file_id: str) -> None:
        return None

    async def fetch(self, remote: Remote, source: Callable[[], Path], directory: Path) -> list[Path]:
        """The API gives no size to check against; every request should have a line."""
        path = directory / "0.jsonl"
        try:
            with translated(self._name):
                batch = await self._client().messages.batches.retrieve(remote.id)
                if not batch.results_url:
                    raise Gone
                for _ in range(DOWNLOADS):
                    await self._download(remote.id, path)
                    if await asyncio.to_thread(_whole_lines, path) >= (_total(batch.request_counts) or 0):
                        break
        except ProviderError as error:
            if error.status in (404, 410):
                raise Gone from None
            raise
        return [path]

    async def _download(self, remote_id: str, path: Path) -> None:
        async with self._client().messages.batches.with_streaming_response.results(remote_id) as response:
            await save(response.iter_bytes(CHUNK_BYTES), path, None)

    def read(self, line: bytes) -> ResultLine:
        found = decoded(read_result, line)
        if found.result.type == "succeeded":
            body = bytes(found.result.message)
            if not body.startswith(b"{"):
                raise ValueError("a success without its message")
            refused = refusal_in(body, self._name)
            if refused is None:
                return ResultLine(found.custom_id, "answer", body)
            passing = refused.status in PASSING_STATUS and refused.code != "spend_limit"
            return ResultLine(found.custom_id, "error", code=refused.code, message=refused.message, passing=passing)
        if found.result.type == "expired":
            message = "It was not answered within 24 hours."
            return ResultLine(found.custom_id, "expired", code="expired", message=message)
        if found.result.type == "canceled":
            return ResultLine(found.custom_id, "cancelled", code="cancelled", message="The batch was cancelled.")
        detail = (found.result.error.error if found.result.error else None) or _ErrorDetail()
        # Anthropic's guide to batches: "An errored invalid_request_error needs a new body; others may be sent again"
        return ResultLine(
            found.custom_id,
            "error",
            code=_code(detail),
            message=f"{self._name}: {errors.short(detail.message)}",
            passing=detail.type in PASSING,
        )

    def used(self, body: bytes) -> Used:
        try:
            found = read_message.decode(body)
        except msgspec.DecodeError:
            return used_slowly(body)
        if not isinstance(found.usage, dict) or not found.usage.get("output_tokens"):
            # Whether there is a text decides.
            return used_slowly(body)
        return Used(found.model, *of_message(found.usage, wrote=True))


# How nearly all messages show at once that they are one.
CONTENT = re.compile(rb'"content"\s*:\s*["\[]')


def refusal_in(body: bytes, provider: str) -> ProviderError | None:
    """The error of a success that says it holds no answer. What says nothing is kept: it may be billed."""
    if CONTENT.search(body) and b'"error"' not in body:
        return None
    try:
        read = bodies.read(body)
        if read.data.get("error") or ("content" in read.data and read.data["content"] is None):
            message_answers.parse(read, provider)
    except ProviderError as error:
        return error
    except ValueError:
        return None
    return None


def used_slowly(body: bytes) -> Used:
    """As the live lane reads it: of counts that make no sense, or without a text."""
    try:
        parsed = message_answers.parse(bodies.read(body), "")
    except (ValueError, ProviderError):
        return Used("", None, UNREAD)
    return Used(parsed.model, parsed.usage, parsed.terms)


UNREAD = Terms(trouble="odd_usage")
PASSING = frozenset({"", "api_error", "overloaded_error", "rate_limit_error", "timeout_error"})


def _code(detail: _ErrorDetail) -> str:
    if detail.type in ("invalid_request_error", "request_too_large") and errors.says_too_long(detail.message):
        return "context_too_long"
    return CODES.get(detail.type, detail.type or "no_answer")


CODES = {
    "invalid_request_error": "invalid_request",
    "overloaded_error": "overloaded",
    "rate_limit_error": "rate_limited",
    "authentication_error": "auth",
    "permission_error": "permission",
    "not_found_error": "model_not_found",
    "api_error": "server_error",
    "timeout_error": "timeout",
    "billing_error": "spend_limit",
}


async def _body(order: Order) -> AsyncIterator[bytes]:
    """The body in chunks. `confirm` is awaited before the last one: without it the create has no effect."""
    with order.path.open("rb") as file:
        chunk = file.read(CHUNK_BYTES)
        while following := file.read(CHUNK_BYTES):
            yield chunk
            chunk = following
    if order.confirm:
        await order.confirm()
    yield chunk


def _whole_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(line.rstrip().endswith(b"}") for line in file)


def _total(counts: Any) -> int | None:
    """None if a count is missing."""
    found = [getattr(counts, name, None) for name in ("processing", "succeeded", "errored", "canceled", "expired")]
    numbers = [number for number in found if isinstance(number, int)]
    return sum(numbers) if len(numbers) == len(found) else None


def _remote(batch: Any) -> Remote:
    """Raises if the answer is not a batch: then the outcome of the call is unknown."""
    parts = (batch.id, batch.processing_status)
    if not all(isinstance(part, str) and part for part in parts) or not isinstance(batch.created_at, datetime):
        raise ValueError("something is missing")
    return Remote(
        id=batch.id,
        # Outcome counts stay zero until the end, so there is no `done`; how each request ended is in its result line.
        state="completed" if batch.processing_status == "ended" else "in_progress",
        provider_state=batch.processing_status,
        created_at=batch.created_at,
        ended_at=batch.ended_at if isinstance(batch.ended_at, datetime) else None,
    )
