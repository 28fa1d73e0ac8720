"""OpenAI's Batch API. Requests are uploaded as a file; our nonce lies in the batch's metadata."""

import re
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import orjson

from core.errors import ProviderError
from core.providers import bodies, chat_answers, errors, refusal_words
from core.providers.batch_api import (
    CHUNK_BYTES,
    PASSING_STATUS,
    BatchLimits,
    Found,
    Framing,
    Gone,
    Order,
    Refused,
    Remote,
    ResultLine,
    State,
    Used,
    next_page,
    save,
)
from core.providers.usage import Terms, Usage
from core.providers.usage_reading import MOST_READ, MOST_WRITTEN, moment, of_chat

if TYPE_CHECKING:
    from openai import AsyncOpenAI

NONCE = "cairn"
# How far before the intent a search looks: listings are sorted by the provider's clock, which may differ.
LOOK_BACK = timedelta(hours=24)
OURS: dict[str, State] = {
    "completed": "completed",
    "expired": "expired",
    "cancelled": "cancelled",
    "failed": "failed",
}


def translated(provider: str) -> AbstractContextManager[None]:
    import openai

    return errors.translated(provider, openai, openai.OpenAIError)


class _Answered(msgspec.Struct):
    status_code: int = 0
    body: msgspec.Raw = msgspec.Raw(b"null")


class _ResultLine(msgspec.Struct):
    custom_id: str
    response: _Answered | None = None
    error: Any = None


class _Item(msgspec.Struct):
    type: Any = None
    action: Any = None


class _Body(msgspec.Struct):
    """The counts are read by core.providers.usage_reading, as in the live lane."""

    usage: Any = None
    model: str | None = None
    service_tier: Any = None
    output: list[_Item] | None = None


read_body = msgspec.json.Decoder(_Body)
read_result = msgspec.json.Decoder(_ResultLine)


class OpenAIBatches:
    limits = BatchLimits(requests=50_000, bytes=200_000_000, inputs=50_000)
    mixes_models = False

    def __init__(self, client: "Callable[[], AsyncOpenAI]", name: str):
        self._client = client
        self._name = name

    def framing(self, endpoint: str) -> Framing:
        return Framing(b"", '{"custom_id":"', f'","method":"POST","url":"{endpoint}","body":', "}", b"", b"")

    async def upload(self, order: Order) -> str | None:
        with translated(self._name), order.path.open("rb") as file:
            named = (f"cairn-{order.nonce}.jsonl", file, "application/jsonl")
            uploaded = await self._client().files.create(file=named, purpose="batch")
        return _present(uploaded.id)

    async def create(self, order: Order) -> Remote:
        if order.confirm:
            await order.confirm()
        with translated(self._name):
            created = await self._client().batches.create(
                input_file_id=order.input_file_id or "",
                endpoint=order.endpoint,  # type: ignore[arg-type]  # the provider judges it
                completion_window="24h",
                metadata={NONCE: order.nonce},
            )
            return _remote(created)

    async def check(self, remote_id: str) -> Remote:
        with translated(self._name):
            return _remote(await self._client().batches.retrieve(remote_id))

    async def find(self, order: Order, known: Collection[str]) -> Found:
        oldest = (order.intent_at - LOOK_BACK).timestamp()
        with translated(self._name):
            page = await self._client().batches.list(limit=100)
            while page is not None:
                for batch in page.data:
                    if (batch.metadata or {}).get(NONCE) == order.nonce:
                        return Found(_remote(batch))
                if page.data and page.data[-1].created_at < oldest:
                    break
                page = await next_page(page)
        return Found(None)

    async def cancel(self, remote_id: str) -> None:
        with translated(self._name):
            await self._client().batches.cancel(remote_id)

    async def forget(self, input_file_id: str) -> None:
        try:
            with translated(self._name):
                await self._client().files.delete(input_file_id)
        except ProviderError as error:
            if error.status != 404:
                raise

    async def fetch(self, remote: Remote, source: Callable[[], Path], directory: Path) -> list[Path]:
        files = [name for name in (remote.output_file_id, remote.error_file_id) if name]
        return [await self._download(name, directory / f"{number}.jsonl") for number, name in enumerate(files)]

    async def _download(self, file_id: str, path: Path) -> Path:
        try:
            with translated(self._name):
                described = await self._client().files.retrieve(file_id)
                async with self._client().files.with_streaming_response.content(file_id) as response:
                    whole = await save(response.iter_bytes(CHUNK_BYTES), path, described.bytes)
        except ProviderError as error:
            if error.status in (404, 410):
                raise Gone from None
            raise
        if not whole:
            raise errors.outcome_unknown(self._name, "cut", "The results were cut off while they were downloaded.")
        return path

    def read(self, line: bytes) -> ResultLine:
        return read_line(line, self._name)

    def used(self, body: bytes) -> Used:
        try:
            found = read_body.decode(body)
        except msgspec.DecodeError:
            return used_slowly(body)
        used = found.usage
        if not isinstance(used, dict) or not (used.get("completion_tokens") or used.get("output_tokens")):
            # Of embeddings, or counts that make no sense: rare. Whether there is a text decides.
            return used_slowly(body)
        items = [(item.type, item.action) for item in found.output or ()]
        return Used(found.model or "", *of_chat(used, found.service_tier, wrote=True, items=items))


