"""Every verb of Anthropic's batch lane with the real SDK against the loopback provider."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from core.providers.anthropic import AnthropicProvider
from core.providers.anthropic_batches import AnthropicBatches
from core.providers.batch_api import Gone, Order, Remote, ResultLine
from tests.batch_provider import BatchProvider, FileFault, Line
from tests.core.providers.orders import Run, body, custom_id, failure, written

PATH = "/v1/messages/batches"


@pytest.fixture
def lane(server: BatchProvider, run: Run[Any]) -> Iterator[AnthropicBatches]:
    provider = AnthropicProvider("sk-test", server.anthropic_url, 20)
    yield provider.batches
    run(provider.close())


@pytest.fixture
def order(lane: AnthropicBatches, tmp_path: Path) -> Order:
    return written(lane, tmp_path / "asked", endpoint="/v1/messages")


def other(lane: AnthropicBatches, order: Order, nonce: str = "other", requests: int = 3) -> Order:
    return written(lane, order.path.with_name(nonce), nonce, requests, intent_at=order.intent_at)


def unused() -> Path:
    raise AssertionError("The requests are not needed to fetch results.")


def ended(server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order) -> Remote:
    server.polls_per_state = 0
    remote: Remote = run(lane.check(run(lane.create(order)).id))
    return remote


def fetched(lane: AnthropicBatches, run: Run[Any], remote: Remote, directory: Path) -> list[ResultLine]:
    return [lane.read(line) for path in run(lane.fetch(remote, unused, directory)) for line in path.open("rb")]


def test_there_is_nothing_to_upload_or_to_forget(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order
) -> None:
    assert run(lane.upload(order)) is None
    run(lane.forget(""))
    assert server.log == []


def test_requests_go_inside_the_create_call(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order
) -> None:
    remote = run(lane.create(order))
    (batch,) = server.batches
    assert [(request.custom_id, request.body) for request in batch.requests] == [
        (custom_id("n0", number), body(number)) for number in range(3)
    ]
    created_at = datetime.fromtimestamp(batch.created_at, UTC)
    assert remote == Remote(batch.id, "in_progress", "in_progress", created_at)


@pytest.mark.parametrize("state", ["in_progress", "canceling"])
def test_states_on_the_way(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order, state: str
) -> None:
    server.auto = False
    remote = run(lane.create(order))
    server.set_state(remote.id, state)
    # There is no progress to tell of before the end.
    assert run(lane.check(remote.id)) == replace(remote, provider_state=state, done=None)


def test_results_of_every_kind(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order, tmp_path: Path
) -> None:
    plans = {"n0-0-1": Line(), "n0-1-1": Line(status=529), "n0-2-1": Line(outcome="expired")}
    server.line_plan = lambda asked: plans[asked.custom_id]
    remote = ended(server, lane, run, order)
    assert (remote.state, remote.provider_state) == ("completed", "ended")
    lines = {line.custom_id: line for line in fetched(lane, run, remote, tmp_path)}
    assert {key: (line.outcome, line.code) for key, line in lines.items()} == {
        "n0-0-1": ("answer", ""),
        "n0-1-1": ("error", "overloaded"),
        "n0-2-1": ("expired", "expired"),
    }
    assert orjson.loads(lines["n0-0-1"].body)["type"] == "message"


def test_cancelling_hands_over_what_was_answered(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order, tmp_path: Path
) -> None:
    server.done_at_cancel = 1
    remote = run(lane.create(order))
    run(lane.cancel(remote.id))
    remote = run(lane.check(remote.id))
    outcomes = {line.custom_id: line.outcome for line in fetched(lane, run, remote, tmp_path)}
    assert outcomes == {"n0-0-1": "answer", "n0-1-1": "cancelled", "n0-2-1": "cancelled"}
    assert failure(run, lane.cancel(remote.id)).status == 400


@pytest.mark.parametrize(
    "fault", [FileFault("cut"), FileFault("cut", chunked=True), FileFault("cut", after=0), FileFault("reset")]
)
def test_a_download_that_breaks_off_is_no_result(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order, tmp_path: Path, fault: FileFault
) -> None:
    remote = ended(server, lane, run, order)
    server.results_file = fault
    error = failure(run, lane.fetch(remote, unused, tmp_path))
    assert (error.heard, error.retryable) == (False, True)
    assert len(fetched(lane, run, remote, tmp_path)) == 3


@pytest.mark.parametrize(("after", "times"), [(0, 1), (-5, 1), (-200, 2)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_download_with_too_few_lines_is_taken_again(
    server: BatchProvider,
    lane: AnthropicBatches,
    run: Run[Any],
    order: Order,
    tmp_path: Path,
    after: int,
    times: int,
    chunked: bool,
) -> None:
    remote = ended(server, lane, run, order)
    batch = server.batch(remote.id)
    assert batch.results is not None
    server.results_file = FileFault("silent", len(batch.results[:after]), times, chunked=chunked)
    assert len(fetched(lane, run, remote, tmp_path)) == 3
    assert batch.downloads == times + 1


def test_a_line_that_is_missing_in_every_download_is_missing(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order, tmp_path: Path
) -> None:
    server.line_plan = lambda asked: Line(missing=asked.custom_id == "n0-1-1")
    remote = ended(server, lane, run, order)
    lines = fetched(lane, run, remote, tmp_path)
    assert {line.custom_id for line in lines} == {"n0-0-1", "n0-2-1"}
    assert server.batch(remote.id).downloads == 3


def test_a_server_that_fails_a_download_has_not_lost_it(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order, tmp_path: Path
) -> None:
    remote = ended(server, lane, run, order)
    server.fail_next("results", 500)
    assert failure(run, lane.fetch(remote, unused, tmp_path)).status == 500
    assert len(fetched(lane, run, remote, tmp_path)) == 3


@pytest.mark.parametrize("how", ["archived", "gone", "deleted"])
def test_deleted_results_are_gone(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order, tmp_path: Path, how: str
) -> None:
    remote = ended(server, lane, run, order)
    server.results_file = FileFault("gone") if how == "gone" else None
    server.batch(remote.id).archived = how == "archived"
    server.batch(remote.id).deleted = how == "deleted"
    with pytest.raises(Gone):
        run(lane.fetch(remote, unused, tmp_path))


@pytest.mark.parametrize("status", ["in_progress", "pausing"])
def test_an_odd_batch_is_still_a_batch(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], status: str
) -> None:
    sent = {"id": "msgbatch_1", "processing_status": status, "created_at": "2026-11-21T12:00:00Z"}
    server.fail_next("retrieve", 200, body=orjson.dumps({**sent, "request_counts": None}))
    created_at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert run(lane.check("msgbatch_1")) == Remote("msgbatch_1", "in_progress", status, created_at)


def test_a_batch_is_found_by_the_nonce_in_its_results_and_undecided_until_then(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order
) -> None:
    server.auto = False
    remote = run(lane.create(order))
    smaller = [run(lane.create(other(lane, order, f"other{number}", 1))) for number in range(120)]
    server.finish(smaller[-1].id)
    alike = run(lane.create(other(lane, order)))
    server.finish(alike.id)
    found = run(lane.find(order, set()))
    assert (found.remote, found.undecided) == (None, True)
    assert server.arrived("GET", PATH) == 2
    server.finish(remote.id)
    found = run(lane.find(order, set()))
    assert (found.remote.id, found.undecided) == (remote.id, False)
    # Only those of the same size were looked into.
    assert {path for _, path in server.log if path.endswith("/results")} == {
        f"{PATH}/{batch_id}/results" for batch_id in (remote.id, alike.id)
    }


def test_other_peoples_batches_are_never_adopted(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order
) -> None:
    for nonce in ("other", "n", "n00", "xn0"):
        ended(server, lane, run, other(lane, order, nonce))
    found = run(lane.find(order, set()))
    assert (found.remote, found.undecided) == (None, False)


def test_a_batch_that_is_known_is_not_looked_into(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order
) -> None:
    server.auto = False
    remote = run(lane.create(other(lane, order)))
    assert run(lane.find(order, set())).undecided
    assert not run(lane.find(order, {remote.id})).undecided


def test_only_batches_made_since_the_intent_are_looked_at(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order
) -> None:
    server.auto = False
    for _ in range(101):
        run(lane.create(order))
    minutes = [timedelta(minutes=number) for number in (9, 11)]
    near, far = (run(lane.find(replace(order, intent_at=order.intent_at + delta), set())) for delta in minutes)
    assert (near.undecided, far.undecided) == (True, False)
    assert server.arrived("GET", PATH) == 3


def test_what_is_archived_stays_undecided(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order
) -> None:
    server.retained = False
    ended(server, lane, run, order)
    found = run(lane.find(order, set()))
    assert (found.remote, found.undecided) == (None, True)


@pytest.mark.parametrize(
    "fault", [FileFault("silent", 5), FileFault("cut", 5), FileFault("silent", 0), FileFault("gone")]
)
@pytest.mark.parametrize("nonce", ["n0", "other"])
def test_results_that_cannot_be_read_decide_nothing(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order, nonce: str, fault: FileFault
) -> None:
    ended(server, lane, run, other(lane, order, nonce))
    server.results_file = fault
    assert failure(run, lane.find(order, set())).retryable is (fault.kind != "gone")
    assert (run(lane.find(order, set())).remote is None) is (nonce == "other")


@pytest.mark.parametrize("planned", [Line(not_json=True), Line(invalid_utf8=True)])
def test_a_broken_first_line_still_tells_whose_it_is(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order, planned: Line
) -> None:
    server.line_plan = lambda _asked: planned
    remote = ended(server, lane, run, order)
    ended(server, lane, run, other(lane, order))
    assert run(lane.find(order, set())).remote.id == remote.id


def test_results_archived_while_they_are_looked_at_decide_nothing(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order
) -> None:
    remote = ended(server, lane, run, order)

    async def too_late() -> None:
        finding = asyncio.create_task(lane.find(order, set()))
        await asyncio.to_thread(server.reached, "retrieve.before")
        server.batch(remote.id).archived = True
        server.release("retrieve.before")
        await finding

    server.hold("retrieve.before")
    assert failure(run, too_late()).code == "bad_response"


@pytest.mark.parametrize("counts", [None, {}, {"processing": 3}])
def test_a_batch_whose_size_is_not_told_may_be_ours(
    server: BatchProvider,
    lane: AnthropicBatches,
    run: Run[Any],
    order: Order,
    tmp_path: Path,
    counts: dict[str, int] | None,
) -> None:
    remote = ended(server, lane, run, order)
    (listed,) = httpx.get(server.anthropic_url + PATH).json()["data"]
    server.fail_next("list", 200, body=orjson.dumps({"data": [{**listed, "request_counts": counts}]}))
    assert run(lane.find(order, set())).remote.id == remote.id
    server.fail_next("retrieve", 200, body=orjson.dumps({**listed, "request_counts": counts}))
    assert len(fetched(lane, run, remote, tmp_path)) == 3


PAGE = b'{"data":[%s],"has_more":true,"last_id":"msgbatch_1"}' % orjson.dumps(
    {
        "id": "msgbatch_1",
        "processing_status": "ended",
        "created_at": "2099-11-21T12:00:00Z",
        "request_counts": {"processing": 0, "succeeded": 1, "errored": 0, "canceled": 0, "expired": 0},
    }
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
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order, pages: list[bytes]
) -> None:
    for page in pages:
        server.fail_next("list", 200, body=page)
    assert failure(run, lane.find(order, set())).code == "bad_response"
    assert server.arrived("GET", PATH) == len(pages)


def test_a_listing_whose_second_page_fails_decides_nothing(
    server: BatchProvider, lane: AnthropicBatches, run: Run[Any], order: Order
) -> None:
    for number in range(101):
        run(lane.create(other(lane, order, f"other{number}", 1)))
    server.listing_fault = "second_page_fails"
    assert failure(run, lane.find(order, set())).status == 500
