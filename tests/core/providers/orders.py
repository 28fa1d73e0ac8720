"""Orders for the batch lanes, written by their framing, and how the lanes are called."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest

from core.errors import ProviderError
from core.providers.batch_api import BatchLane, Order

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]


def written(
    lane: BatchLane,
    path: Path,
    nonce: str = "n0",
    requests: int = 3,
    endpoint: str = "/v1/chat/completions",
    intent_at: datetime | None = None,
) -> Order:
    framing = lane.framing(endpoint)
    lines = [
        (framing.before + custom_id(nonce, number) + framing.between + orjson.dumps(body(number)).decode()).encode()
        + (framing.after + "\n").encode()
        for number in range(requests)
    ]
    path.write_bytes(framing.head + framing.separator.join(lines) + framing.tail)
    return Order(path, endpoint, nonce, requests, intent_at or datetime.now(UTC))


def custom_id(nonce: str, number: int) -> str:
    return f"{nonce}-{number}-1"


def body(number: int) -> dict[str, Any]:
    return {"model": "m-1", "max_tokens": 50, "messages": [{"role": "user", "content": f"Döcument {number}."}]}


def failure(run: Run[Any], call: Coroutine[Any, Any, Any]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        run(call)
    return caught.value