def used_slowly(body: bytes) -> Used:
    """As the live lane reads it; the endpoint shows in what the body holds."""
    try:
        read = bodies.read(body)
        named = ((key, endpoint) for key, endpoint in HOLDS.items() if isinstance(read.data, dict) and key in read.data)
        endpoint = next((endpoint for _, endpoint in named), "/v1/chat/completions")
        parsed = chat_answers.parse(read, endpoint, "")
    except (ValueError, ProviderError):
        return Used("", None, UNREAD)
    return Used(parsed.model, parsed.usage, parsed.terms)


UNREAD = Terms(trouble="odd_usage")
HOLDS = {"choices": "/v1/chat/completions", "output": "/v1/responses", "data": "/v1/embeddings"}


T = TypeVar("T")


def decoded(decoder: msgspec.json.Decoder[T], line: bytes) -> T:
    """Also of a line with numbers that are none: the answer in it is paid for. Raises ValueError."""
    try:
        return decoder.decode(line)
    except msgspec.DecodeError:
        pass
    try:
        return decoder.decode(bodies.mended(line))
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None


def read_line(
    line: bytes, provider: str, refusal_of: Callable[[bytes, str], ProviderError | None] | None = None
) -> ResultLine:
    """A line of an output or error file. A failed one may have `error: null` and a status in its response.

    `refusal_of`: the error of a body of status 200 that holds no answer; None: that of OpenAI's bodies.
    """
    found = decoded(read_result, line)
    status = found.response.status_code if found.response else 0
    if found.error is None and found.response is not None and status == 200:
        answer = bytes(found.response.body)
        if not answer.startswith(b"{"):
            raise ValueError("an answer without its body")
        refused = (refusal_of or refusal_in)(answer, provider)
        return _refused(found.custom_id, refused) if refused else ResultLine(found.custom_id, "answer", answer)
    # A failed line may have its error in its response's body alone.
    said = {"error": found.error} if found.error else bytes(found.response.body) if found.response else {}
    words = refusal_words.read(said)
    if words.code == "batch_expired":
        return ResultLine(found.custom_id, "expired", code="expired", message=EXPIRED)
    if words.code == "batch_cancelled":
        return ResultLine(found.custom_id, "cancelled", code="cancelled", message="The batch was cancelled.")
    if status not in (0, 200):
        return _refused(found.custom_id, errors.from_status(provider, status, said, {}))
    passing = words.code in ("", "server_error", "rate_limit_exceeded", "timeout")
    shown = errors.short(words.message) or "No answer."
    return ResultLine(found.custom_id, "error", code=words.code or "no_answer", message=shown, passing=passing)


