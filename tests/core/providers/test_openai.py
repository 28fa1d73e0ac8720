"""The real SDK against llmock, and against a provider of our own for what llmock cannot do."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from llmock.pytest_plugin import LLMock

from core.asking.prompts import Asking, build
from core.calls import breaker
from core.calls.retry import RetryPolicy, with_retries
from core.errors import ProviderError
from core.providers import refusal_words
from core.providers.answer_text import objects, to_schema
from core.providers.openai import OpenAIProvider
from core.providers.types import Answer
from core.providers.usage import Usage
from tests.local_provider import LocalProvider, Reply, error

T = TypeVar("T")
ASKING = Asking("sentiment", 1, "", (), False, {})
PROMPT = build(ASKING, "Two pumps failed.", "a" * 64)
QUICK = RetryPolicy(attempts=3, base_s=0.01, cap_s=0.02)


def with_openai(url: str, work: Callable[[OpenAIProvider], Awaitable[T]], timeout_s: float = 5) -> T:
    async def run() -> T:
        provider = OpenAIProvider("sk-test", url, timeout_s)
        try:
            return await work(provider)
        finally:
            await provider.close()

    return asyncio.run(run())


def ask(url: str, model: str = "gpt-4o-mini", timeout_s: float = 5) -> Answer:
    return with_openai(url, lambda provider: provider.call(provider.body(PROMPT, model)), timeout_s)


def failure(url: str, timeout_s: float = 5) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        ask(url, timeout_s=timeout_s)
    return caught.value


async def always(*_given: object) -> bool:
    return True


def retried(url: str, policy: RetryPolicy = QUICK) -> Answer:
    def work(provider: OpenAIProvider) -> Awaitable[Answer]:
        return with_retries(lambda: provider.call(provider.body(PROMPT, "gpt-4o-mini")), policy, always, always)

    return with_openai(url, work)


def test_an_answer_with_its_usage(provider: LocalProvider) -> None:
    provider.plan = lambda _: Reply(
        content='{"a": "ü"}',
        model="gpt-4o-mini-2024-07-18",
        usage={"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 64}},
    )
    answer = ask(provider.openai_url)
    assert answer.parsed.text == '{"a": "ü"}'
    assert answer.parsed.model == "gpt-4o-mini-2024-07-18"
    assert answer.parsed.finish_reason == "stop"
    assert answer.parsed.usage == Usage(100, 64, 0, 7)
    assert answer.provider_request_id == "req_1"
    assert '"cached_tokens": 64' in answer.raw
    (asked,) = provider.asked
    assert asked.headers["authorization"] == "Bearer sk-test"


@pytest.mark.parametrize(
    ("model", "limits"),
    [
        ("gpt-4o-mini", {"max_tokens": 1024, "temperature": 0}),
        ("gpt-4.1", {"max_tokens": 1024, "temperature": 0}),
        ("llama-3", {"max_tokens": 1024, "temperature": 0}),
        ("gpt-5-mini", {"max_completion_tokens": 9024}),
        ("gpt-5.4", {"max_completion_tokens": 9024}),
        ("gpt-10", {"max_completion_tokens": 9024}),
        ("o3", {"max_completion_tokens": 9024}),
    ],
)
def test_the_limit_is_named_as_the_model_wants_it(model: str, limits: dict[str, Any]) -> None:
    body = OpenAIProvider(None, None, 5).body(PROMPT, model)
    assert {key: body[key] for key in body if key not in ("model", "messages", "response_format")} == limits


def test_the_schema_goes_out_strict_and_without_bounds() -> None:
    sent = OpenAIProvider(None, None, 5).body(PROMPT, "gpt-5-mini")["response_format"]["json_schema"]
    assert (sent["name"], sent["strict"]) == ("sentiment", True)
    assert sent["schema"]["additionalProperties"] is False
    assert sent["schema"]["properties"]["score"] == {"type": "number"}
    assert ASKING.schema["properties"]["score"]["minimum"] == -1


@pytest.mark.parametrize(
    ("reply", "finish"),
    [
        (Reply(finish="length"), "length"),
        (Reply(finish="content_filter"), "content_filter"),
        (Reply(finish="tool_calls"), "stop"),
        (Reply(finish="more"), "other"),
        (Reply(refusal="I cannot help with that."), "refusal"),
    ],
)
def test_why_a_model_stopped(reply: Reply, finish: str, provider: LocalProvider) -> None:
    provider.plan = lambda _: reply
    assert ask(provider.openai_url).parsed.finish_reason == finish


CALLED = [{"id": "call_1", "type": "function", "function": {"name": "weigh", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        (
            "/v1/chat/completions",
            {"choices": [{"message": {"content": None, "tool_calls": CALLED}, "finish_reason": "tool_calls"}]},
        ),
        ("/v1/responses", {"output": [{"type": "reasoning"}, {"type": "function_call", "name": "weigh"}]}),
    ],
)
def test_functions_called_are_the_answer_where_there_is_no_text(endpoint: str, body: dict[str, Any]) -> None:
    parsed = OpenAIProvider(None, None, 5).parse(json.dumps(body), endpoint)
    assert parsed.finish_reason == "stop"
    assert "weigh" in parsed.text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not a chat completion"),
        (b"<html><title>Sign in &amp; go on</title><body>x</body></html>", "Sign in & go on"),
        (b"<html><body>gateway <b>asleep</b></body></html>", "gateway asleep"),
        (b"upstream is asleep", "upstream is asleep"),
        (b"{}", "not a chat completion"),
        (b"[]", "not a chat completion"),
        (b'"text"', "not a chat completion"),
        (b'{"choices": []}', "not a chat completion"),
        (b'{"choices": null, "usage": {"prompt_tokens": 9, "completion_tokens": 1}}', "not a chat completion"),
        (b'{"choices": [null]}', "not a chat completion"),
        (b'{"choices": [{"message": null}]}', "not a chat completion"),
        (b'{"message": "Model is asleep."}', "Model is asleep."),
        (b'{"error": "No such thing."}', "No such thing."),
        (b'{"choices": [{"message": {"content": ""}, "error": {"message": "It broke.", "code": 400}}]}', "It broke."),
        (b'{"choices": [{"message": {"content": null}}], "error": {"message": "It broke."}}', "It broke."),
    ],
)
def test_a_body_of_status_200_without_an_answer_is_a_refusal_in_its_own_words(
    body: bytes, says: str, provider: LocalProvider
) -> None:
    provider.plan = lambda _: Reply(body=body)
    found = failure(provider.openai_url)
    assert (found.retryable, found.heard, breaker.counts(found)) == (False, True, False)
    assert says in found.message
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("error", "code", "status", "counts"),
    [
        ({"message": "Rate limit exceeded: free-models-per-day.", "code": 429}, "rate_limited", 429, False),
        ({"message": "Slow down.", "type": "rate_limit_error"}, "rate_limited", 429, False),
        ("Too many requests", "rate_limited", 429, False),
        ({"message": "Provider returned error", "code": 502, "metadata": {"raw": "cold"}}, "server_error", 502, True),
        ({"message": "Overloaded.", "type": "overloaded_error"}, "overloaded", 503, True),
        ({"message": "Add credits.", "code": 402}, "spend_limit", 402, False),
        ({"message": "Not so.", "code": "invalid_value"}, "invalid_request", 400, False),
        ([{"message": "Not so.", "code": 400}], "invalid_request", 400, False),
    ],
)
def test_an_error_in_a_body_of_status_200_counts_as_what_it_is(
    error: Any, code: str, status: int, counts: bool, provider: LocalProvider
) -> None:
    provider.plan = lambda _: Reply(body=json.dumps({"error": error}).encode(), headers={"retry-after": "7"})
    found = failure(provider.openai_url)
    assert (found.code, found.status, found.heard, breaker.counts(found)) == (code, status, True, counts)
    assert found.retry_after == (7.0 if found.retryable else None)
    words = refusal_words.read({"error": error}).message
    assert words
    assert words in found.message


def test_json_that_was_cut_off_was_not_heard_and_is_nothing_for_a_breaker(provider: LocalProvider) -> None:
    provider.plan = lambda _: Reply(body=b'{"choices": [{"message": {"content": "{')
    found = failure(provider.openai_url)
    assert (found.code, found.retryable, found.heard) == ("bad_response", True, False)
    assert not breaker.counts(found)


ANSWER = '{"points": []}'
FITS = to_schema({"type": "object", "required": ["points"]})
DETAILS = "prompt_tokens_details"
SOUND = {"prompt_tokens": 12, "completion_tokens": 7}


def body_of(message: Any, finish: Any = "stop", **more: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"model": "m", "choices": [choice], "usage": SOUND} | more).encode()


EVENTS = b"".join(
    b"data: " + json.dumps({"model": "m", **chunk}).encode() + b"\n\n"
    for chunk in (
        {"choices": [{"delta": {"role": "assistant", "content": '{"poi'}, "finish_reason": None}]},
        {"choices": [{"delta": {"content": 'nts": []}'}, "finish_reason": None}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": None},
        {"choices": [], "usage": SOUND},
    )
)


@pytest.mark.parametrize(
    "body",
    [
        body_of({"content": ANSWER}),
        b"\n    \n\n" + body_of({"content": ANSWER}),
        b"\xef\xbb\xbf" + body_of({"content": ANSWER}),
        body_of({"content": [{"type": "text", "text": ANSWER}]}),
        body_of({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "{"}]}, {"text": ANSWER}]}),
        body_of({"content": [{"type": "output_text", "text": {"value": ANSWER}}]}),
        body_of({"content": ['{"points"', ": []}"]}),
        body_of({"content": json.loads(ANSWER)}),
        body_of(ANSWER),
        body_of(None).replace(b'"message": null', b'"text": "{\\"points\\": []}"'),
        body_of({"content": None, "tool_calls": [{"function": {"name": "a", "arguments": ANSWER}}]}, "tool_calls"),
        body_of({"content": "", "tool_calls": [{"function": {"name": "a", "arguments": {"points": []}}}]}),
        body_of({"content": "I call it.", "function_call": {"name": "a", "arguments": ANSWER}}),
        body_of({"content": "", "reasoning_content": ANSWER}),
        body_of({"content": None, "reasoning": f"Let me see.</think>{ANSWER}"}),
        body_of({"content": ANSWER, "reasoning_content": "{}"}),
        body_of({"content": ANSWER, "refusal": ""}),
        body_of({"content": ANSWER}, None),
        body_of({"content": ANSWER}, "eos_token"),
        body_of({"content": ANSWER}, error=None),
        body_of({"content": ANSWER}, error={"code": 500, "message": "Too late to matter."}),
        b": KEEPALIVE\n\n" + EVENTS + b"data: [DONE]\n",
    ],
)
def test_an_answer_is_read_as_it_comes_and_asked_once(body: bytes, provider: LocalProvider) -> None:
    provider.plan = lambda _: Reply(body=body)
    answer = ask(provider.openai_url)
    assert len(provider.asked) == 1
    assert {"points": []} in list(objects(answer.parsed.answer(FITS)))
    assert (answer.parsed.finish_reason, answer.parsed.usage) == ("stop", Usage(12, output_tokens=7))
    # What is kept is JSON, and reads the same again.
    assert OpenAIProvider(None, None, 5).parse(answer.raw) == answer.parsed


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        *((word, "length") for word in ("max_tokens", "MAX_TOKENS", "model_length", "FinishReason.MAX_TOKENS")),
        *((word, "stop") for word in ("STOP", "eos", "end_turn", "COMPLETE", "", None)),
        *((word, "content_filter") for word in ("SAFETY", "content-filter", "RECITATION")),
        *((word, "other") for word in ("odd", 5, ["stop"], {"a": 1})),
    ],
)
def test_ends_have_many_names(finish: Any, reason: str) -> None:
    assert OpenAIProvider(None, None, 5).parse(body_of({"content": "a"}, finish)).finish_reason == reason


NO_COUNTS: list[Any] = [
    None, {}, "12", [1], 7, {"total_tokens": 2421}, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    {"prompt_tokens": 12}, {"completion_tokens": 7}, {"prompt_tokens": 12, "completion_tokens": 0},
    {"prompt_tokens": 0, "completion_tokens": 7}, {"prompt_tokens": -1, "completion_tokens": 5},
    {"prompt_tokens": 12, "completion_tokens": -5}, {"prompt_tokens": "12", "completion_tokens": "7"},
    {"prompt_tokens": [12], "completion_tokens": 7}, {"prompt_tokens": {"a": 1}, "completion_tokens": 7},
    {"prompt_tokens": True, "completion_tokens": 7}, {"prompt_tokens": 1.5, "completion_tokens": 7},
    {"prompt_tokens": 10**9, "completion_tokens": 7}, {"prompt_tokens": 12, "completion_tokens": 10**9},
    {"prompt_tokens": 10**30, "completion_tokens": 7}, {"prompt_tokens": 12, "completion_tokens": None},
    {**SOUND, DETAILS: {"cached_tokens": 13}}, {**SOUND, DETAILS: {"cached_tokens": "9"}}, {**SOUND, DETAILS: "none"},
]  # fmt: skip


@pytest.mark.parametrize("usage", NO_COUNTS)
def test_counts_that_make_no_sense_are_unknown_in_both_lanes(usage: Any) -> None:
    body = body_of({"content": ANSWER}, usage=usage)
    provider = OpenAIProvider(None, None, 5)
    parsed, used = provider.parse(body), provider.batches.used(body)
    assert (parsed.text, parsed.usage, used.usage, used.model) == (ANSWER, None, None, "m")


@pytest.mark.parametrize("number", [b"1e400", b"NaN", b"Infinity"])
def test_numbers_that_are_none_do_not_lose_the_answer(number: bytes) -> None:
    provider = OpenAIProvider(None, None, 5)
    parsed = provider.parse(body_of({"content": ANSWER}).replace(b"12", number))
    assert (parsed.text, parsed.usage) == (ANSWER, None)
    assert json.loads(parsed.raw, parse_constant=pytest.fail)["choices"]


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 12.0, "completion_tokens": 7}, Usage(12, 0, 0, 7)),
        ({"input_tokens": 12, "output_tokens": 7}, Usage(12, 0, 0, 7)),
        ({**SOUND, DETAILS: None}, Usage(12, 0, 0, 7)),
        ({**SOUND, DETAILS: {"cached_tokens": None}}, Usage(12, 0, 0, 7)),
        ({**SOUND, DETAILS: {"cached_tokens": 12}}, Usage(12, 12, 0, 7)),
    ],
)
def test_counts_that_can_be_read_are_in_both_lanes(usage: Any, counted: Usage) -> None:
    body = body_of({"content": ANSWER}, usage=usage)
    provider = OpenAIProvider(None, None, 5)
    assert (provider.parse(body).usage, provider.batches.used(body).usage) == (counted, counted)


def test_content_that_cannot_be_read_is_kept_as_no_answer() -> None:
    parsed = OpenAIProvider(None, None, 5).parse(body_of({"content": [1]}))
    assert (parsed.text, parsed.finish_reason, parsed.usage) == ("", "bad_response", Usage(12, output_tokens=7))


@pytest.mark.parametrize("wire", ["cut", "reset"])
def test_a_connection_that_breaks_after_the_call_went_out_was_not_heard(wire: Any, provider: LocalProvider) -> None:
    provider.plan = lambda _: Reply(wire=wire)
    found = failure(provider.openai_url)
    assert (found.code, found.retryable, found.heard) == ("connection", True, False)
    assert len(provider.asked) == 1


def test_an_answer_that_takes_too_long_was_not_heard(provider: LocalProvider) -> None:
    provider.plan = lambda _: Reply(delay=2)
    found = failure(provider.openai_url, timeout_s=0.2)
    assert (found.code, found.retryable, found.heard) == ("timeout", True, False)


def test_what_was_never_connected_was_never_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        found = failure(url)
    assert (found.code, found.retryable, found.heard) == ("connection", True, True)


def test_what_could_not_be_connected_in_time_was_never_sent() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        found = failure(f"http://127.0.0.1:{full.getsockname()[1]}/v1", timeout_s=0.5)
        for one in waiting:
            one.close()
    assert (found.code, found.retryable, found.heard) == ("connection", True, True)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_passing_errors_are_tried_again(status: int, llmock: LLMock) -> None:
    llmock.fail(status, times=2)
    assert retried(llmock.base_url("openai")).parsed.text
    assert len(llmock.requests) == 3
    llmock.assert_resilient()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_lasting_errors_are_told_at_once(status: int, llmock: LLMock) -> None:
    llmock.fail(status, times=5)
    with pytest.raises(ProviderError):
        retried(llmock.base_url("openai"))
    assert len(llmock.requests) == 1
    llmock.assert_resilient()


def test_a_retry_waits_as_long_as_it_was_asked_to(llmock: LLMock) -> None:
    llmock.rate_limit(times=1, retry_after=0.3)
    assert retried(llmock.base_url("openai")).parsed.text
    llmock.assert_resilient(strict=True)


def test_the_sdk_itself_never_tries_again(llmock: LLMock) -> None:
    llmock.outage()
    assert failure(llmock.base_url("openai")).code == "overloaded"
    assert len(llmock.requests) == 1


def test_a_prompt_that_is_too_long_says_so(llmock: LLMock) -> None:
    llmock.context_overflow()
    found = failure(llmock.base_url("openai"))
    assert (found.code, found.retryable) == ("context_too_long", False)


def test_the_models_of_a_key(provider: LocalProvider) -> None:
    assert with_openai(provider.openai_url, lambda one: one.models()) == ["model-a", "model-b"]
    provider.plan = lambda _: error(401, "invalid_api_key", "Incorrect API key provided: sk-abc123.")
    with pytest.raises(ProviderError, match="API key") as caught:
        with_openai(provider.openai_url, lambda one: one.models())
    assert caught.value.code == "auth"
    assert "sk-abc123" not in caught.value.message
