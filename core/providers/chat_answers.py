"""Read the answers of OpenAI's endpoints, and of the many servers that speak like them.

A body is read as it comes: content in parts, an answer in the arguments of a tool call or with the thoughts, counts of
tokens that are none. What holds no answer at all raises ProviderError: it was refused, and nothing is booked.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from core.providers import answer_text, errors, finish_reasons
from core.providers.bodies import Body
from core.providers.types import Parsed
from core.providers.usage_reading import moment, of_chat, of_embeddings

NO_ANSWER = "The answer was not a chat completion."
# Kinds of parts that are a text, and fields of a message beside its content: the answer as an object, and thoughts.
TEXTS = ("text", "output_text", "reasoning.text")
THOUGHTS = ("parsed", "reasoning_content", "reasoning", "thinking", "reasoning_details")
Object = Mapping[str, Any]


def parse(body: Body, endpoint: str, provider: str) -> Parsed:
    """Raises ProviderError: a refusal, or outcome unknown where nobody can tell what the body is.

    `provider`: its name.
    """
    data = body.data[0] if isinstance(body.data, list) and len(body.data) == 1 else body.data
    if not isinstance(data, dict):
        raise errors.no_answer(provider, data, NO_ANSWER)
    return READERS[endpoint](data, body.raw, provider)


def _mapping(value: object) -> Object:
    return value if isinstance(value, dict) else {}


def _completion(data: Object) -> Object:
    """A chat completion where a gateway wraps it, has one choice alone, or answers as Ollama's own API does."""
    if isinstance(data.get("choices"), dict):
        return {**data, "choices": [data["choices"]]}
    if "choices" in data:
        return data
    inside = (data.get(name) for name in ("result", "response", "data"))
    if wrapped := next((one for one in inside if isinstance(one, dict) and "choices" in one), None):
        return _completion(wrapped)
    if not isinstance(data.get("message"), dict):
        return data
    counts = {"prompt_tokens": data.get("prompt_eval_count"), "completion_tokens": data.get("eval_count")}
    choice = {"message": data["message"], "finish_reason": data.get("done_reason")}
    return {"usage": counts, **data, "choices": [choice]}


def chat_completion(data: Object, raw: str, provider: str) -> Parsed:
    data = _completion(data)
    choices = data.get("choices")
    choice = _mapping(next((one for one in choices if one), None)) if isinstance(choices, list) else {}
    message = choice.get("message") or choice.get("delta")
    if isinstance(message, str) or (not message and isinstance(choice.get("text"), str)):
        message = {"content": message or choice["text"]}
    if not isinstance(message, dict):
        raise errors.no_answer(provider, {**choice, **data} if choice else data, NO_ANSWER)
    called = message.get("tool_calls") or message.get("function_call")
    content, refusal = message.get("content"), message.get("refusal")
    text = content_text(content)
    # Also where a stream broke off: what it had begun is no answer.
    whole = text and choice.get("finish_reason") not in (None, "", "error")
    if (error := data.get("error") or choice.get("error")) and not (whole or answer_text.is_object(text)):
        raise errors.no_answer(provider, {"error": error}, NO_ANSWER)
    reason = "refusal" if refusal else finish_reasons.read(choice.get("finish_reason"))
    if not text and not called and content and not isinstance(content, str):
        reason = "bad_response"
    text = text or content_text(refusal) or (orjson.dumps(called).decode() if called else "")
    elsewhere = (*arguments(called), *(content_text(message[name]) for name in THOUGHTS if message.get(name)))
    usage, terms = of_chat(data.get("usage"), data.get("service_tier"), wrote=bool(text or elsewhere))
    return Parsed(
        model=_name(data),
        text=text,
        finish_reason=reason,
        usage=usage,
        terms=terms,
        answered_at=moment(data.get("created")),
        elsewhere=elsewhere,
        raw=raw,
    )


def content_text(content: object) -> str:
    """A content's text: as it is, or of its parts, or JSON where it is an object itself already."""
    if isinstance(content, list):
        return "".join(_part(part) for part in content)
    if isinstance(content, dict):
        return _part(content) if content.get("type") in TEXTS else orjson.dumps(content).decode() if content else ""
    return content if isinstance(content, str) else ""


def _part(part: object) -> str:
    """A part's text; "" for a thought, a picture and the like."""
    if not isinstance(part, dict):
        return part if isinstance(part, str) else ""
    if isinstance(part.get("json"), dict):
        return orjson.dumps(part["json"]).decode()
    text = part.get("text")
    text = text.get("value") if isinstance(text, dict) else text
    return text if isinstance(text, str) and part.get("type", "text") in TEXTS else ""


def arguments(called: object) -> tuple[str, ...]:
    """Of each call of a function its arguments, as JSON."""
    found = []
    for one in called if isinstance(called, list) else [called]:
        function = _mapping(one)
        function = _mapping(function.get("function")) or function
        given = function.get("arguments", function.get("input"))
        if given:
            found.append(given if isinstance(given, str) else orjson.dumps(given).decode())
    return tuple(found)


def _name(data: Object) -> str:
    named = data.get("model")
    return named if isinstance(named, str) else ""


def response(data: Object, raw: str, provider: str) -> Parsed:
    """The Responses API: the texts of all messages, else the functions called; a refusal is a part of a message."""
    output = data.get("output")
    if not isinstance(output, list) or (data.get("error") and not output):
        raise errors.no_answer(provider, data, NO_ANSWER)
    items = [item for item in output if isinstance(item, dict)]
    contents = [item.get("content") for item in items if item.get("type") == "message"]
    parts = [part for content in contents if isinstance(content, list) for part in content if isinstance(part, dict)]
    called = [item for item in items if item.get("type") == "function_call"]
    refused = any(part.get("type") == "refusal" for part in parts)
    cut = _mapping(data.get("incomplete_details")).get("reason")
    text = "".join(content_text(part.get("text") or part.get("refusal") or "") for part in parts)
    made = [(item.get("type"), item.get("action")) for item in items]
    usage, terms = of_chat(data.get("usage"), data.get("service_tier"), wrote=bool(text), items=made)
    return Parsed(
        model=_name(data),
        text=text or (orjson.dumps(called).decode() if called else ""),
        finish_reason="refusal" if refused else finish_reasons.read(cut) if cut else "stop",
        usage=usage,
        terms=terms,
        answered_at=moment(data.get("completed_at"), data.get("created_at")),
        elsewhere=arguments(called),
        raw=raw,
    )


def embeddings(data: Object, raw: str, provider: str) -> Parsed:
    """Vectors are kept in the raw body alone."""
    vectors = data.get("data")
    if not isinstance(vectors, list):
        raise errors.no_answer(provider, data, NO_ANSWER)
    usage, terms = of_embeddings(data.get("usage"))
    return Parsed(_name(data), f"{len(vectors)} embeddings", "stop", usage, terms, moment(data.get("created")), raw=raw)


READERS = {
    "/v1/chat/completions": chat_completion,
    "/v1/responses": response,
    "/v1/embeddings": embeddings,
}
