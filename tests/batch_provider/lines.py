"""The answer or failure of one request in a batch, as a line of a result file."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from tests.local_provider import Asked, Reply, chat_completion, document_of, fitting, message

# The outcome of a request, in Anthropic's words.
Outcome = Literal["succeeded", "errored", "expired", "canceled"]
NOT_RUN = {
    "expired": {
        "code": "batch_expired",
        "message": "This request could not be executed before the completion window expired.",
    },
    "canceled": {"code": "batch_cancelled", "message": "This request was not executed: the batch was cancelled."},
}
ERROR_TYPES = {
    400: "invalid_request_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


@dataclass(frozen=True)
class Used:
    """Tokens. `input` holds the cached and written ones too, `output` the reasoning."""

    input: int = 100
    cached: int = 0
    output: int = 10
    reasoning: int = 0
    cache_write: int = 0

    def __add__(self, other: "Used") -> "Used":
        return Used(
            self.input + other.input,
            self.cached + other.cached,
            self.output + other.output,
            self.reasoning + other.reasoning,
            self.cache_write + other.cache_write,
        )


NOTHING_USED = Used(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Request:
    """`raw` is the body as JSON: fifty thousand parsed ones would fill the memory."""

    custom_id: str
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = orjson.loads(self.raw)
        return body


@dataclass(frozen=True)
class AskedLine:
    """`nth` counts from 1 how often this document was processed in batches of this server."""

    custom_id: str
    body: dict[str, Any]
    document: str
    nth: int


@dataclass(frozen=True)
class Line:
    """`content` None: what fits the schema. `status` not 200: failed, for OpenAI by HTTP; 0: without an HTTP status.

    `missing`, `not_json` and `invalid_utf8` were answered and are billed, unless `billed` is False; a failure is never
    billed. With an `outcome` the request did not run. `extra` adds a line with that custom_id, which no request has.
    """

    content: str | None = None
    status: int = 200
    code: str = ""
    message: str = "No."
    error_null: bool = True
    outcome: Literal["errored", "expired", "canceled"] | None = None
    missing: bool = False
    billed: bool = True
    duplicate: bool = False
    not_json: bool = False
    invalid_utf8: bool = False
    extra: str | None = None
    refusal: str | None = None
    finish: str = "stop"
    used: Used = Used()
    model: str | None = None


LinePlan = Callable[[AskedLine], Line]


def lines_in_turn(*lines: Line) -> LinePlan:
    """The nth line for the nth time that a document is processed; from then on the last one."""
    return lambda asked: lines[min(asked.nth, len(lines)) - 1]


@dataclass(frozen=True)
class Served:
    """One request that was processed, with what the plan made of it."""

    asked: AskedLine
    line: Line

    @property
    def outcome(self) -> Outcome:
        return self.line.outcome or ("succeeded" if self.line.status == 200 else "errored")

    @property
    def billed(self) -> bool:
        return self.outcome == "succeeded" and self.line.billed

    @property
    def model(self) -> str:
        return self.line.model or str(self.asked.body.get("model", ""))


def document_in(body: dict[str, Any]) -> str:
    """The document, else the user's last message."""
    messages = body.get("messages") or body.get("input") or []
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    said = [part for part in messages if isinstance(part, dict) and part.get("role") == "user"]
    texts = [{"role": "user", "content": _text(part.get("content"))} for part in said]
    if found := document_of({"messages": texts}):
        return found
    if texts:
        return texts[-1]["content"]
    return " ".join(part for part in messages if isinstance(part, str))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(block.get("text", "")) for block in content or [])


def openai_lines(served: Served, endpoint: str, request_id: str) -> list[bytes]:
    """All lines of a request: they go to the output file if it succeeded, else to the error file."""
    asked, line = served.asked, served.line
    if served.outcome == "succeeded":
        body, error = ANSWERS[endpoint](served), None
        return _spoilt(line, lambda id_: openai_line(id_, request_id, 200, body, error), asked.custom_id)
    if served.outcome != "errored":
        return [not_run_openai(asked.custom_id, request_id, served.outcome)]
    error = {"code": line.code or None, "message": line.message}
    failure = {"error": {**error, "type": ERROR_TYPES.get(line.status, "server_error"), "param": None}}
    top = None if line.error_null and line.status else error
    return _spoilt(line, lambda id_: openai_line(id_, request_id, line.status, failure, top), asked.custom_id)


