"""OpenAI's Batch API. Requests are uploaded as a file; our nonce lies in the batch's metadata."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from core.errors import ProviderError
from core.providers import errors
from core.providers.batch_api import (
    CHUNK_BYTES,
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
from core.providers.usage import Usage

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
PASSING_STATUS = frozenset({408, 409, 429, 500, 502, 503, 504, 529})


def translated() -> AbstractContextManager[None]:
    import openai

    return errors.translated("openai", openai, openai.OpenAIError)


class _ErrorDetail(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class _Answered(msgspec.Struct):
    status_code: int = 0
    body: msgspec.Raw = msgspec.Raw(b"null")


class _ResultLine(msgspec.Struct):
    custom_id: str
    response: _Answered | None = None
    error: _ErrorDetail | None = None


class _ErrorBody(msgspec.Struct):
    error: _ErrorDetail | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Tokens(msgspec.Struct):
    """Chat completions count prompts and completions, the Responses API inputs and outputs."""

    prompt_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    input_tokens_details: _Details | None = None
    output_tokens: int | None = None


class _Named(msgspec.Struct):
    model: str | None = None


class _Body(_Named):
    usage: _Tokens | None = None


read_named = msgspec.json.Decoder(_Named)
read_body = msgspec.json.Decoder(_Body)
read_result = msgspec.json.Decoder(_ResultLine)
read_error = msgspec.json.Decoder(_ErrorBody)


class OpenAIBatches:
    limits = BatchLimits(requests=50_000, bytes=200_000_000, inputs=50_000)
    mixes_models = False

    def __init__(self, client: "Callable[[], AsyncOpenAI]"):
        self._client = client

    def framing(self, endpoint: str) -> Framing:
        return Framing(b"", '{"custom_id":"', f'","method":"POST","url":"{endpoint}","body":', "}", b"", b"")

    async def upload(self, order: Order) -> str | None:
        with translated(), order.path.open("rb") as file:
            named = (f"cairn-{order.nonce}.jsonl", file, "application/jsonl")
            uploaded = await self._client().files.create(file=named, purpose="batch")
        return _present(uploaded.id)

    async def create(self, order: Order) -> Remote:
        if order.confirm:
            await order.confirm()
        with translated():
            created = await self._client().batches.create(
                input_file_id=order.input_file_id or "",
                endpoint=order.endpoint,  # type: ignore[arg-type]  # the provider judges it
                completion_window="24h",
                metadata={NONCE: order.nonce},
            )
            return _remote(created)

    async def check(self, remote_id: str) -> Remote:
        with translated():
            return _remote(await self._client().batches.retrieve(remote_id))

    async def find(self, order: Order, known: Collection[str]) -> Found:
        oldest = (order.intent_at - LOOK_BACK).timestamp()
        with translated():
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
        with translated():
            await self._client().batches.cancel(remote_id)

    async def forget(self, input_file_id: str) -> None:
        try:
            with translated():
                await self._client().files.delete(input_file_id)
        except ProviderError as error:
            if error.status != 404:
                raise

    async def fetch(self, remote: Remote, source: Callable[[], Path], directory: Path) -> list[Path]:
        files = [name for name in (remote.output_file_id, remote.error_file_id) if name]
        return [await self._download(name, directory / f"{number}.jsonl") for number, name in enumerate(files)]

    async def _download(self, file_id: str, path: Path) -> Path:
        try:
            with translated():
                described = await self._client().files.retrieve(file_id)
                async with self._client().files.with_streaming_response.content(file_id) as response:
                    whole = await save(response.iter_bytes(CHUNK_BYTES), path, described.bytes)
        except ProviderError as error:
            if error.status in (404, 410):
                raise Gone from None
            raise
        if not whole:
            raise errors.outcome_unknown("openai", "cut", "The results were cut off while they were downloaded.")
        return path

    def read(self, line: bytes) -> ResultLine:
        return read_line(line)

    def used(self, body: bytes) -> Used:
        try:
            found = read_body.decode(body)
        except msgspec.DecodeError:
            return Used(_model(body), None)
        tokens = found.usage or _Tokens()
        details = tokens.prompt_tokens_details or tokens.input_tokens_details
        usage = Usage(
            input_tokens=tokens.prompt_tokens or tokens.input_tokens or 0,
            cached_input_tokens=(details.cached_tokens if details else 0) or 0,
            output_tokens=tokens.completion_tokens or tokens.output_tokens or 0,
        )
        return Used(found.model or "", usage)


def _model(body: bytes) -> str:
    try:
        return read_named.decode(body).model or ""
    except msgspec.DecodeError:
        return ""


def read_line(line: bytes) -> ResultLine:
    """A line of an output or error file. A failed one may have `error: null` and a status in its response."""
    try:
        found = read_result.decode(line)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    status = found.response.status_code if found.response else 0
    if found.error is None and found.response is not None and status == 200:
        answer = bytes(found.response.body)
        if not answer.startswith(b"{"):
            raise ValueError("an answer without its body")
        return ResultLine(found.custom_id, "answer", answer)
    detail = found.error or (_error_of(found.response) if found.response else None) or _ErrorDetail()
    code, message = detail.code or "", detail.message or ""
    if code == "batch_expired":
        return ResultLine(found.custom_id, "expired", code="expired", message=EXPIRED)
    if code == "batch_cancelled":
        return ResultLine(found.custom_id, "cancelled", code="cancelled", message="The batch was cancelled.")
    if status not in (0, 200):
        body = {"error": {"code": code, "message": message}}
        meant = errors.from_status("openai", status, body, {})
        # Spent money does not come back by waiting; the other errors of these statuses may pass.
        passing = status in PASSING_STATUS and meant.code != "spend_limit"
        return ResultLine(found.custom_id, "error", code=meant.code, message=meant.message, passing=passing)
    passing = code in ("", "server_error", "rate_limit_exceeded", "timeout")
    shown = errors.short(message) or "No answer."
    return ResultLine(found.custom_id, "error", code=code or "no_answer", message=shown, passing=passing)


EXPIRED = "The provider did not answer it within the batch's 24 hours."


def _error_of(answered: _Answered) -> _ErrorDetail | None:
    try:
        return read_error.decode(answered.body).error
    except msgspec.DecodeError:
        return None


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
    )


def _done(counts: Any) -> int | None:
    completed, failed = _number(getattr(counts, "completed", None)), _number(getattr(counts, "failed", None))
    return None if completed is None or failed is None else completed + failed


def _usage(usage: Any) -> Usage | None:
    """None if a token count is missing."""
    read, written = _number(getattr(usage, "input_tokens", None)), _number(getattr(usage, "output_tokens", None))
    if read is None or written is None:
        return None
    cached = _number(getattr(usage.input_tokens_details, "cached_tokens", None))
    return Usage(input_tokens=read, cached_input_tokens=cached or 0, output_tokens=written)


def _number(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None
