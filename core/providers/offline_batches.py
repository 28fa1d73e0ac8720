"""The offline engine's batch lane: requests are answered when results are fetched, and nothing leaves this machine.

An interrupted batch is computed again from its requests, at no cost.
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import orjson

from core.errors import CairnError
from core.providers.batch_api import BatchLimits, Found, Framing, Order, Remote, ResultLine, Used
from core.providers.openai_batches import read_line
from core.providers.usage import Usage


class _Asked(msgspec.Struct):
    custom_id: str
    body: msgspec.Raw


class OfflineBatches:
    # Small, as a job's only progress is that one batch after the other ends.
    limits = BatchLimits(requests=100, bytes=100_000_000)
    mixes_models = True

    def __init__(self, answer: Callable[[dict[str, object]], str]):
        self._answer = answer

    def framing(self, endpoint: str) -> Framing:
        return Framing(b"", '{"custom_id":"', '","body":', "}", b"", b"")

    async def upload(self, order: Order) -> str | None:
        return None

    async def create(self, order: Order) -> Remote:
        return _remote(f"offline_{order.nonce}", "in_progress")

    async def check(self, remote_id: str) -> Remote:
        return _remote(remote_id, "completed")

    async def find(self, order: Order, known: Collection[str]) -> Found:
        return Found(_remote(f"offline_{order.nonce}", "in_progress"))

    async def cancel(self, remote_id: str) -> None:
        return None

    async def forget(self, input_file_id: str) -> None:
        return None

    async def fetch(self, remote: Remote, source: Callable[[], Path], directory: Path) -> list[Path]:
        path = directory / "0.jsonl"
        await asyncio.to_thread(self._answer_all, source, path)
        return [path]

    def _answer_all(self, source: Callable[[], Path], path: Path) -> None:
        asked = msgspec.json.Decoder(_Asked)
        with source().open("rb") as requests, path.open("wb") as results:
            for line in requests:
                request = asked.decode(line)
                results.write(_line(request.custom_id, **self._answered(orjson.loads(bytes(request.body)))))

    def _answered(self, body: dict[str, object]) -> dict[str, object]:
        try:
            return {"response": {"status_code": 200, "body": orjson.Fragment(self._answer(body))}}
        except CairnError as error:
            return {"error": {"code": error.code, "message": error.message}}

    def read(self, line: bytes) -> ResultLine:
        return read_line(line, "offline", lambda _body, _name: None)

    def used(self, body: bytes) -> Used:
        return Used("", Usage())


def _line(custom_id: str, **answered: object) -> bytes:
    return orjson.dumps({"custom_id": custom_id, **answered}) + b"\n"


def _remote(remote_id: str, state: str) -> Remote:
    return Remote(remote_id, "completed" if state == "completed" else "in_progress", state, datetime.now(UTC))
