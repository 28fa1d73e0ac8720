"""What a line of a result file means."""

from functools import partial
from typing import Any

import orjson
import pytest

from core.providers.anthropic_batches import AnthropicBatches
from core.providers.batch_api import ResultLine
from core.providers.openai_batches import read_line
from core.settings import learned_contexts


def openai(**told: Any) -> ResultLine:
    return read_line(orjson.dumps({"id": "batch_req_1", "custom_id": "n0-1-1", **told}) + b"\n", "openai")


def anthropic(**result: Any) -> ResultLine:
    return read_anthropic(orjson.dumps({"custom_id": "n0-1-1", "result": result}) + b"\n")


def read_anthropic(line: bytes) -> ResultLine:
    return AnthropicBatches(lambda: pytest.fail("There is no call in reading a line."), "anthropic").read(line)


@pytest.mark.parametrize("error", [{"error": None}, {}])
def test_an_answer_keeps_its_body_as_it_came(error: dict[str, Any]) -> None:
    line = openai(response={"status_code": 200, "request_id": "r", "body": {"id": "c", "text": "a\0b"}}, **error)
    assert line == ResultLine("n0-1-1", "answer", b'{"id":"c","text":"a\\u0000b"}')
    assert anthropic(type="succeeded", message={"id": "m"}) == ResultLine("n0-1-1", "answer", b'{"id":"m"}')


@pytest.mark.parametrize(
    ("status", "body", "code", "passing"),
    [
        (400, {"error": {"code": None, "message": "Bad schema."}}, "invalid_request", False),
        (400, {"error": {"code": "context_length_exceeded", "message": "Long."}}, "context_too_long", False),
        (401, {"error": {"message": "Key."}}, "auth", False),
        (404, {"error": {"code": "model_not_found", "message": "Gone."}}, "model_not_found", False),
        (408, {"error": None}, "timeout", True),
        (409, {}, "conflict", True),
        (429, {"error": {"code": "rate_limit_exceeded", "message": "Slow."}}, "rate_limited", True),
        (429, {"error": {"code": "insufficient_quota", "message": "Money."}}, "spend_limit", False),
        (500, None, "server_error", True),
        (500, "<html>", "server_error", True),
        (503, [], "overloaded", True),
    ],
)
def test_a_failure_may_be_told_by_its_status_alone(status: int, body: Any, code: str, passing: bool) -> None:
    line = openai(response={"status_code": status, "request_id": "r", "body": body}, error=None)
    assert (line.outcome, line.code, line.passing, line.body) == ("error", code, passing, b"")
    assert line.message.startswith("openai: ")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ({"code": "batch_expired", "message": "x"}, ("expired", "expired", False)),
        ({"code": "batch_cancelled", "message": "x"}, ("cancelled", "cancelled", False)),
        ({"code": "server_error", "message": "x"}, ("error", "server_error", True)),
        ({"code": None, "message": None}, ("error", "no_answer", True)),
        ({}, ("error", "no_answer", True)),
        ({"code": "invalid_request", "message": "x"}, ("error", "invalid_request", False)),
    ],
)
@pytest.mark.parametrize("response", [{}, {"response": None}, {"response": {"status_code": 200, "body": {}}}])
def test_a_failure_without_a_status(
    error: dict[str, Any], line: tuple[str, str, bool], response: dict[str, Any]
) -> None:
    found = openai(error=error, **response)
    assert (found.outcome, found.code, found.passing) == line
    assert found.message


def test_a_line_without_an_answer_and_without_an_error_may_be_sent_again() -> None:
    found = openai(response=None, error=None)
    assert (found.outcome, found.code, found.passing) == ("error", "no_answer", True)


def test_words_of_the_provider_are_short_and_without_keys() -> None:
    told = {"code": "invalid_request", "message": "Key sk-secret. " + "long " * 100}
    for line in (openai(error=told), openai(response={"status_code": 400, "body": {"error": told}})):
        assert "Key [key]" in line.message
        assert len(line.message) < 350
    line = anthropic(type="errored", error={"type": "error", "error": {**told, "type": "invalid_request_error"}})
    assert "Key [key]" in line.message
    assert len(line.message) < 350


@pytest.mark.parametrize(
    ("kind", "code", "passing"),
    [
        ("invalid_request_error", "invalid_request", False),
        ("not_found_error", "model_not_found", False),
        ("billing_error", "spend_limit", False),
        ("permission_error", "permission", False),
        ("api_error", "server_error", True),
        ("overloaded_error", "overloaded", True),
        ("rate_limit_error", "rate_limited", True),
        ("timeout_error", "timeout", True),
        ("new_error", "new_error", False),
        ("", "no_answer", True),
    ],
)
def test_anthropic_tells_a_failure_by_its_type(kind: str, code: str, passing: bool) -> None:
    line = anthropic(type="errored", error={"type": "error", "error": {"type": kind, "message": "No."}})
    assert line == ResultLine("n0-1-1", "error", code=code, message="anthropic: No.", passing=passing)


def test_a_line_that_is_too_long_says_so_as_a_call_does() -> None:
    error = {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"}
    line = anthropic(type="errored", error={"type": "error", "error": error})
    assert (line.code, line.passing, learned_contexts.named_in(line.message)) == ("context_too_long", False, 200_000)


def test_anthropic_tells_what_did_not_run() -> None:
    assert [anthropic(type=kind).outcome for kind in ("expired", "canceled")] == ["expired", "cancelled"]
    assert anthropic(type="errored").code == "no_answer"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b'{"custom_id":5}',
        b'{"custom_id":null,"result":{"type":"expired"}}',
        b'{"custom_id":"\xff","result":{"type":"expired"}}',
        b'{"custom_id":"n","response":{"status_code":"200"},"result":{}}',
        b'{"custom_id":"n","response":5,"result":5}',
    ],
)
def test_a_line_that_is_none_says_so(line: bytes) -> None:
    for read in (partial(read_line, provider="openai"), read_anthropic):
        with pytest.raises(ValueError):  # noqa: PT011  # the message is the JSON reader's
            read(line)
