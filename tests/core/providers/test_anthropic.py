"""The real SDK against llmock, and against a provider of our own for what llmock cannot do."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from llmock.pytest_plugin import LLMock

from core.asking.prompts import Asking, build
from core.calls.retry import RetryPolicy, with_retries
from core.errors import ProviderError
from core.providers.answer_text import to_schema
from core.providers.anthropic import AnthropicProvider
from core.providers.types import Answer
from core.providers.usage import Usage
from tests.local_provider import LocalProvider, Reply, error

T = TypeVar("T")
ASKING = Asking("sentiment", 1, "", (), False, {})
PROMPT = build(ASKING, "Two pumps failed.", "a" * 64)
QUICK = RetryPolicy(attempts=3, base_s=0.01, cap_s=0.02)


def with_anthropic(url: str, work: Callable[[AnthropicProvider], Awaitable[T]], timeout_s: float = 5) -> T:
    async def run() -> T:
        provider = AnthropicProvider("sk-ant-test", url, timeout_s)
        try:
            return await work(provider)
        finally:
            await provider.close()

    return asyncio.run(run())


def ask(url: str, timeout_s: float = 5) -> Answer:
    return with_anthropic(url, lambda provider: provider.call(provider.body(PROMPT, "claude-haiku-4-5")), timeout_s)


def failure(url: str, timeout_s: float = 5) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        ask(url, timeout_s)
    return caught.value


async def always(*_given: object) -> bool:
    return True


def retried(url: str) -> Answer:
    def work(provider: AnthropicProvider) -> Awaitable[Answer]:
        body = provider.body(PROMPT, "claude-haiku-4-5")
        return with_retries(lambda: provider.call(body), QUICK, always, always)

    return with_anthropic(url, work)


def test_cached_tokens_count_as_input(provider: LocalProvider) -> None:
    provider.plan = lambda _: Reply(
        content="{}",
        usage={
            "input_tokens": 10,
            "output_tokens": 7,
            "cache_read_input_tokens": 64,
            "cache_creation_input_tokens": 20,
        },
    )
    answer = ask(provider.anthropic_url)
    assert answer.parsed.text == "{}"
    assert answer.parsed.usage == Usage(94, 64, 20, 7)
    assert answer.provider_request_id == "req_1"
    (asked,) = provider.asked
    assert asked.headers["authorization"] == "Bearer sk-ant-test"


def test_the_body_has_what_the_messages_api_wants() -> None:
    body = AnthropicProvider(None, None, 5).body(PROMPT, "claude-haiku-4-5")
    assert sorted(body) == ["max_tokens", "messages", "model", "output_config", "system"]
    schema = body["output_config"]["format"]["schema"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["score"] == {"type": "number"}


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("tool_use", "stop"),
        ("pause_turn", "other"),
    ],
)
def test_why_a_model_stopped(stop: str, finish: str, provider: LocalProvider) -> None:
    provider.plan = lambda _: Reply(finish=stop)
    assert ask(provider.anthropic_url).parsed.finish_reason == finish


def test_tools_used_are_the_answer_where_there_is_no_text() -> None:
    used = {"type": "tool_use", "id": "toolu_1", "name": "weigh", "input": {}}
    body = {
        "model": "m",
        "content": [used],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    assert "weigh" in AnthropicProvider(None, None, 5).parse(json.dumps(body)).text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not a message"),
        (b"<html><title>Sign in</title></html>", "Sign in"),
        (b"{}", "not a message"),
        (b'{"content": null, "usage": {"input_tokens": 1, "output_tokens": 1}}', "not a message"),
        (b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}', "Overloaded"),
        (b'{"content": [], "error": "It broke."}', "It broke."),
    ],
)
def test_a_body_of_status_200_without_an_answer_is_a_refusal(body: bytes, says: str, provider: LocalProvider) -> None:
    provider.plan = lambda _: Reply(body=body)
    found = failure(provider.anthropic_url)
    assert found.heard
    assert says in found.message
    assert len(provider.asked) == 1


ANSWER = '{"points": []}'
FITS = to_schema({"type": "object", "required": ["points"]})
SOUND = {"input_tokens": 12, "output_tokens": 7}
TEXT = [{"type": "text", "text": ANSWER}]


def body_of(content: Any, usage: Any = SOUND, **more: Any) -> bytes:
    return json.dumps({"model": "m", "content": content, "stop_reason": "end_turn", "usage": usage} | more).encode()


@pytest.mark.parametrize(
    "body",
    [
        body_of(TEXT),
        b"\xef\xbb\xbf" + body_of(TEXT),
        body_of(ANSWER),
        body_of([{"type": "thinking", "thinking": "{"}, *TEXT]),
        body_of([{"type": "tool_use", "name": "answer", "input": {"points": []}}], stop_reason="tool_use"),
        body_of([{"type": "text", "text": "I call it."}, {"type": "tool_use", "name": "a", "input": {"points": []}}]),
        body_of([{"type": "thinking", "thinking": ANSWER}]),
        body_of(TEXT, stop_reason=None),
        body_of(TEXT, stop_reason="eos"),
    ],
)
def test_an_answer_is_read_as_it_comes(body: bytes) -> None:
    parsed = AnthropicProvider(None, None, 5).parse(body)
    assert json.loads(parsed.answer(FITS)) == {"points": []}
    assert (parsed.finish_reason, parsed.usage) == ("stop", Usage(12, output_tokens=7))


NO_COUNTS: list[Any] = [
    None, {}, "12", [1], 7, {"input_tokens": 0, "output_tokens": 0}, {"input_tokens": 12}, {"output_tokens": 7},
    {"input_tokens": 12, "output_tokens": 0}, {"input_tokens": -1, "output_tokens": 7},
    {"input_tokens": "12", "output_tokens": "7"}, {"input_tokens": [1], "output_tokens": 7},
    {"input_tokens": 12, "output_tokens": {"a": 1}}, {"input_tokens": 10**9, "output_tokens": 7},
    {**SOUND, "cache_read_input_tokens": "5"}, {**SOUND, "cache_creation_input_tokens": -5},
]  # fmt: skip


@pytest.mark.parametrize("usage", NO_COUNTS)
def test_counts_that_make_no_sense_are_unknown_in_both_lanes(usage: Any) -> None:
    body = body_of(TEXT, usage)
    provider = AnthropicProvider(None, None, 5)
    parsed, used = provider.parse(body), provider.batches.used(body)
    assert (parsed.text, parsed.usage, used.usage, used.model) == (ANSWER, None, None, "m")


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (SOUND, Usage(12, 0, 0, 7)),
        ({**SOUND, "cache_read_input_tokens": 5, "cache_creation_input_tokens": None}, Usage(17, 5, 0, 7)),
        ({"input_tokens": 0, "output_tokens": 7, "cache_creation_input_tokens": 5}, Usage(5, 0, 5, 7)),
    ],
)
def test_counts_that_can_be_read_are_in_both_lanes(usage: Any, counted: Usage) -> None:
    provider, body = AnthropicProvider(None, None, 5), body_of(TEXT, usage)
    assert (provider.parse(body).usage, provider.batches.used(body).usage) == (counted, counted)


@pytest.mark.parametrize("wire", ["cut", "reset"])
def test_a_connection_that_breaks_after_the_call_went_out_was_not_heard(wire: Any, provider: LocalProvider) -> None:
    provider.plan = lambda _: Reply(wire=wire)
    found = failure(provider.anthropic_url)
    assert (found.code, found.retryable, found.heard) == ("connection", True, False)


def test_an_answer_that_takes_too_long_was_not_heard(provider: LocalProvider) -> None:
    provider.plan = lambda _: Reply(delay=2)
    found = failure(provider.anthropic_url, timeout_s=0.2)
    assert (found.code, found.retryable, found.heard) == ("timeout", True, False)


def test_what_was_never_connected_was_never_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = failure(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert (found.code, found.retryable, found.heard) == ("connection", True, True)


@pytest.mark.parametrize("status", [429, 500, 529])
def test_passing_errors_are_tried_again(status: int, llmock: LLMock) -> None:
    llmock.fail(status, times=2)
    assert retried(llmock.base_url("anthropic")).parsed.text
    assert len(llmock.requests) == 3
    llmock.assert_resilient()


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_lasting_errors_are_told_at_once(status: int, llmock: LLMock) -> None:
    llmock.fail(status, times=5)
    with pytest.raises(ProviderError):
        retried(llmock.base_url("anthropic"))
    assert len(llmock.requests) == 1
    llmock.assert_resilient()


def test_a_spend_limit_is_not_waited_for(provider: LocalProvider) -> None:
    provider.plan = lambda _: error(429, "enforced_spend_limit_reached")
    found = failure(provider.anthropic_url)
    assert (found.code, found.retryable) == ("spend_limit", False)


def test_the_models_of_a_key(provider: LocalProvider) -> None:
    assert with_anthropic(provider.anthropic_url, lambda one: one.models()) == ["model-a", "model-b"]
