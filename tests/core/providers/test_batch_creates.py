"""What a create that failed tells: whether a batch may have been made all the same. Nothing is ever sent twice."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from core.errors import ProviderError
from core.providers import make
from core.providers.batch_api import BatchLane, Order
from core.providers.capabilities import Kind
from core.providers.types import Provider
from tests.batch_provider import BatchProvider
from tests.core.providers.orders import Run, failure, written

PATHS = {"openai": "/v1/batches", "anthropic": "/v1/messages/batches"}


@pytest.fixture(params=["openai", "anthropic"])
def kind(request: pytest.FixtureRequest) -> Kind:
    name: Kind = request.param
    return name


def made(kind: Kind, openai_url: str, anthropic_url: str, timeout_s: float) -> Provider:
    return make(kind, "sk-test", {"openai": openai_url, "anthropic": anthropic_url}[kind], timeout_s)


@pytest.fixture
def lane(kind: Kind, server: BatchProvider, run: Run[Any]) -> Iterator[BatchLane]:
    provider = made(kind, server.openai_url, server.anthropic_url, 20)
    yield provider.batches
    run(provider.close())


@pytest.fixture
def order(lane: BatchLane, run: Run[Any], tmp_path: Path) -> Order:
    asked = written(lane, tmp_path / "asked")
    return replace(asked, input_file_id=run(lane.upload(asked)))


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "invalid_request", False),
        (401, "auth", False),
        (404, "not_found", False),
        (413, "context_too_long", False),
        (429, "rate_limited", True),
        (529, "overloaded", True),
        (500, "server_error", True),
        (502, "server_error", True),
        (503, "overloaded", True),
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_an_error_tells_its_status(
    server: BatchProvider,
    kind: Kind,
    lane: BatchLane,
    run: Run[Any],
    order: Order,
    status: int,
    code: str,
    retryable: bool,
    after: bool,
) -> None:
    server.fail_next("create", status, headers={"retry-after": "7"}, after=after)
    error = failure(run, lane.create(order))
    assert (error.status, error.code, error.retryable, error.heard) == (status, code, retryable, True)
    assert error.retry_after == 7 or not retryable
    assert server.arrived("POST", PATHS[kind]) == 1
    assert server.creates == int(after)


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_that_breaks_leaves_it_unsure(
    server: BatchProvider, kind: Kind, lane: BatchLane, run: Run[Any], order: Order, after: bool
) -> None:
    server.fail_next("create", reset=True, after=after)
    error = failure(run, lane.create(order))
    assert (error.code, error.status, error.heard) == ("connection", None, False)
    assert server.arrived("POST", PATHS[kind]) == 1
    assert server.creates == int(after)


@pytest.mark.parametrize("point", ["create.before", "create.after"])
def test_no_answer_in_time_leaves_it_unsure(
    server: BatchProvider, kind: Kind, run: Run[Any], order: Order, point: str
) -> None:
    hasty = made(kind, server.openai_url, server.anthropic_url, 1)
    server.hold(point)
    error = failure(run, hasty.batches.create(order))
    run(hasty.close())
    assert (error.code, error.status, error.heard) == ("timeout", None, False)
    server.reached(point)
    assert server.arrived("POST", PATHS[kind]) == 1


def test_without_a_connection_nothing_was_sent(kind: Kind, run: Run[Any], order: Order) -> None:
    nowhere = made(kind, "http://127.0.0.1:1/v1", "http://127.0.0.1:1", 5)
    error = failure(run, nowhere.batches.create(order))
    run(nowhere.close())
    assert (error.code, error.status, error.heard, error.retryable) == ("connection", None, True, True)


class TooLateError(Exception):
    pass


@pytest.mark.parametrize("megabytes", [0, 3])
def test_what_is_not_confirmed_at_the_last_moment_is_not_created(
    server: BatchProvider, kind: Kind, lane: BatchLane, run: Run[Any], order: Order, megabytes: int
) -> None:
    async def confirm() -> None:
        raise TooLateError

    order.path.write_bytes(order.path.read_bytes() + b" " * (megabytes << 20))
    with pytest.raises((TooLateError, ProviderError)) as caught:
        run(lane.create(replace(order, confirm=confirm)))
    assert not getattr(caught.value, "heard", False)
    assert server.creates == 0
    assert run(lane.create(order)).id
    assert server.creates == 1


def test_spent_money_does_not_come_back(
    server: BatchProvider, kind: Kind, lane: BatchLane, run: Run[Any], order: Order
) -> None:
    code = "insufficient_quota" if kind == "openai" else "enforced_spend_limit_reached"
    server.fail_next("create", 429, code=code)
    error = failure(run, lane.create(order))
    assert (error.code, error.retryable, error.retry_after) == ("spend_limit", False, None)


# As both tell of it: each lane reads its own.
BATCH = {
    "id": "batch_1",
    "status": "validating",
    "created_at": 1,
    "processing_status": "in_progress",
    "request_counts": None,
}


def without(kind: Kind, **changes: object) -> bytes:
    if kind == "anthropic":
        changes = {"processing_status" if name == "status" else name: value for name, value in changes.items()}
    return orjson.dumps({**BATCH, **changes})


def test_the_least_that_is_a_batch(
    server: BatchProvider, kind: Kind, lane: BatchLane, run: Run[Any], order: Order
) -> None:
    server.fail_next("create", 200, body=without(kind))
    assert run(lane.create(order)).id == "batch_1"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"[]",
        b"5",
        b'"batch_1"',
        b"<html>",
        b"{}",
        {"id": ""},
        {"id": None},
        {"id": 5},
        {"status": None},
        {"status": ["x"]},
        {"created_at": None},
        {"created_at": "now"},
    ],
)
def test_an_answer_that_is_no_batch_leaves_it_unsure(
    server: BatchProvider, kind: Kind, lane: BatchLane, run: Run[Any], order: Order, answer: Any
) -> None:
    server.fail_next("create", 200, body=without(kind, **answer) if isinstance(answer, dict) else answer)
    error = failure(run, lane.create(order))
    assert (error.code, error.heard) == ("bad_response", False)
    assert server.arrived("POST", PATHS[kind]) == 1
