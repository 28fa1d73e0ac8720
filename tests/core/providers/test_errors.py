"""From an HTTP status to what happened, whether to try again and what to do."""

from datetime import UTC, datetime
from typing import Any

import pytest

from core.providers.errors import from_status, retry_after

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": " 3 "}, 3.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1.0),
        ({"retry-after-ms": "-5"}, None),
        ({"retry-after-ms": "nan"}, None),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "body", "code", "retryable"),
    [
        (400, {"error": {"message": "Bad value."}}, "invalid_request", False),
        (400, {"error": {"code": "context_length_exceeded"}}, "context_too_long", False),
        (400, {"error": {"message": "prompt is too long: 9 > 8"}}, "context_too_long", False),
        (401, None, "auth", False),
        (403, {}, "permission", False),
        (404, {"error": {"code": "model_not_found"}}, "model_not_found", False),
        (404, {"error": {"message": "The model `gpt-3` has been deprecated"}}, "model_not_found", False),
        (404, "<html>", "not_found", False),
        (408, {}, "timeout", True),
        (409, {}, "conflict", True),
        (413, {}, "context_too_long", False),
        (422, {"message": "No."}, "invalid_request", False),
        (429, {}, "rate_limited", True),
        (429, {"error": {"code": "insufficient_quota"}}, "spend_limit", False),
        (429, {"error": {"type": "enforced_spend_limit_reached"}}, "spend_limit", False),
        (400, {"code": "billing_hard_limit_reached"}, "spend_limit", False),
        (500, {}, "server_error", True),
        (502, "<html>bad gateway</html>", "server_error", True),
        (503, {}, "overloaded", True),
        (529, {"error": {"type": "overloaded_error"}}, "overloaded", True),
        (418, {"error": "teapot"}, "invalid_request", False),
    ],
)
def test_what_a_status_means(status: int, body: Any, code: str, retryable: bool) -> None:
    error = from_status("openai", status, body, {"retry-after": "2"})
    assert (error.code, error.retryable, error.status, error.heard) == (code, retryable, status, True)
    if retryable:
        assert error.retry_after == 2.0
    assert error.message.startswith("openai: ")


@pytest.mark.parametrize("key", ["sk-proj-abc123", "Bearer abc123", "sk-ant-api03-abc_123"])
def test_keys_are_never_repeated(key: str) -> None:
    error = from_status("openai", 400, {"error": {"message": f"The key {key} is wrong."}}, {})
    assert "abc" not in error.message
    assert "is wrong" in error.message