def openai_line(custom_id: str, request_id: str, status: int, body: Any, error: Any) -> bytes:
    response = {"status_code": status, "request_id": request_id, "body": body} if status else None
    return orjson.dumps({"id": f"batch_req_{request_id}", "custom_id": custom_id, "response": response, "error": error})


def not_run_openai(custom_id: str, request_id: str, outcome: str) -> bytes:
    return openai_line(custom_id, request_id, 0, None, NOT_RUN[outcome])


def anthropic_lines(served: Served, request_id: str) -> list[bytes]:
    line = served.line
    if served.outcome == "succeeded":
        result: dict[str, Any] = {"type": "succeeded", "message": _message(served)}
    elif served.outcome == "errored":
        kind = line.code or ERROR_TYPES.get(line.status, "api_error")
        error = {"type": "error", "error": {"type": kind, "message": line.message}, "request_id": request_id}
        result = {"type": "errored", "error": error}
    else:
        result = {"type": served.outcome}
    return _spoilt(line, lambda id_: anthropic_line(id_, result), served.asked.custom_id)


def anthropic_line(custom_id: str, result: dict[str, Any]) -> bytes:
    return orjson.dumps({"custom_id": custom_id, "result": result})


def _spoilt(line: Line, render: Callable[[str], bytes], custom_id: str) -> list[bytes]:
    if line.missing:
        return []
    whole = render(custom_id)
    if line.not_json:
        whole = whole[: len(whole) // 2]
    if line.invalid_utf8:
        # Inside a string, so that nothing but the encoding is wrong.
        strings = (b'"content":"', b'"text":"', b'"custom_id":"')
        place = next(string for string in strings if string in whole)
        whole = whole.replace(place, place + b"\xff", 1)
    extra = [render(line.extra)] if line.extra else []
    return [whole, *([whole] if line.duplicate else []), *extra]


def _reply(served: Served, usage: dict[str, Any]) -> tuple[Asked, Reply]:
    line, asked = served.line, served.asked
    reply = Reply(content=line.content, finish=line.finish, refusal=line.refusal, usage=usage, model=line.model)
    return Asked(asked.body, asked.document, asked.nth), reply


def _chat(served: Served) -> dict[str, Any]:
    used = served.line.used
    usage = {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning},
    }
    return chat_completion(*_reply(served, usage))


def _message(served: Served) -> dict[str, Any]:
    used = served.line.used
    usage = {
        "input_tokens": used.input - used.cached - used.cache_write,
        "cache_read_input_tokens": used.cached,
        "cache_creation_input_tokens": used.cache_write,
        "output_tokens": used.output,
    }
    return message(*_reply(served, usage))


def _response(served: Served) -> dict[str, Any]:
    line, body = served.line, served.asked.body
    schema = body.get("text", {}).get("format", {}).get("schema", {})
    text = fitting(schema, served.asked.document) if line.content is None else line.content
    part = {"type": "refusal", "refusal": line.refusal} if line.refusal else {"type": "output_text", "text": text}
    cut = {"reason": "max_output_tokens"} if line.finish == "length" else None
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "incomplete" if cut else "completed",
        "incomplete_details": cut,
        "model": served.model,
        "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}],
        "usage": response_usage(line.used),
    }


def response_usage(used: Used) -> dict[str, Any]:
    """The shape of the responses API, which a batch's own total has too."""
    return {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cached},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.input + used.output,
    }


def _embeddings(served: Served) -> dict[str, Any]:
    asked = served.asked.body.get("input", "")
    count = len(asked) if isinstance(asked, list) else 1
    return {
        "object": "list",
        "model": served.model,
        "data": [{"object": "embedding", "index": index, "embedding": [0.5, -0.5]} for index in range(count)],
        "usage": {"prompt_tokens": served.line.used.input, "total_tokens": served.line.used.input},
    }


ANSWERS: dict[str, Callable[[Served], dict[str, Any]]] = {
    "/v1/chat/completions": _chat,
    "/v1/responses": _response,
    "/v1/embeddings": _embeddings,
}


def planned(plan: LinePlan, asked: AskedLine, endpoint: str) -> Served:
    line = plan(asked)
    if endpoint == "/v1/embeddings":
        # An embedding has no output that could be billed.
        line = replace(line, used=replace(line.used, output=0, reasoning=0))
    return Served(asked, line)
