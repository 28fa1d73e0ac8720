"""Bodies as few servers send them, each with an answer: read at once, and the same again from what is kept."""

import gzip
import json
from typing import Any

import pytest

from core.errors import ProviderError
from core.providers.answer_text import fitting, to_schema
from core.providers.anthropic import AnthropicProvider
from core.providers.openai import OpenAIProvider
from core.providers.types import Provider
from core.providers.usage import Usage

OPENAI, ANTHROPIC = OpenAIProvider(None, None, 5), AnthropicProvider(None, None, 5)
ANSWER = '{"points": []}'
FITS = to_schema(
    {"type": "object", "required": ["points"], "additionalProperties": False, "properties": {"points": {}}}
)
USED = {"prompt_tokens": 12, "completion_tokens": 7}
COUNTED = Usage(12, output_tokens=7)


def chat(message: Any, finish: Any = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": USED, **more}


def sent(body: Any) -> bytes:
    return json.dumps(body).encode()


def events(*of: Any) -> bytes:
    return b"".join(b"event: e\ndata: " + sent(one) + b"\n\n" for one in of)


PLAIN = chat({"content": ANSWER})
TOOL = {"function": {"name": "a", "arguments": ANSWER}}
OTHER = {"function": {"name": "look", "arguments": '{"at": 1}'}}
MESSAGE = {"type": "message", "role": "assistant", "content": [], "usage": {"input_tokens": 12, "output_tokens": 1}}
DELTA = "content_block_delta"


@pytest.mark.parametrize(
    "body",
    [
        # What the message holds.
        sent(chat({"content": None, "function_call": {"name": "a", "arguments": ANSWER}}, "function_call")),
        sent(chat({"content": "", "tool_calls": TOOL}, "tool_calls")),
        sent(chat({"content": None, "tool_calls": [OTHER, TOOL]}, "tool_calls")),
        sent(chat({"content": f'<tool_call>{{"name": "a", "arguments": {ANSWER}}}</tool_call>'})),
        sent(chat({"content": None, "parsed": {"points": []}})),
        sent(chat({"content": "", "reasoning_content": f'A draft: {{"x": 1}}.\nSo it is {ANSWER}.'})),
        sent(chat({"content": "", "reasoning_details": [{"type": "reasoning.text", "text": ANSWER}]})),
        sent(chat({"content": f"<|channel|>final <|constrain|>json<|message|>{ANSWER}<|return|>"})),
        # Where the message stands.
        sent({**PLAIN, "choices": PLAIN["choices"][0]}),
        sent([PLAIN]),
        sent({"result": PLAIN, "success": True}),
        sent({"message": {"content": ANSWER}, "done_reason": "stop", "prompt_eval_count": 12, "eval_count": 7}),
        # How it is sent.
        sent(sent(PLAIN).decode()),
        b": wait\n: wait\n\n" + sent(PLAIN),
        sent(PLAIN) + b"\0\n",
        json.dumps(PLAIN).encode("utf-16"),
        json.dumps(PLAIN).encode("utf-16-le"),
        gzip.compress(sent(PLAIN), mtime=0),
        b"data: " + sent(PLAIN) + b"\n\ndata: [DONE]\n\n",
    ],
)
def test_a_chat_completion(body: bytes) -> None:
    read(OPENAI, body)


@pytest.mark.parametrize(
    "body",
    [
        events(
            {"type": "message_start", "message": MESSAGE},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
            {"type": DELTA, "index": 0, "delta": {"type": "thinking_delta", "thinking": "{"}},
            {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
            {"type": "ping"},
            {"type": DELTA, "index": 1, "delta": {"type": "text_delta", "text": ANSWER[:4]}},
            {"type": DELTA, "index": 1, "delta": {"type": "text_delta", "text": ANSWER[4:]}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
            {"type": "message_stop"},
        ),
        events(
            {"type": "message_start", "message": MESSAGE},
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "tool_use", "name": "a", "input": {}},
            },
            {"type": DELTA, "index": 0, "delta": {"type": "input_json_delta", "partial_json": ANSWER[:4]}},
            {"type": DELTA, "index": 0, "delta": {"type": "input_json_delta", "partial_json": ANSWER[4:]}},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}},
        ),
    ],
)
def test_a_message_as_events(body: bytes) -> None:
    read(ANTHROPIC, body)


def read(provider: Provider, body: bytes) -> None:
    parsed = provider.parse(body)
    assert fitting(parsed.answer(FITS), FITS) == {"points": []}
    assert (parsed.finish_reason, parsed.usage) == ("stop", COUNTED)
    json.loads(parsed.raw)
    assert provider.parse(parsed.raw) == parsed


@pytest.mark.parametrize(
    ("provider", "body", "code"),
    [
        (OPENAI, events({"choices": [{"delta": {"content": '{"po'}}]}, {"error": {"code": 502, "message": "no"}}), 502),
        (OPENAI, events({"error": {"code": 429, "message": "slow down"}}), 429),
        (ANTHROPIC, events({"type": "message_start", "message": MESSAGE},
                           {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}), 503),
        (ANTHROPIC, events({"type": DELTA, "index": 0, "delta": {"text": "I"}}, {"error": {"type": "api_error"}}), 500),
        (OPENAI, gzip.compress(b"busy", mtime=0), 200),
        (OPENAI, gzip.compress(sent(PLAIN), mtime=0)[:-20], 200),
        (OPENAI, b"", 200),
        (OPENAI, sent({"message": "bad key", "success": False}), 200),
    ],
)  # fmt: skip
def test_what_broke_off_or_holds_no_answer_is_a_refusal(provider: Provider, body: bytes, code: int) -> None:
    with pytest.raises(ProviderError) as found:
        provider.parse(body)
    assert (found.value.status, found.value.heard) == (code, True)
