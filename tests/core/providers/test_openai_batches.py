"""Every verb of OpenAI's batch lane with the real SDK against the loopback provider."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from core.providers.batch_api import Gone, Order, Refused, Remote, ResultLine
from core.providers.openai import OpenAIProvider
from core.providers.openai_batches import OpenAIBatches
from core.providers.usage import Usage
from tests.batch_provider import BatchProvider, FileFault, Line, Used
from tests.core.providers.orders import Run, body, custom_id, failure, written


@pytest.fixture
def lane(server: BatchProvider, run: Run[Any]) -> Iterator[OpenAIBatches]:
    provider = OpenAIProvider("sk-test", server.openai_url, 20)
    yield provider.batches
    run(provider.close())


@pytest.fixture
def order(lane: OpenAIBatches, run: Run[Any], tmp_path: Path) -> Order:
    """One that is uploaded."""
    asked = written(lane, tmp_path / "asked.jsonl")
    return replace(asked, input_file_id=run(lane.upload(asked)))


def unused() -> Path:
    raise AssertionError("The requests are not needed to fetch results.")


def ended(server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order) -> Remote:
    server.polls_per_state = 0
    remote: Remote = run(lane.check(run(lane.create(order)).id))
    return remote


def fetched(lane: OpenAIBatches, run: Run[Any], remote: Remote, directory: Path) -> list[ResultLine]:
    return [lane.read(line) for path in run(lane.fetch(remote, unused, directory)) for line in path.open("rb")]


def test_requests_are_uploaded_as_written(server: BatchProvider, order: Order) -> None:
    (file,) = server.files
    assert file.id == order.input_file_id
    assert (file.purpose, file.filename) == ("batch", "cairn-n0.jsonl")
    assert file.content == order.path.read_bytes()


def test_a_batch_is_created_with_its_nonce(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order
) -> None:
    remote = run(lane.create(order))
    (batch,) = server.batches
    assert (batch.id, batch.endpoint, batch.input_file_id) == (remote.id, order.endpoint, order.input_file_id)
    assert batch.metadata == {"cairn": "n0"}
    assert [(request.custom_id, request.body) for request in batch.requests] == [
        (custom_id("n0", number), body(number)) for number in range(3)
    ]
    assert remote == Remote(batch.id, "in_progress", "validating", datetime.fromtimestamp(batch.created_at, UTC), 0)


@pytest.mark.parametrize("endpoint", ["/v1/responses", "/v1/embeddings"])
def test_the_file_names_its_endpoint(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], tmp_path: Path, endpoint: str
) -> None:
    asked = written(lane, tmp_path / "asked", endpoint=endpoint)
    remote = ended(server, lane, run, replace(asked, input_file_id=run(lane.upload(asked))))
    assert (remote.state, remote.done) == ("completed", 3)


@pytest.mark.parametrize("state", ["validating", "in_progress", "finalizing", "cancelling"])
def test_states_on_the_way(server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order, state: str) -> None:
    server.auto = False
    remote = run(lane.create(order))
    server.set_state(remote.id, state)
    assert run(lane.check(remote.id)) == replace(remote, provider_state=state)


def test_an_end_tells_progress_files_and_usage(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order
) -> None:
    server.line_plan = lambda asked: Line(status=400) if asked.nth == 2 else Line(used=Used(100, 64, 30, 20))
    remote = ended(server, lane, run, order)
    batch = server.batch(remote.id)
    assert (remote.state, remote.provider_state, remote.done) == ("completed", "completed", 3)
    assert (remote.output_file_id, remote.error_file_id) == (batch.output_file_id, None)
    assert remote.usage == Usage(input_tokens=300, cached_input_tokens=192, output_tokens=90, reasoning_tokens=60)


@pytest.mark.parametrize("state", ["expired", "cancelled"])
def test_a_batch_cut_short_hands_over_what_was_answered(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order, tmp_path: Path, state: str
) -> None:
    server.auto = False
    remote = run(lane.create(order))
    (server.expire if state == "expired" else server.cancelled)(remote.id, 1)
    remote = run(lane.check(remote.id))
    assert remote.state == state
    answer, *rest = fetched(lane, run, remote, tmp_path)
    assert (answer.custom_id, answer.outcome) == ("n0-0-1", "answer")
    assert {(line.custom_id, line.outcome, line.code) for line in rest} == {
        ("n0-1-1", state, state),
        ("n0-2-1", state, state),
    }


def test_a_batch_that_is_not_valid_says_why(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order
) -> None:
    server.auto = False
    remote = run(lane.create(order))
    server.fail(remote.id, "invalid_json_line", "No JSON: sk-abcdef. " + "long " * 100, line=2)
    remote = run(lane.check(remote.id))
    (refused,) = remote.refused
    assert (remote.state, refused.code, refused.line) == ("failed", "invalid_json_line", 2)
    assert refused.message.startswith("No JSON: [key]")
    assert len(refused.message) == 300


def test_a_full_queue_is_told_after_create(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order
) -> None:
    server.queue_cap = 2
    remote = run(lane.check(run(lane.create(order)).id))
    assert remote.state == "failed"
    assert [refused.code for refused in remote.refused] == ["token_limit_exceeded"]


@pytest.mark.parametrize("empty", [False, True])
def test_one_file_may_be_missing(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order, tmp_path: Path, empty: bool
) -> None:
    server.empty_error_id = True
    server.line_plan = lambda _asked: Line() if empty else Line(status=500)
    remote = ended(server, lane, run, order)
    assert (remote.output_file_id is None, remote.error_file_id is None) == (not empty, empty)
    lines = fetched(lane, run, remote, tmp_path)
    assert {line.outcome for line in lines} == {"answer" if empty else "error"}
    assert {line.custom_id for line in lines} == {custom_id("n0", number) for number in range(3)}


def test_both_files_are_fetched(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order, tmp_path: Path
) -> None:
    server.line_plan = lambda asked: Line(status=429) if asked.custom_id == "n0-1-1" else Line()
    lines = fetched(lane, run, ended(server, lane, run, order), tmp_path)
    assert [line.outcome for line in lines] == ["answer", "answer", "error"]
    assert orjson.loads(lines[0].body)["object"] == "chat.completion"


@pytest.mark.parametrize(
    "fault",
    [
        FileFault("silent"),
        FileFault("silent", chunked=True),
        FileFault("silent", after=0),
        FileFault("cut"),
        FileFault("cut", chunked=True),
        FileFault("reset"),
    ],
)
def test_a_download_that_is_not_whole_is_no_result(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order, tmp_path: Path, fault: FileFault
) -> None:
    remote = ended(server, lane, run, order)
    server.output_file = fault
    error = failure(run, lane.fetch(remote, unused, tmp_path))
    assert (error.heard, error.retryable) == (False, True)
    assert len(fetched(lane, run, remote, tmp_path)) == 3


def test_a_file_whose_size_is_not_told_is_taken_as_it_is(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order, tmp_path: Path
) -> None:
    remote = ended(server, lane, run, order)
    server.fail_next("file", 200, body=orjson.dumps({"id": remote.output_file_id, "bytes": None}))
    assert len(fetched(lane, run, remote, tmp_path)) == 3


def test_a_server_that_fails_a_download_has_not_lost_it(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order, tmp_path: Path
) -> None:
    remote = ended(server, lane, run, order)
    server.fail_next("content", 500)
    assert failure(run, lane.fetch(remote, unused, tmp_path)).status == 500
    assert len(fetched(lane, run, remote, tmp_path)) == 3


@pytest.mark.parametrize("known_to_be_gone", [False, True])
def test_deleted_results_are_gone(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order, tmp_path: Path, known_to_be_gone: bool
) -> None:
    server.retained = not known_to_be_gone
    server.output_file = FileFault("gone", times=9)
    with pytest.raises(Gone):
        run(lane.fetch(ended(server, lane, run, order), unused, tmp_path))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, {}),
        ({"request_counts": None, "usage": None, "errors": None, "metadata": None}, {}),
        ({"request_counts": {}, "usage": {}, "errors": {}}, {}),
        ({"request_counts": {"completed": None, "failed": 1, "total": 2}}, {}),
        ({"request_counts": {"completed": 1, "failed": 1}}, {"done": 2}),
        ({"usage": {"input_tokens": 5}}, {}),
        ({"usage": {"input_tokens": -5, "output_tokens": 1}}, {}),
        ({"usage": {"input_tokens": 5, "output_tokens": 1}}, {"usage": Usage(5, 0, 0, 1)}),
        ({"usage": {"input_tokens": 5, "output_tokens": 1, "input_tokens_details": {}}}, {"usage": Usage(5, 0, 0, 1)}),
        ({"status": "pausing"}, {"state": "in_progress", "provider_state": "pausing"}),
        ({"errors": {"data": None}}, {}),
        ({"errors": {"data": [{"line": "x"}]}}, {"refused": (Refused("failed", ""),)}),
        ({"output_file_id": "", "error_file_id": ""}, {}),
    ],
)
def test_an_odd_batch_is_still_a_batch(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], told: dict[str, Any], expected: dict[str, Any]
) -> None:
    sent = {"id": "batch_1", "status": "completed", "created_at": 1, **told}
    server.fail_next("retrieve", 200, body=orjson.dumps(sent))
    bare = Remote("batch_1", "completed", "completed", datetime.fromtimestamp(1, UTC))
    assert run(lane.check("batch_1")) == replace(bare, **expected)


def others(lane: OpenAIBatches, run: Run[Any], order: Order, count: int) -> None:
    for number in range(count):
        run(lane.create(replace(order, nonce=f"other{number}")))


def test_a_batch_is_found_by_its_nonce_behind_other_peoples(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order
) -> None:
    remote = run(lane.create(order))
    others(lane, run, order, 120)
    found = run(lane.find(order, set()))
    assert (found.remote.id, found.undecided) == (remote.id, False)
    assert server.arrived("GET", "/v1/batches") == 2


def test_a_batch_that_was_never_made_is_not_found(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order
) -> None:
    others(lane, run, order, 3)
    server.listing_lag = 1
    assert run(lane.find(order, set())).remote is None
    run(lane.create(order))
    assert run(lane.find(order, set())).remote is None
    assert run(lane.find(order, set())).remote is not None


def test_the_search_ends_a_day_before_the_intent(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order
) -> None:
    server.clock = order.intent_at.timestamp
    remote = run(lane.create(order))
    others(lane, run, order, 100)
    hours = [replace(order, intent_at=order.intent_at + timedelta(hours=number)) for number in (23, 25)]
    near, far = (run(lane.find(searched, set())) for searched in hours)
    assert (near.remote.id, far.remote) == (remote.id, None)
    assert server.arrived("GET", "/v1/batches") == 3


PAGE = b'{"object":"list","data":[%s],"has_more":true}' % orjson.dumps(
    {"id": "batch_1", "status": "completed", "created_at": 4_000_000_000}
)


@pytest.mark.parametrize(
    "pages",
    [
        [b"{}"],
        [b"<html>"],
        [b'{"data":null}'],
        [b'{"data":{}}'],
        [b'{"data":[{}]}'],
        [b'{"data":[null]}'],
        [b'{"data":[],"has_more":true}'],
        [PAGE, b"{}"],
        [PAGE, PAGE],
    ],
)
def test_a_listing_that_is_not_whole_decides_nothing(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order, pages: list[bytes]
) -> None:
    for page in pages:
        server.fail_next("list", 200, body=page)
    assert failure(run, lane.find(order, set())).code == "bad_response"
    assert server.arrived("GET", "/v1/batches") == len(pages)


def test_a_listing_whose_second_page_fails_decides_nothing(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order
) -> None:
    run(lane.create(order))
    others(lane, run, order, 100)
    server.listing_fault = "second_page_fails"
    assert failure(run, lane.find(order, set())).status == 500


def test_cancelling(server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order) -> None:
    server.done_at_cancel = 1
    remote = run(lane.create(order))
    run(lane.cancel(remote.id))
    assert server.batch(remote.id).state == "cancelling"
    assert run(lane.check(remote.id)).state == "cancelled"
    assert failure(run, lane.cancel(remote.id)).status == 409


def test_a_create_that_arrives_after_its_file_was_forgotten_comes_to_nothing(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order
) -> None:
    async def late() -> None:
        creating = asyncio.create_task(lane.create(order))
        await asyncio.to_thread(server.reached, "create.before")
        await lane.forget(order.input_file_id or "")
        server.release("create.before")
        await creating

    server.hold("create.before")
    assert failure(run, late()).status == 404
    assert server.creates == 0


def test_forgetting_is_done_once_the_file_is_not_there(
    server: BatchProvider, lane: OpenAIBatches, run: Run[Any], order: Order
) -> None:
    server.fail_next("delete_file", 500)
    assert failure(run, lane.forget(order.input_file_id or "")).status == 500
    run(lane.forget(order.input_file_id or ""))
    assert server.files == []
    run(lane.forget(order.input_file_id or ""))