# Of a chat completion, or of another endpoint's answer: how nearly all bodies show at once that they hold one.
ANSWERED = re.compile(rb'"(?:choices|output|data)"\s*:\s*\[\s*\{')


def refusal_in(body: bytes, provider: str) -> ProviderError | None:
    """The error of a body of status 200 that says it holds no answer. What says nothing is kept: it may be billed."""
    if ANSWERED.search(body) and b'"error"' not in body:
        return None
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(data, dict):
        return None
    if not data.get("error") and ("choices" not in data or data["choices"]):
        return None
    try:
        endpoint = next((HOLDS[key] for key in HOLDS if key in data), HOLDS["choices"])
        chat_answers.parse(bodies.Body(data, ""), endpoint, provider)
    except ProviderError as error:
        return error
    return None


def _refused(custom_id: str, error: ProviderError) -> ResultLine:
    # Spent money does not come back by waiting; the other errors of these statuses may pass.
    passing = error.status in PASSING_STATUS and error.code != "spend_limit"
    return ResultLine(custom_id, "error", code=error.code, message=error.message, passing=passing)


EXPIRED = "The provider did not answer it within the batch's 24 hours."


def _present(value: object) -> str:
    """The SDK does not check its types: a missing field is None, a wrong one stays wrong."""
    if not isinstance(value, str) or not value:
        raise ValueError("something is missing")
    return value


def _remote(batch: Any) -> Remote:
    """Raises if the answer is not a batch: then the outcome of the call is unknown."""
    status = _present(batch.status)
    return Remote(
        id=_present(batch.id),
        state=OURS.get(status, "in_progress"),
        provider_state=status,
        created_at=datetime.fromtimestamp(batch.created_at, UTC),
        done=_done(batch.request_counts),
        # A completed batch may have only an error file, and the id of a missing file may be an empty string.
        output_file_id=batch.output_file_id or None,
        error_file_id=batch.error_file_id or None,
        usage=_usage(batch.usage),
        refused=tuple(
            Refused(error.code or "failed", errors.short(error.message), _number(error.line))
            for error in getattr(batch.errors, "data", None) or ()
        ),
        ended_at=moment(*(getattr(batch, f"{how}_at", None) for how in ENDS)),
    )


# Of the ways to end. A batch that was cancelled or expired has what it answered until then.
ENDS = ("completed", "cancelled", "expired", "failed")


def _done(counts: Any) -> int | None:
    completed, failed = _number(getattr(counts, "completed", None)), _number(getattr(counts, "failed", None))
    return None if completed is None or failed is None else completed + failed


MOST_READ_IN_ALL = OpenAIBatches.limits.requests * MOST_READ
MOST_WRITTEN_IN_ALL = OpenAIBatches.limits.requests * MOST_WRITTEN


def _usage(usage: Any) -> Usage | None:
    """Of all lines together; None if a count is missing, or more than all of them can have used."""
    read, written = _number(getattr(usage, "input_tokens", None)), _number(getattr(usage, "output_tokens", None))
    if read is None or written is None or read > MOST_READ_IN_ALL or written > MOST_WRITTEN_IN_ALL:
        return None
    into, out = usage.input_tokens_details, usage.output_tokens_details
    lives = getattr(into, "cache_write_tokens_details", None)
    lasting = lives.get("ttl_12h_tokens") if isinstance(lives, dict) else getattr(lives, "ttl_12h_tokens", None)
    return Usage(
        input_tokens=read,
        cached_input_tokens=_number(getattr(into, "cached_tokens", None)) or 0,
        cache_write_tokens=_number(getattr(into, "cache_write_tokens", None)) or 0,
        output_tokens=written,
        cache_write_long_tokens=_number(lasting) or 0,
        reasoning_tokens=_number(getattr(out, "reasoning_tokens", None)) or 0,
    )


def _number(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None
