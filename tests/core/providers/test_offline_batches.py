"""The offline lane: batches without a provider, computed when their results are fetched."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from core.asking.prompts import Asking, build
from core.errors import InvalidInput
from core.providers.batch_api import Order
from core.providers.offline import OfflineProvider
from core.providers.offline_batches import OfflineBatches
from tests.core.providers.orders import Run, written


def answered(body: dict[str, object]) -> str:
    said = str(body["messages"])
    if "1" in said:
        raise InvalidInput("The text is empty.")
    return orjson.dumps({"said": said}).decode()


@pytest.fixture
def lane() -> OfflineBatches:
    return OfflineBatches(answered)


@pytest.fixture
def order(lane: OfflineBatches, tmp_path: Path) -> Order:
    return written(lane, tmp_path / "asked", endpoint="offline")


def test_a_batch_is_done_as_soon_as_it_is_checked(lane: OfflineBatches, run: Run[Any], order: Order) -> None:
    assert run(lane.upload(order)) is None
    created = run(lane.create(order))
    assert created.state == "in_progress"
    assert run(lane.check(created.id)).state == "completed"


def test_a_create_that_was_never_told_of_is_found(lane: OfflineBatches, run: Run[Any], order: Order) -> None:
    found = run(lane.find(order, set()))
    assert (found.remote.id, found.undecided) == (run(lane.create(order)).id, False)


def test_every_request_gets_its_line_as_often_as_it_is_fetched(
    lane: OfflineBatches, run: Run[Any], order: Order, tmp_path: Path
) -> None:
    remote = run(lane.create(order))
    for _ in range(2):
        (path,) = run(lane.fetch(remote, lambda: order.path, tmp_path))
        lines = {line.custom_id: line for line in map(lane.read, path.open("rb"))}
        assert list(lines) == ["n0-0-1", "n0-1-1", "n0-2-1"]
        assert "Döcument 2." in orjson.loads(lines["n0-2-1"].body)["said"]
        failed = lines["n0-1-1"]
        assert (failed.outcome, failed.code, failed.passing) == ("error", "VALIDATION_ERROR", False)
        assert failed.message == "The text is empty."


def test_the_engine_answers_as_it_does_live(run: Run[Any], tmp_path: Path) -> None:
    provider = OfflineProvider()
    prompt = build(Asking("sentiment", 1, "", (), False, {}), "Two good pumps failed.", "a" * 64)
    body = provider.body(prompt, "offline-1")
    framing = provider.batches.framing(provider.endpoint)
    path = tmp_path / "asked"
    path.write_text(f"{framing.before}n0-1-1{framing.between}{orjson.dumps(body).decode()}{framing.after}\n")
    order = Order(path, provider.endpoint, "n0", 1, run(provider.batches.check("offline_n0")).created_at)
    (results,) = run(provider.batches.fetch(run(provider.batches.create(order)), lambda: path, tmp_path))
    (line,) = map(provider.batches.read, results.open("rb"))
    assert provider.parse(line.body) == run(provider.call(body)).parsed
